package fanout

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/resilience"
)

var errPresenceAway = errors.New("presence is left alone for a while")

// lookup asks presence where users are. With a breaker a store that does not answer costs its timeout a few times and
// then nothing: it is left alone, and one probe a second, for which nobody waits, finds out when it is back.
type lookup struct {
	presence *redis.Presence
	breaker  *gobreaker.CircuitBreaker[redis.Found] // nil: every call waits for its timeout
	probing  atomic.Bool
	probes   sync.WaitGroup
}

func newLookup(p *redis.Presence, sw chat.Switches, meter *resilience.Meter) *lookup {
	l := &lookup{presence: p}
	if !sw.Breaker {
		return l
	}
	l.breaker = resilience.NewBreaker[redis.Found](meter, "redis", gobreaker.Settings{
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
	}, resilience.FanoutLookup)
	return l
}

// find returns the devices of these users that are online.
func (l *lookup) find(ctx context.Context, users []chat.ID) (redis.Found, error) {
	if l.breaker == nil {
		return l.ask(ctx, users, resilience.FanoutLookup.Timeout())
	}
	if l.breaker.State() == gobreaker.StateHalfOpen {
		l.probe()
		return redis.Found{}, errPresenceAway
	}
	found, err := l.breaker.Execute(func() (redis.Found, error) {
		return l.ask(ctx, users, resilience.FanoutLookup.Timeout())
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		err = errPresenceAway
	}
	return found, err
}

func (l *lookup) ask(ctx context.Context, users []chat.ID, within time.Duration) (redis.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return l.presence.Find(ctx, users)
}

// probe asks for nobody, in the background, and lets the breaker see how it went.
func (l *lookup) probe() {
	if !l.probing.CompareAndSwap(false, true) {
		return
	}
	l.probes.Go(func() {
		defer l.probing.Store(false)
		_, _ = l.breaker.Execute(func() (redis.Found, error) {
			return l.ask(context.Background(), []chat.ID{{}}, resilience.FanoutProbe.Timeout())
		})
	})
}

// close waits for a probe under way.
func (l *lookup) close() { l.probes.Wait() }
