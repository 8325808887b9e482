package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// phones are the devices of a load process that tell everything that happens to them, and do what they are asked to.
type phones struct {
	fleet *fleet
	by    map[int]*client.Client // touched by do alone
	wake  chan struct{}          // holds one: there are words

	mu    sync.Mutex
	words []word
	calls map[int64]context.CancelFunc // that are not answered
}

func newPhones(f *fleet) *phones {
	return &phones{fleet: f, by: map[int]*client.Client{}, wake: make(chan struct{}, 1), calls: map[int64]context.CancelFunc{}}
}

// do begins what a call asks for.
func (ps *phones) do(c call) error {
	switch {
	case c.Make != nil:
		return ps.make(c.Phone, *c.Make)
	case c.Cancel != 0:
		ps.mu.Lock()
		defer ps.mu.Unlock()
		if cancel, ok := ps.calls[c.Cancel]; ok {
			cancel()
		}
		return nil
	}
	phone, ok := ps.by[c.Phone]
	if !ok {
		return fmt.Errorf("phone %d is not made", c.Phone)
	}
	ctx, cancel := context.WithCancel(ps.fleet.ctx)
	ps.mu.Lock()
	ps.calls[c.Number] = cancel
	ps.mu.Unlock()
	ps.fleet.running.Go(func() {
		defer cancel()
		ps.answer(c, c.on(ctx, phone))
	})
	return nil
}

// on does what is asked, in the call's own time.
func (c call) on(ctx context.Context, phone *client.Client) error {
	switch {
	case c.Run:
		return phone.Run(ctx)
	case c.Send != nil:
		_, err := phone.Send(ctx, c.Send.Conversation, c.Send.Content)
		return err
	case c.Read != nil:
		return phone.Read(ctx, c.Read.ConversationID, *c.Read)
	}
	return errors.New("the call asks for nothing")
}

func (ps *phones) make(number int, l Login) error {
	s := ps.fleet.setup
	phone, err := client.New(client.Config{
		EdgeURL: s.EdgeURL, UserID: l.User, Device: "phone", Network: ps.fleet.network, HTTP: ps.fleet.http,
		Token: func(context.Context) (string, error) { return l.Token, nil },
		Sync:  s.Sync, Reconnect: s.Reconnect, HeartbeatBy: s.HeartbeatBy, NoReceipts: s.NoReceipts,
		RetryRefusal: func(code chat.Code) bool { return client.Retryable(code) && !slices.Contains(s.Final, code) },
		Observe:      func(e client.Event) { ps.say(word{Phone: number, Event: &e}) },
		Rand:         rand.New(rand.NewPCG(l.Seed[0], l.Seed[1])), Defects: s.Defects,
	})
	if err == nil {
		err = phone.Subscribe(l.Watch...)
	}
	if err != nil {
		return fmt.Errorf("make phone %d: %w", number, err)
	}
	ps.by[number] = phone
	return nil
}

// answer tells how a call ended.
func (ps *phones) answer(c call, err error) {
	ps.mu.Lock()
	delete(ps.calls, c.Number)
	ps.mu.Unlock()
	a := answer{Number: c.Number}
	if err != nil {
		a.Failed, a.Error = true, err.Error()
	}
	var failed *client.SendError
	if errors.As(err, &failed) {
		a.Outcome, a.Attempts = failed.Outcome, failed.Attempts
		if failed.Err != nil {
			a.Error = failed.Err.Error()
		}
	}
	ps.say(word{Phone: c.Phone, Answer: &a})
}

// say queues a word and never waits: a device's frames wait for its observer.
func (ps *phones) say(w word) {
	ps.mu.Lock()
	ps.words = append(ps.words, w)
	ps.mu.Unlock()
	select {
	case ps.wake <- struct{}{}:
	default:
	}
}

func (ps *phones) take() []word {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	words := ps.words
	ps.words = nil
	return words
}
