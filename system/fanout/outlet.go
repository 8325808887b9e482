package fanout

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	maxOutletBytes = 8 << 20 // that wait for one gateway
	maxSendItems   = 64      // deliveries in one message of the stream
)

// delivery is one frame for some users of one gateway.
type delivery struct {
	conv  chat.ID
	users []byte
	frame []byte
	at    time.Time
	trace string

	recorded time.Time // of the message's record in the log; zero: it is no message
}

func (d delivery) size() int { return len(d.frame) + 64 }

// outlet is the ordered way to one gateway. Deliveries stay queued until the gateway says that they are in its sockets'
// queues; after a broken stream those without an answer go again, so a device may get a frame twice and shows it once.
// What waited too long is given up, and the devices concerned are told to resync.
type outlet struct {
	name    string
	client  pb.GatewayClient
	log     *slog.Logger
	metrics metrics

	mu     sync.Mutex
	wake   *sync.Cond
	queue  []delivery
	base   uint64 // number of queue[0]
	next   int    // index of the first one not yet sent on this stream
	bytes  int
	missed map[chat.ID][]byte // users to resync, by conversation
	broken bool               // the stream of now is over
}

func newOutlet(name string, client pb.GatewayClient, log *slog.Logger, m metrics) *outlet {
	o := &outlet{name: name, client: client, log: log, metrics: m, base: 1, missed: map[chat.ID][]byte{}}
	o.wake = sync.NewCond(&o.mu)
	return o
}

func (o *outlet) enqueue(d delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bytes+d.size() > maxOutletBytes || len(o.queue) > 0 && d.at.Sub(o.queue[0].at) > resilience.FanoutPush.Timeout() {
		o.giveUp()
	}
	o.queue = append(o.queue, d)
	o.bytes += d.size()
	o.wake.Signal()
}

// giveUp turns everything that waits into resyncs.
func (o *outlet) giveUp() {
	o.log.Warn("gateway does not take deliveries in time", "gateway", o.name, "deliveries", len(o.queue))
	o.metrics.givenUp.Add(float64(len(o.queue)))
	for _, d := range o.queue {
		o.missed[d.conv] = d.users
	}
	o.base += uint64(len(o.queue))
	o.queue, o.next, o.bytes = nil, 0, 0
}

func (o *outlet) wakeUp() {
	o.mu.Lock()
	o.broken = true
	o.wake.Broadcast()
	o.mu.Unlock()
}

// run keeps a stream open until ctx ends.
func (o *outlet) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := o.stream(ctx); err != nil && ctx.Err() == nil {
			o.log.Info("stream to gateway ended", "gateway", o.name, "error", err)
			pause(ctx, resilience.FanoutPush.Policy().Backoff.First)
		}
	}
}

func (o *outlet) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := o.client.Deliver(ctx)
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	o.mu.Lock()
	o.next, o.broken = 0, false
	o.mu.Unlock()
	var reading sync.WaitGroup
	reading.Go(func() {
		defer o.wakeUp()
		o.read(s)
	})
	defer reading.Wait()
	defer cancel()
	sent := audiences{}
	for {
		batch, ok := o.take(sent)
		if !ok {
			return fmt.Errorf("gateway closed the stream")
		}
		if err := s.Send(&pb.DeliverRequest{Deliveries: batch}); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
}

func (o *outlet) read(s pb.Gateway_DeliverClient) {
	for {
		res, err := s.Recv()
		if err != nil {
			return
		}
		o.acknowledged(res.Number)
		for _, m := range res.Misses {
			o.metrics.misses.Add(float64(len(m.Users) / 16))
		}
	}
}

// acknowledged drops what the gateway has.
func (o *outlet) acknowledged(number uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for n < o.next && o.base <= number {
		o.bytes -= o.queue[n].size()
		o.metrics.delivered(o.queue[n].recorded)
		o.base++
		n++
	}
	o.queue = o.queue[n:]
	o.next -= n
}

// take waits for something to send.
func (o *outlet) take(sent audiences) ([]*pb.Delivery, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.next >= len(o.queue) && len(o.missed) == 0 && !o.broken {
		o.wake.Wait()
	}
	if o.broken {
		return nil, false
	}
	var out []*pb.Delivery
	for conv, users := range o.missed {
		out = append(out, &pb.Delivery{ConversationId: conv[:], Users: users, Resync: true})
		delete(o.missed, conv)
	}
	for o.next < len(o.queue) && len(out) < maxSendItems {
		out = append(out, sent.address(o.queue[o.next], o.base+uint64(o.next))...)
		o.next++
	}
	return out, true
}
