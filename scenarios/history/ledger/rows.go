// Package ledger keeps what a history has said so far: messages, members, devices, phases, and who has seen what.
package ledger

import "github.com/chatlab/chatlab/scenarios/history"

// Names answers the text of an interned id.
type Names func(history.ID) string

// Rows holds a T for each id that was met, packed in the order in which the ids were met. Pointers into it are good
// until the next new id.
type Rows[T any] struct {
	index []int32 // by id, 1 more than the place in All; 0: not met
	IDs   []history.ID
	All   []T
}

// Number is the place of the id's row in All, which it makes if need be.
func (r *Rows[T]) Number(id history.ID) int32 {
	if int(id) >= len(r.index) {
		r.index = append(r.index, make([]int32, int(id)+1-len(r.index))...)
	}
	n := r.index[id]
	if n == 0 {
		var zero T
		r.IDs, r.All = append(r.IDs, id), append(r.All, zero)
		n = int32(len(r.All))
		r.index[id] = n
	}
	return n - 1
}

// Of is the id's row, which it makes if need be.
func (r *Rows[T]) Of(id history.ID) *T { return &r.All[r.Number(id)] }

// Find is the id's row, or nil.
func (r *Rows[T]) Find(id history.ID) *T {
	if int(id) >= len(r.index) || r.index[id] == 0 {
		return nil
	}
	return &r.All[r.index[id]-1]
}

// Pairs holds a T for each pair of ids that was met, such as a device and a conversation, like Rows.
type Pairs[T any] struct {
	index map[uint64]int32
	Keys  []Pair
	All   []T
}

// Pair is two ids.
type Pair struct{ A, B history.ID }

// Number is the place of the pair's row in All, which it makes if need be.
func (p *Pairs[T]) Number(a, b history.ID) int32 {
	key := uint64(a)<<32 | uint64(b)
	n, ok := p.index[key]
	if !ok {
		if p.index == nil {
			p.index = make(map[uint64]int32)
		}
		var zero T
		n = int32(len(p.All))
		p.index[key] = n
		p.Keys, p.All = append(p.Keys, Pair{a, b}), append(p.All, zero)
	}
	return n
}

// Of is the pair's row, which it makes if need be.
func (p *Pairs[T]) Of(a, b history.ID) *T { return &p.All[p.Number(a, b)] }

// Find is the pair's row, or nil.
func (p *Pairs[T]) Find(a, b history.ID) *T {
	n, ok := p.index[uint64(a)<<32|uint64(b)]
	if !ok {
		return nil
	}
	return &p.All[n]
}
