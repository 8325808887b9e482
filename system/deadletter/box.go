package deadletter

import (
	"context"
	"slices"
	"time"

	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/wire"
)

// maxLetters bounds what is listed: the newest of them.
const maxLetters = 10_000

// List reads the letters that the log still holds, newest first.
func List(ctx context.Context, log *kafka.Client) ([]Letter, error) {
	var letters []Letter
	replayed := map[string]time.Time{}
	err := log.Scan(ctx, wire.TopicDeadLetters, func(partition int, r kafka.Record) error {
		if of := r.Header(headerReplay); of != nil {
			replayed[string(of)] = r.Time.UTC()
			return nil
		}
		l, err := parse(partition, r)
		if err != nil {
			l.Error = err.Error() // somebody else's record: it is shown as it is
		}
		letters = append(letters, l)
		if len(letters) >= 2*maxLetters {
			letters = newest(letters)
		}
		return nil
	})
	letters = newest(letters)
	for i, l := range letters {
		letters[i].Replayed = replayed[l.Name()]
	}
	return letters, err
}

// newest sorts letters, the newest first, and drops those that are too many.
func newest(letters []Letter) []Letter {
	slices.SortStableFunc(letters, func(a, b Letter) int { return b.Time.Compare(a.Time) })
	return letters[:min(len(letters), maxLetters)]
}
