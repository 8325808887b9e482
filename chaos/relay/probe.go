package relay

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Probe proves that the link works: it has no fault, and a connection made now reaches the target.
func (l *Link) Probe(ctx context.Context) error {
	if !l.Healthy() {
		return fmt.Errorf("link %s->%s still has a fault: %+v", l.From, l.To, l.Fault())
	}
	conn, err := l.config.Dial(ctx, "tcp", l.Addr())
	if err == nil {
		defer conn.Close()
		err = l.reached(ctx, conn)
	}
	if err != nil {
		return fmt.Errorf("probe link %s->%s to %s: %w", l.From, l.To, l.Target(), err)
	}
	return nil
}

// reached waits until a connection to the link is one to the target: the link resets it if it cannot be.
func (l *Link) reached(ctx context.Context, conn net.Conn) error {
	heard := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		heard <- err
	}()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-heard: // a target that speaks first is there, too
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
		for _, p := range l.living() {
			if p.joins(conn.LocalAddr().String()) {
				p.close(false) // the target may not end it by itself
				return nil
			}
		}
	}
}
