package fanout

import (
	"context"

	"github.com/cenkalti/backoff/v5"

	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/resilience"
)

// untilDone repeats what must succeed before the partition can go on, with exponential backoff, until ctx ends or it is
// refused for good.
func untilDone(ctx context.Context, do func() error) error {
	b := backoff.NewExponentialBackOff()
	pause := resilience.FanoutWork.Policy().Backoff
	b.InitialInterval, b.MaxInterval = pause.First, pause.Max
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do()
		if deadletter.IsRefused(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(b), backoff.WithMaxElapsedTime(0))
	return err
}
