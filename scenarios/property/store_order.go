package property

import (
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// storeOrder is where each message stands in the store's own order of its conversation.
type storeOrder struct {
	rows ledger.Rows[int64] // by identity: the order of its first row
	read bool               // at least one conversation was read
}

func (s *storeOrder) observe(e *history.Event) {
	switch e.Kind {
	case history.Stored:
		if row := s.rows.Of(e.Identity()); *row == 0 {
			*row = e.Order
		}
	case history.StoreRead:
		s.read = true
	}
}

// order is 0 for a message that the store lacks.
func (s *storeOrder) order(identity history.ID) int64 {
	if row := s.rows.Find(identity); row != nil {
		return *row
	}
	return 0
}
