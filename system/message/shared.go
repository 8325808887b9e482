package message

import (
	"context"

	"golang.org/x/sync/singleflight"

	"github.com/chatlab/chatlab/system/resilience"
)

// sharedPages lets all who wait for the same page share one read. It has a time of its own: who asked first may go away, and
// the others still wait.
type sharedPages struct{ flights singleflight.Group }

func (s *sharedPages) read(ctx context.Context, p page, load func(context.Context, page) (pageResult, error)) (pageResult, error) {
	landed := s.flights.DoChan(p.key(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resilience.SharedRead.Timeout())
		defer cancel()
		return load(ctx, p)
	})
	select {
	case r := <-landed:
		if r.Err != nil {
			return pageResult{}, r.Err
		}
		return r.Val.(pageResult), nil
	case <-ctx.Done():
		return pageResult{}, context.Cause(ctx)
	}
}
