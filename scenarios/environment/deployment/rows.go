package deployment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

const (
	page        = 500              // rows
	auditWithin = 90 * time.Second // a node may ask a frozen one for what it holds itself until it takes that for dead
	auditAgain  = 200 * time.Millisecond
)

// Stored lists a conversation's rows in storage order.
func (s *System) Stored(ctx context.Context, conv chat.ID, each func(chat.Message)) error {
	return list(ctx, s.rows, conv, each)
}

func list(ctx context.Context, from *cassandra.Store, conv chat.ID, each func(chat.Message)) error {
	after := order.First()
	for {
		rows, err := from.After(ctx, conv, after, page)
		if err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		for _, m := range rows {
			each(m)
		}
		if len(rows) < page {
			return nil
		}
		after = rows[len(rows)-1].Place.Timestamp
	}
}

// EachReplica reads each node alone. The other nodes are frozen meanwhile: however the one that is asked would choose whom to
// read from, what it answers is what it holds.
func (s *System) EachReplica(ctx context.Context, read func(node string, stored scenarios.Rows) error) error {
	var nodes []Endpoint
	for _, e := range s.endpoints() {
		if e.Store == Tables {
			nodes = append(nodes, e)
		}
	}
	for _, n := range nodes {
		if err := s.alone(ctx, n, nodes, read); err != nil {
			return fmt.Errorf("read %s alone: %w", n.Name, err)
		}
	}
	return untilNil(ctx, func() error { return s.stores.Ready(ctx) })
}

func (s *System) alone(ctx context.Context, node Endpoint, nodes []Endpoint, read func(string, scenarios.Rows) error) (err error) {
	replica, err := cassandra.OpenReplica(s.audit(node.Announced))
	if err != nil {
		return err
	}
	defer replica.Close()
	for _, other := range nodes {
		if other.Name == node.Name {
			continue
		}
		if err := s.stores.Freeze(ctx, other.Name); err != nil {
			return err
		}
		defer func() {
			err = errors.Join(err, s.stores.Thaw(context.WithoutCancel(ctx), other.Name))
		}()
	}
	return read(node.Name, func(ctx context.Context, conv chat.ID, each func(chat.Message)) error {
		var rows []chat.Message
		err := untilNil(ctx, func() error {
			rows = rows[:0]
			return list(ctx, replica, conv, func(m chat.Message) { rows = append(rows, m) })
		})
		for _, m := range rows {
			each(m)
		}
		return err
	})
}

// Repair reads rows from all replicas, which gives to each what it lacks of them.
func (s *System) Repair(ctx context.Context, convs ...chat.ID) error {
	all, err := cassandra.OpenAll(s.audit(s.announced(Tables)...))
	if err != nil {
		return fmt.Errorf("repair rows: %w", err)
	}
	defer all.Close()
	for _, conv := range convs {
		if err := untilNil(ctx, func() error { return list(ctx, all, conv, func(chat.Message) {}) }); err != nil {
			return fmt.Errorf("repair rows: %w", err)
		}
	}
	return nil
}

func (s *System) audit(hosts ...string) cassandra.Config {
	return cassandra.Config{Hosts: hosts, Keyspace: Keyspace, Network: Direct(s.stores), Log: s.spec.Log}
}

// untilNil asks again, within a bound: nodes that come back take their time.
func untilNil(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, auditWithin)
	defer cancel()
	again := time.NewTicker(auditAgain)
	defer again.Stop()
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}
