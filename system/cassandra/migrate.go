package cassandra

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gocql/gocql"

	"github.com/chatlab/chatlab/system/chat"
)

// MigrateOptions say how far a migration goes.
type MigrateOptions struct {
	To         int  // the last version to apply; 0: all that this code knows
	Contract   bool // also apply steps that take away what older code needs
	AllowNewer bool // go on although the database has steps that this code does not know
}

// Applied is a step that a database has.
type Applied struct {
	Version   int
	Name      string
	Phase     Phase
	AppliedAt time.Time
	Checksum  string
}

// MigrationTables are those in which migrations keep their own books: without them the other tables would be made again.
func MigrationTables() []string { return []string{"schema_migrations", "schema_claims"} }

// ErrMigration says that a database and this code do not fit together; nothing was changed.
var ErrMigration = errors.New("database and code do not fit together")

const (
	applied   = "chat"           // the partition that holds all steps
	claimLife = 30 * time.Second // a runner that dies holds up the others for as long
	claimWait = 2 * time.Minute
)

// Migrate makes the keyspace and applies the steps that it lacks, in order. It may be repeated.
//
// Two that run at once take turns: a runner writes a claim at quorum, then reads all claims at quorum, and works only if
// it sees no other; of two whose claims cross, each sees the other's, takes its own back and waits a random time. A claim
// lives 30 s, so a runner that was frozen for longer may work beside the next: every statement may be repeated, and the
// schema is agreed on before the next, so they do the same thing twice. Only the keyspace and the two tables of the
// migrations themselves are made before the claim.
func Migrate(ctx context.Context, cfg Config, opts ...MigrateOptions) error {
	var o MigrateOptions
	for _, o = range opts {
	}
	m, err := openMigrator(ctx, cfg)
	if err != nil {
		return err
	}
	defer m.store.Close()
	release, err := m.claim(ctx)
	if err != nil {
		return fmt.Errorf("wait for other migrations: %w", err)
	}
	defer release()
	has, err := m.applied(ctx)
	if err != nil {
		return err
	}
	steps, err := Plan(Migrations(), has, o)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := m.apply(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// Status reads which steps a database has. It makes nothing: a database without the table has none.
func Status(ctx context.Context, cfg Config) ([]Applied, error) {
	store, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	has, err := (&migrator{store: store}).applied(ctx)
	var refused gocql.RequestError
	if errors.As(err, &refused) && refused.Code() == gocql.ErrCodeInvalid {
		return nil, nil
	}
	return has, err
}

// Plan says which of the steps known are to be applied to a database that has some of them.
func Plan(known []Migration, has []Applied, o MigrateOptions) (todo []Migration, err error) {
	last := known[len(known)-1].Version
	if o.To < 0 || o.To > last {
		return nil, fmt.Errorf("%w: there is no step %d: the last is %d", ErrMigration, o.To, last)
	}
	done := map[int]Applied{}
	for _, a := range has {
		done[a.Version] = a
		if a.Version > last && !o.AllowNewer {
			return nil, fmt.Errorf("%w: the database has step %d (%s), this code knows %d: run the newer code, or allow it", ErrMigration, a.Version, a.Name, last)
		}
	}
	for _, m := range known {
		a, ok := done[m.Version]
		switch {
		case ok && a.Checksum != m.Checksum():
			return nil, fmt.Errorf("%w: step %d (%s) was applied as something else: checksum %s, now %s", ErrMigration, m.Version, m.Name, a.Checksum, m.Checksum())
		case ok, o.To > 0 && m.Version > o.To:
		case m.Phase == Contract && !o.Contract:
			return todo, nil // what comes after it may need it
		default:
			todo = append(todo, m)
		}
	}
	return todo, nil
}

// migrator applies steps to one keyspace.
type migrator struct{ store *Store }

func openMigrator(ctx context.Context, cfg Config) (*migrator, error) {
	s, err := cluster(cfg).CreateSession()
	if err != nil {
		return nil, fmt.Errorf("connect to cassandra: %w", err)
	}
	err = s.Query(fmt.Sprintf(createKeyspace, cfg.Keyspace, cfg.Replicas)).WithContext(ctx).Exec()
	s.Close()
	if err != nil {
		return nil, fmt.Errorf("create keyspace: %w", err)
	}
	store, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	m := &migrator{store}
	for _, q := range []string{createMigrations, createClaims} {
		if err := m.define(ctx, q); err != nil {
			store.Close()
			return nil, fmt.Errorf("create table of migrations: %w", err)
		}
	}
	return m, nil
}

// define changes the schema and waits until all nodes that are up agree on it.
func (m *migrator) define(ctx context.Context, statement string) error {
	if err := m.store.s.Query(statement).WithContext(ctx).Exec(); err != nil {
		return err
	}
	return m.store.s.AwaitSchemaAgreement(ctx)
}

func (m *migrator) apply(ctx context.Context, step Migration) error {
	for _, q := range step.Statements {
		if err := m.define(ctx, q); err != nil {
			return fmt.Errorf("apply step %d (%s): %w", step.Version, step.Name, err)
		}
	}
	err := m.store.s.Query(insertMigration, applied, step.Version, step.Name, string(step.Phase), time.Now().UTC(), step.Checksum()).WithContext(ctx).Exec()
	if err != nil {
		return fmt.Errorf("record step %d (%s): %w", step.Version, step.Name, err)
	}
	return nil
}

func (m *migrator) applied(ctx context.Context) (out []Applied, err error) {
	it := m.store.s.Query(selectMigrations, applied).WithContext(ctx).Iter()
	var a Applied
	var phase string
	for it.Scan(&a.Version, &a.Name, &phase, &a.AppliedAt, &a.Checksum) {
		a.Phase, a.AppliedAt = Phase(phase), a.AppliedAt.UTC()
		out = append(out, a)
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return out, nil
}

// claim waits until no other runner has a claim.
func (m *migrator) claim(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, claimWait)
	defer cancel()
	me := gocql.UUID(chat.NewID())
	drop := func() { // a claim that is not taken back ends by itself
		_ = m.store.s.Query(deleteClaim, applied, me).Exec()
	}
	for {
		if err := m.store.s.Query(insertClaim, applied, me, int(claimLife/time.Second)).WithContext(ctx).Exec(); err != nil {
			return nil, err
		}
		others, err := m.others(ctx, me)
		if err != nil || len(others) == 0 {
			return drop, err
		}
		drop()
		pause := time.NewTimer(50*time.Millisecond + rand.N(450*time.Millisecond))
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		case <-pause.C:
		}
	}
}

func (m *migrator) others(ctx context.Context, me gocql.UUID) ([]gocql.UUID, error) {
	it := m.store.s.Query(selectClaims, applied).WithContext(ctx).Iter()
	var all []gocql.UUID
	var who gocql.UUID
	for it.Scan(&who) {
		all = append(all, who)
	}
	return slices.DeleteFunc(all, func(u gocql.UUID) bool { return u == me }), it.Close()
}
