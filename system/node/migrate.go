package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// Migrate makes what the stores need before the roles start: keyspace, tables and topics. It may be repeated.
func Migrate(ctx context.Context, cfg Config, opts ...cassandra.MigrateOptions) error {
	cfg = cfg.withDefaults()
	if err := cassandra.Migrate(ctx, cfg.cassandra(), opts...); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	log := kafka.NewClient(cfg.kafka())
	defer log.Close()
	for _, t := range cfg.topics() {
		if err := log.CreateTopic(ctx, t); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	return nil
}

const day = 24 * time.Hour

// topics are what the log must have. Messages are kept well above the document's 24 h, because the log holds them until
// they are stored; dead letters until somebody has looked at them.
func (c Config) topics() []kafka.Topic {
	partitions := wire.Topics(c.Partitions)
	make := func(name string, retention time.Duration, maxBytes int) kafka.Topic {
		return kafka.Topic{Name: name, Partitions: partitions[name], Replicas: c.LogReplicas, Retention: retention, MaxBytes: maxBytes}
	}
	return []kafka.Topic{
		make(wire.TopicMessages, 7*day, 0),
		make(wire.TopicReceipts, day, 0),
		make(wire.TopicDeadLetters, 30*day, deadletter.MaxBytes),
	}
}

const aboutMigrate = `Makes what the stores need before the roles start: the keyspace, the tables by numbered steps, and the topics. It may be repeated, and of several that run at once one works and the others wait.

Roll out: migrate, then the new code everywhere, then migrate --contract. A step that expands leaves older code at work; one that contracts takes away what only older code needs, and waits for --contract.

Exit codes: 0 done, 2 wrong command line, 3 could not reach a store or go on, 4 database, log and code do not fit together.`

type migrateFlags struct {
	logFlags
	Partitions  int      `group:"Stores" help:"Partitions of chat.message_sent and chat.delivery_receipt; fixed once they are made." default:"24" env:"CHATD_PARTITIONS"`
	LogReplicas int      `group:"Stores" help:"Replicas of the topics that are made." default:"3" env:"CHATD_LOG_REPLICAS"`
	Cassandra   []string `group:"Stores" required:"" help:"Contact points." env:"CHATD_CASSANDRA" placeholder:"IP:PORT"`
	Keyspace    string   `group:"Stores" help:"Keyspace in Cassandra." default:"chat" env:"CHATD_KEYSPACE"`
	RowReplicas int      `group:"Stores" help:"Replication factor of a keyspace that is made." default:"3" env:"CHATD_ROW_REPLICAS"`

	Status     bool `help:"Show which steps the database has, and change nothing."`
	To         int  `help:"The last step to apply; 0: all." placeholder:"N"`
	Contract   bool `help:"Also apply steps that take away what older code needs."`
	AllowNewer bool `help:"Go on although the database has steps that this code does not know: after a rollback of the code."`
}

func migrateTool() tool {
	f := &migrateFlags{}
	return tool{name: migrate, about: aboutMigrate, flags: f, run: f.run}
}

func (f *migrateFlags) run(ctx context.Context, _ string, stdout, stderr io.Writer) error {
	cfg := Config{
		Name: "migrate", Kafka: f.Kafka, Partitions: f.Partitions, LogReplicas: f.LogReplicas,
		Cassandra: f.Cassandra, Keyspace: f.Keyspace, RowReplicas: f.RowReplicas,
		Network: transport.Network{Names: f.Names}, Logger: f.logger(stderr),
	}
	if f.Status {
		return showMigrations(ctx, cfg, stdout)
	}
	err := Migrate(ctx, cfg, cassandra.MigrateOptions{To: f.To, Contract: f.Contract, AllowNewer: f.AllowNewer})
	if errors.Is(err, cassandra.ErrMigration) || errors.Is(err, kafka.ErrPartitions) {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return err
}

func showMigrations(ctx context.Context, cfg Config, stdout io.Writer) error {
	has, err := cassandra.Status(ctx, cfg.withDefaults().cassandra())
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	done := map[int]cassandra.Applied{}
	for _, a := range has {
		done[a.Version] = a
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STEP\tPHASE\tAPPLIED\tWHAT")
	for _, m := range cassandra.Migrations() {
		applied := "-"
		if a, ok := done[m.Version]; ok {
			applied = a.AppliedAt.Format(time.RFC3339)
			delete(done, m.Version)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", m.Version, m.Phase, applied, m.Name)
	}
	for _, a := range has {
		if _, ok := done[a.Version]; ok {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s (not known to this code)\n", a.Version, a.Phase, a.AppliedAt.Format(time.RFC3339), a.Name)
		}
	}
	return w.Flush()
}
