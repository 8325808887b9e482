package cassandra_test

import (
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	sim "github.com/chatlab/chatlab/sim/cassandra"
	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/transport"
)

func empty(t *testing.T) cassandra.Config {
	c, err := sim.New(sim.Config{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return cassandra.Config{Hosts: c.Hosts(), Keyspace: "chat", Replicas: 3, Network: transport.Network{Names: c.Routes()}, Log: slog.New(slog.DiscardHandler)}
}

func versions(has []cassandra.Applied) (out []int) {
	for _, a := range has {
		out = append(out, a.Version)
	}
	return out
}

func TestMigrateStepByStep(t *testing.T) {
	cfg, ctx := empty(t), t.Context()
	require.NoError(t, cassandra.Migrate(ctx, cfg, cassandra.MigrateOptions{To: 1}))
	has, err := cassandra.Status(ctx, cfg)
	require.NoError(t, err)
	require.Equal(t, []int{1}, versions(has))
	require.Equal(t, cassandra.Expand, has[0].Phase)
	require.Equal(t, cassandra.Migrations()[0].Checksum(), has[0].Checksum)
	first := has[0].AppliedAt
	require.NoError(t, cassandra.Migrate(ctx, cfg))
	has, err = cassandra.Status(ctx, cfg)
	require.NoError(t, err)
	require.Len(t, has, len(cassandra.Migrations()))
	require.Equal(t, first, has[0].AppliedAt, "what was applied is not applied again")
}

func TestMigrationsAtOnceTakeTurns(t *testing.T) {
	cfg := empty(t)
	var all sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		all.Go(func() { errs[i] = cassandra.Migrate(t.Context(), cfg) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	has, err := cassandra.Status(t.Context(), cfg)
	require.NoError(t, err)
	require.Len(t, has, len(cassandra.Migrations()))
}

// Steps are numbered without gaps, each has a name, and what they do may be repeated.
func TestMigrationsAreWellFormed(t *testing.T) {
	for i, m := range cassandra.Migrations() {
		require.Equal(t, i+1, m.Version)
		require.NotEmpty(t, m.Name)
		require.Contains(t, []cassandra.Phase{cassandra.Expand, cassandra.Contract}, m.Phase)
		for _, s := range m.Statements {
			require.Regexp(t, `IF (NOT )?EXISTS`, s)
		}
	}
}

func TestPlan(t *testing.T) {
	step := func(v int, p cassandra.Phase) cassandra.Migration {
		return cassandra.Migration{Version: v, Name: "step", Phase: p, Statements: []string{"S"}}
	}
	known := []cassandra.Migration{step(1, cassandra.Expand), step(2, cassandra.Contract), step(3, cassandra.Expand)}
	sum := known[0].Checksum()
	has := func(vs ...int) (out []cassandra.Applied) {
		for _, v := range vs {
			out = append(out, cassandra.Applied{Version: v, Checksum: sum})
		}
		return out
	}
	for name, c := range map[string]struct {
		has  []cassandra.Applied
		o    cassandra.MigrateOptions
		want []int
		why  string
	}{
		"empty, up to what takes away": {want: []int{1}},
		"with what takes away":         {o: cassandra.MigrateOptions{Contract: true}, want: []int{1, 2, 3}},
		"to one":                       {o: cassandra.MigrateOptions{To: 2, Contract: true}, want: []int{1, 2}},
		"goes on":                      {has: has(1, 2), want: []int{3}},
		"fills a hole":                 {has: has(1, 3), o: cassandra.MigrateOptions{Contract: true}, want: []int{2}},
		"newer database":               {has: has(1, 2, 3, 4), why: "the database has step 4"},
		"newer database, allowed":      {has: has(1, 2, 3, 4), o: cassandra.MigrateOptions{AllowNewer: true}},
		"no such step":                 {o: cassandra.MigrateOptions{To: 9}, why: "there is no step 9"},
		"another step under its number": {has: []cassandra.Applied{{Version: 1, Checksum: "other"}},
			why: "step 1 (step) was applied as something else"},
	} {
		t.Run(name, func(t *testing.T) {
			todo, err := cassandra.Plan(known, c.has, c.o)
			if c.why != "" {
				require.ErrorIs(t, err, cassandra.ErrMigration)
				require.ErrorContains(t, err, c.why)
				return
			}
			require.NoError(t, err)
			var got []int
			for _, m := range todo {
				got = append(got, m.Version)
			}
			require.Equal(t, c.want, got)
		})
	}
}
