package fanout

import (
	"context"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/wire"
)

// desks take the dead letters of the worker's two groups.
type desks struct{ messages, receipts *deadletter.Desk }

func newDesks(cfg Config) desks {
	of := func(group string) *deadletter.Desk {
		return deadletter.NewDesk(deadletter.Config{Log: cfg.Log, Group: group, Pod: cfg.Name, Logger: cfg.Logger, Metrics: cfg.Metrics})
	}
	return desks{of(wire.GroupFanout), of(wire.GroupReceipts)}
}

func (d desks) close() {
	_ = d.messages.Close()
	_ = d.receipts.Close()
}

// refusal says of which record a worker cannot do what, and never can.
type refusal struct {
	record kafka.Record
	cause  error
}

// passOver sends records that nobody can process to the dead letters. Its only error is that ctx ended.
func (w *Worker) passOver(ctx context.Context, p *kafka.Partition, refused ...refusal) error {
	for _, r := range refused {
		if err := w.letters.messages.PassOver(ctx, wire.TopicMessages, p.ID, r.record, r.cause); err != nil {
			return err
		}
	}
	return nil
}

// storable refuses what storage would never take, before anybody has seen it.
func (it item) storable() error {
	if !it.placed {
		return nil
	}
	if err := cassandra.Check(it.message); err != nil {
		return deadletter.Refuse(err)
	}
	return nil
}

// decode reads a record; one that cannot be read is refused.
func decode(r kafka.Record) (wire.Record, error) {
	rec, err := wire.DecodeRecord(r.Value)
	if err != nil {
		return rec, deadletter.Refuse(err)
	}
	return rec, nil
}
