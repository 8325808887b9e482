package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
)

const (
	busyWait   = 200 * time.Millisecond
	budgetWait = time.Second
)

// errUnwell is what the breaker counts.
var errUnwell = errors.New("provider is unwell")

// outlet is the way to one provider: bounded in requests at once and in retries, and closed for a while when the
// provider does not answer. A provider that is away costs the other one nothing.
type outlet struct {
	provider provider
	slots    chan struct{}
	retries  *rate.Limiter // what is first told is not counted
	breaker  *gobreaker.CircuitBreaker[answer]
	metrics  metrics
}

func newOutlet(p provider, m metrics) *outlet {
	policy := resilience.Provider.Policy()
	return &outlet{
		provider: p, slots: make(chan struct{}, policy.InFlight), retries: rate.NewLimiter(rate.Limit(policy.Rate.PerSecond), policy.Rate.Burst), metrics: m,
		breaker: resilience.NewBreaker[answer](m.calls, p.name(), gobreaker.Settings{
			IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		}, resilience.Provider),
	}
}

// send notifies one device, with at most one new token of our own.
func (o *outlet) send(ctx context.Context, d chat.PushDevice, n Notification, retry bool) answer {
	select {
	case o.slots <- struct{}{}:
		defer func() { <-o.slots }()
	default:
		return o.count(answer{outcome: busy, after: busyWait})
	}
	if retry {
		may := o.retries.Allow()
		o.metrics.calls.Retry(resilience.Provider, o.provider.name(), may)
		if !may {
			return o.count(answer{outcome: busy, after: budgetWait})
		}
	}
	a, err := o.breaker.Execute(func() (answer, error) {
		a := o.attempt(ctx, d, n)
		if a.outcome == expired {
			a = o.attempt(ctx, d, n)
		}
		return a, unwell(ctx, a)
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		a = answer{outcome: broken, after: resilience.Provider.Policy().Breaker.Open / 2}
	}
	return o.count(a)
}

func (o *outlet) count(a answer) answer {
	o.metrics.notifications.WithLabelValues(o.provider.name(), string(a.outcome)).Inc()
	return a
}

// unwell is nil where the provider works, whatever it thinks of one device.
func unwell(ctx context.Context, a answer) error {
	switch a.outcome {
	case unavailable, unauthorized, expired:
		if ctx.Err() != nil {
			return ctx.Err() // we went away, not the provider
		}
		return fmt.Errorf("%w: %s", errUnwell, a.reason)
	}
	return nil
}

func (o *outlet) attempt(ctx context.Context, d chat.PushDevice, n Notification) answer {
	req, credential, err := o.provider.request(ctx, d.Token, n)
	if err != nil {
		return answer{outcome: unauthorized, reason: err.Error()}
	}
	res, err := o.provider.client().Do(req)
	if err != nil {
		return answer{outcome: unavailable, reason: err.Error()}
	}
	defer res.Body.Close()
	a := o.provider.judge(res.StatusCode, res.Header, readAnswer(res))
	if a.reason == "" && a.outcome != sent {
		a.reason = http.StatusText(res.StatusCode)
	}
	if a.outcome == expired {
		o.provider.renew(credential)
	}
	return a
}
