package ledger

import (
	"math"

	"github.com/chatlab/chatlab/scenarios/history"
)

// Span is a range of places, both ends included.
type Span struct{ From, To int64 }

// Members knows who may see which places of a conversation. Its pairs are (conversation, user).
type Members struct{ Pairs[[]Span] }

// Observe takes notice of an event.
func (m *Members) Observe(e *history.Event) {
	switch e.Kind {
	case history.Joined:
		spans := m.Of(e.Conversation, e.User)
		*spans = append(*spans, Span{max(1, e.Seq), math.MaxInt64})
	case history.Left:
		if spans := m.Find(e.Conversation, e.User); spans != nil {
			(*spans)[len(*spans)-1].To = e.Seq
		}
	}
}

// Always says whether spans are all of a conversation.
func Always(spans []Span) bool { return len(spans) == 1 && spans[0] == Span{1, math.MaxInt64} }

// Sees says whether spans hold a place; one without a place (0) is seen only by who was always a member.
func Sees(spans []Span, seq int64) bool {
	return Always(spans) || seq > 0 && SeesAny(spans, Span{seq, seq})
}

// SeesAny says whether spans hold a part of a range.
func SeesAny(spans []Span, r Span) bool {
	for _, s := range spans {
		if max(s.From, r.From) <= min(s.To, r.To) {
			return true
		}
	}
	return false
}
