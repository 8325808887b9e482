package client

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// drains is a first gateway that lets its device go, and a second one.
func drains(f *fake, window time.Duration, first func(p *peer)) {
	f.gateway = func(p *peer) {
		p.resumed()
		if p.n == 1 {
			p.send(wire.ServerFrame{Type: wire.TypeDraining, WindowMS: window.Milliseconds()})
			first(p)
			return
		}
		p.beats()
	}
}

// A device that is told to leave comes back within the window, at a moment of its own, without a backoff.
func TestADrainingGatewayIsLeftWithinTheWindow(t *testing.T) {
	const window = time.Second
	var halves [2]int
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			drains(f, window, (*peer).hold)
			began := time.Now()
			f.device(func(c *Config) { c.Rand = rand.New(rand.NewPCG(seed, 1)) })
			f.run(func(ctx context.Context) {
				<-time.After(window)
				synctest.Wait()
				require.Equal(t, "connecting #1, connected, draining, disconnected 1000, connecting #1, connected", f.told())
			})
			require.Equal(t, []string{"", "gateway:1"}, f.avoided)
			for _, e := range f.events {
				if e.Kind == Disconnected && e.Close == chat.CloseNormal {
					halves[2*e.At.Sub(began)/window]++
					break
				}
			}
		})
	}
	require.InDelta(t, 20, halves[0], 9, "spread over the window: %v", halves)
}

// What the gateway closes at the end of the window comes back at once: the gateway has paced it.
func TestADeviceThatIsClosedAtTheEndOfItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		drains(f, time.Hour, func(p *peer) { p.close(chat.CloseDraining) })
		began := time.Now()
		f.device(nil)
		f.run(func(ctx context.Context) {
			require.NoError(t, f.client.Sync(ctx))
			require.Less(t, time.Since(began), backoffBase)
		})
	})
}

// A send that is under way gets its answer before the device leaves, and one that comes meanwhile goes out elsewhere.
func TestSendsSurviveADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		heard := map[int][]string{}
		answer := func(p *peer, after time.Duration) {
			send, ok := p.expect(wire.TypeSend)
			if !ok {
				return
			}
			heard[p.n] = append(heard[p.n], send.Content)
			<-time.After(after)
			p.send(wire.ServerFrame{Type: wire.TypeAck, ClientMsgID: send.ClientMsgID})
		}
		f.gateway = func(p *peer) {
			p.resumed()
			if p.n == 1 {
				send, _ := p.expect(wire.TypeSend)
				heard[1] = append(heard[1], send.Content)
				p.send(wire.ServerFrame{Type: wire.TypeDraining, WindowMS: 1000})
				<-time.After(950 * time.Millisecond) // after the moment, whenever that is
				p.send(wire.ServerFrame{Type: wire.TypeAck, ClientMsgID: send.ClientMsgID})
				answer(p, 0)
				return
			}
			answer(p, 0)
			p.beats()
		}
		f.device(nil)
		f.run(func(ctx context.Context) {
			require.NoError(t, f.client.await(ctx, func() bool { return f.client.link != nil }))
			first := make(chan Ack, 1)
			go func() {
				ack, err := f.client.Send(ctx, conv, "under way")
				require.NoError(t, err)
				first <- ack
			}()
			<-time.After(940 * time.Millisecond)
			ack, err := f.client.Send(ctx, conv, "meanwhile")
			require.NoError(t, err)
			require.Equal(t, 1, ack.Attempts)
			require.Equal(t, 1, (<-first).Attempts)
		})
		require.Equal(t, map[int][]string{1: {"under way"}, 2: {"meanwhile"}}, heard)
	})
}

// An answer that does not come in time is not waited for: the send goes out again under its id.
func TestADrainDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		began := time.Now()
		var ids []chat.ID
		f.gateway = func(p *peer) {
			p.resumed()
			if p.n == 1 {
				p.send(wire.ServerFrame{Type: wire.TypeDraining, WindowMS: 1000})
			}
			send, _ := p.expect(wire.TypeSend)
			ids = append(ids, send.ClientMsgID)
			if p.n == 2 {
				p.send(wire.ServerFrame{Type: wire.TypeAck, ClientMsgID: send.ClientMsgID})
			}
			p.beats()
		}
		f.device(nil)
		f.run(func(ctx context.Context) {
			ack, err := f.client.Send(ctx, conv, "hello")
			require.NoError(t, err)
			require.Equal(t, 2, ack.Attempts)
			require.LessOrEqual(t, time.Since(began), 1100*time.Millisecond)
		})
		require.Len(t, ids, 2)
		require.Equal(t, ids[0], ids[1])
	})
}
