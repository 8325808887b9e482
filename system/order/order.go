// Package order gives each message its place in a conversation as a pure function of the log's prefix.
//
// A place depends on nothing but the records before it in the same partition: no clock, no process, no count of
// attempts. A worker that crashes, is replaced or wakes after a long freeze computes the same places again, so nothing
// needs fencing and every write of a row is idempotent.
package order

import (
	"errors"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// Window is how far back, in place time, a client_msg_id is recognised: older ones are refused when they are sent.
const Window = chat.DedupeWindow + chat.DedupeMargin

// ErrPast says that a record lies before the state's prefix: the state must be recovered for that offset.
var ErrPast = errors.New("record lies before the recovered prefix")

// Record is what the order depends on.
type Record struct {
	Partition   int32
	Offset      int64
	Time        time.Time // as the log keeps it; a clock that runs ahead moves timestamps ahead, never the order
	Sender      chat.ID
	ClientMsgID chat.ID
}

// Row is a stored place, from which state is recovered.
type Row struct {
	Timestamp   chat.ID
	Seq         int64
	Offset      int64
	Sender      chat.ID
	ClientMsgID chat.ID
}

type key struct{ sender, clientMsgID chat.ID }

type seen struct {
	key   key
	ticks Ticks
}

// State is one conversation's order up to some offset. Its zero value is the beginning of the log.
type State struct {
	seq    int64
	ticks  Ticks
	offset int64 // of the last record looked at, plus one
	known  map[key]struct{}
	recent []seen // oldest first; exactly the keys of known
}

// Place gives the record its place, or says that it repeats a message that already has one.
func (s *State) Place(r Record) (p chat.Place, repeat bool, err error) {
	if r.Offset < s.offset {
		return chat.Place{}, false, ErrPast
	}
	s.offset = r.Offset + 1
	k := key{r.Sender, r.ClientMsgID}
	if _, ok := s.known[k]; ok {
		return chat.Place{}, true, nil
	}
	s.seq++
	s.ticks = max(s.ticks+1, TicksOf(r.Time))
	s.remember(k)
	return chat.Place{Seq: s.seq, Timestamp: TimeUUID(s.ticks, r.Partition, r.Offset), Partition: r.Partition, Offset: r.Offset}, false, nil
}

// Seq is the newest place given.
func (s *State) Seq() int64 { return s.seq }

// remember notes a placed message and forgets those whose place fell out of the window. Only placed messages count, so
// that the window can be read back from the rows.
func (s *State) remember(k key) {
	if s.known == nil {
		s.known = map[key]struct{}{}
	}
	s.known[k] = struct{}{}
	s.recent = append(s.recent, seen{k, s.ticks})
	old := 0
	for s.recent[old].ticks < s.ticks-windowTicks {
		delete(s.known, s.recent[old].key)
		old++
	}
	s.recent = s.recent[old:]
}

// Recovery rebuilds the state before an offset from rows, newest first.
type Recovery struct {
	before int64
	state  State
}

// Recover starts a recovery of the state that a worker has before it looks at the record at offset.
func Recover(offset int64) *Recovery { return &Recovery{before: offset} }

// Add takes the next older row and says whether more are needed.
func (r *Recovery) Add(row Row) (more bool) {
	if row.Offset >= r.before { // written by a worker that was further on: this one will write it again
		return true
	}
	t := TicksOfUUID(row.Timestamp)
	if r.state.seq == 0 {
		r.state.seq, r.state.ticks = row.Seq, t
	}
	if t < r.state.ticks-windowTicks {
		return false
	}
	r.state.recent = append(r.state.recent, seen{key{row.Sender, row.ClientMsgID}, t})
	return true
}

// State returns the recovered state.
func (r *Recovery) State() *State {
	s := r.state
	s.offset = r.before
	s.known = make(map[key]struct{}, len(s.recent))
	for i, j := 0, len(s.recent)-1; i < j; i, j = i+1, j-1 {
		s.recent[i], s.recent[j] = s.recent[j], s.recent[i]
	}
	for _, e := range s.recent {
		s.known[e.key] = struct{}{}
	}
	return &s
}
