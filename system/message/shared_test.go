package message

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

// Who asked first for a page goes away while another waits for the same one, who gets it all the same; and the store is asked once.
func TestASharedReadOutlivesWhoAskedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pages sharedPages
		p, reads, want := page{conv: chat.NewID(), limit: 20}, 0, pageResult{more: true}
		load := func(ctx context.Context, _ page) (pageResult, error) {
			reads++
			select {
			case <-time.After(time.Second):
				return want, nil
			case <-ctx.Done():
				return pageResult{}, ctx.Err()
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := pages.read(leaving, p, load)
			left <- err
		}()
		synctest.Wait()
		time.AfterFunc(100*time.Millisecond, leave)
		got, err := pages.read(t.Context(), p, load)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.ErrorIs(t, <-left, context.Canceled)
		require.Equal(t, 1, reads)
	})
}

// A read that hangs ends by itself, and the next who asks begins another.
func TestASharedReadEndsInItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pages sharedPages
		hang := func(ctx context.Context, _ page) (pageResult, error) {
			<-ctx.Done()
			return pageResult{}, ctx.Err()
		}
		p := page{conv: chat.NewID(), limit: 20}
		_, err := pages.read(t.Context(), p, hang)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = pages.read(t.Context(), p, func(context.Context, page) (pageResult, error) { return pageResult{}, nil })
		require.NoError(t, err)
	})
}
