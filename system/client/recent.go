package client

import "github.com/chatlab/chatlab/system/chat"

// recent is a set of the last n ids.
type recent struct {
	set  map[chat.ID]struct{}
	ring []chat.ID
	next int
	n    int
}

func newRecent(n int) *recent { return &recent{set: make(map[chat.ID]struct{}), n: n} }

// add says whether the id is new; the oldest one makes room.
func (r *recent) add(id chat.ID) bool {
	if _, ok := r.set[id]; ok {
		return false
	}
	if len(r.ring) < r.n {
		r.ring = append(r.ring, id)
	} else {
		delete(r.set, r.ring[r.next])
		r.ring[r.next] = id
		r.next = (r.next + 1) % r.n
	}
	r.set[id] = struct{}{}
	return true
}
