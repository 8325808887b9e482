package fanout

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/chatlab/chatlab/system/deadletter"
)

// untilDone repeats what must succeed before the partition can go on, with exponential backoff, until ctx ends or it is
// refused for good.
func untilDone(ctx context.Context, do func() error) error {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 20*time.Millisecond, time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do()
		if deadletter.IsRefused(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(b), backoff.WithMaxElapsedTime(0))
	return err
}
