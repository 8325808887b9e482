package cassandra

import (
	"context"
	"errors"
	"fmt"

	"github.com/gocql/gocql"

	"github.com/chatlab/chatlab/system/chat"
)

// ErrRefused says that storage will never take a row: its values are to blame, and trying again does not mend them.
var ErrRefused = errors.New("storage refuses the row")

// MaxRowBytes bounds what is stored of one message. Cassandra refuses what is larger than half a segment of its commit
// log, 16 MB unless set otherwise, without a way to tell that from a node that is too slow.
const MaxRowBytes = 256 << 10

// Check refuses a row before it is sent.
func Check(m chat.Message) error {
	switch {
	case len(m.Content) > MaxRowBytes:
		return fmt.Errorf("%w: content of %d bytes is longer than %d", ErrRefused, len(m.Content), MaxRowBytes)
	case m.Place.Timestamp.Version() != 1:
		return fmt.Errorf("%w: timestamp %s is a version %d UUID, not a TIMEUUID", ErrRefused, m.Place.Timestamp, m.Place.Timestamp.Version())
	}
	return nil
}

// blame says whether a failed insert is the row's fault. A server also answers "invalid" when a table or a column is
// missing, which a migration mends; then the same columns cannot be read either.
func (s *Store) blame(ctx context.Context, m chat.Message, err error) error {
	var refused gocql.RequestError
	var unfit gocql.MarshalError
	if !errors.As(err, &unfit) && (!errors.As(err, &refused) || refused.Code() != gocql.ErrCodeInvalid) {
		return err
	}
	if _, readErr := s.messages(ctx, selectNewest, gocql.UUID(m.ConversationID), 1); readErr != nil {
		return err
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}
