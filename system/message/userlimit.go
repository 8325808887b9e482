package message

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/limit"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/resilience"
)

// userLimit holds back users who send too fast, whichever gateways and edges they use: its state is in the cache's
// Redis, for all message pods. When that Redis is away each pod goes on with buckets of its own, so that a user who
// spreads sends over conversations gets at most pods x limit: sends go on without Redis, and so does a limit.
type userLimit struct {
	shared    *redis.Limits // nil: no limit
	own       *limit.Users
	breaker   *gobreaker.CircuitBreaker[taken] // nil: every send waits for its budget
	fallbacks prometheus.Counter
}

// taken is what the shared limit answers.
type taken struct {
	after time.Duration
	ok    bool
}

func newUserLimit(cfg Config) *userLimit {
	l := &userLimit{shared: cfg.Limits, own: limit.Sends(cfg.Now), fallbacks: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "chat_user_limit_fallback_total", Help: "Sends that this pod's own buckets admitted or refused because the shared limit did not answer.",
	})}
	cfg.Metrics.MustRegister(l.fallbacks)
	if cfg.Switches.Breaker {
		l.breaker = resilience.NewBreaker[taken](resilience.NewMeter(cfg.Metrics), "redis", gobreaker.Settings{
			IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		}, resilience.UserLimit)
	}
	return l
}

// admit takes a token for the send, or refuses. An attempt that is repeated soon is not charged again.
func (l *userLimit) admit(ctx context.Context, m chat.Message) error {
	if l.shared == nil {
		return nil
	}
	t, err := l.ask(ctx, m)
	if err != nil {
		l.fallbacks.Inc()
		t.after, t.ok = l.own.Allow(m.SenderID)
	}
	if !t.ok {
		return chat.Errorf(chat.CodeUserLimit, "too many messages of one user: %d a minute", limit.SendsPerMinute).After(max(t.after, time.Millisecond))
	}
	return nil
}

func (l *userLimit) ask(ctx context.Context, m chat.Message) (taken, error) {
	take := func() (t taken, err error) {
		ctx, cancel := context.WithTimeout(ctx, resilience.UserLimit.Timeout())
		defer cancel()
		t.after, t.ok, err = l.shared.Take(ctx, m.SenderID, m.ClientMsgID)
		return t, err
	}
	if l.breaker == nil {
		return take()
	}
	return l.breaker.Execute(take)
}
