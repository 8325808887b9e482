package storage

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
)

// Set is a set column: each element is a cell of its own, so that adding to a set needs no reading.
type Set struct {
	Cleared  Tombstone // written when the whole set is assigned
	Elements []Element // by Key, each once
}

// Element is an element; its cell's value is the element itself, also when it is dead.
type Element struct {
	Key []byte
	Cell
}

// SortElements orders elements as a Set needs them.
func SortElements(e []Element) []Element {
	slices.SortFunc(e, compareElements)
	return slices.CompactFunc(e, func(a, b Element) bool { return bytes.Equal(a.Key, b.Key) })
}

func compareElements(a, b Element) int { return bytes.Compare(a.Key, b.Key) }

// elements yields the elements that a reader sees.
func (s *Set) elements(now uint32, under Tombstone) iter.Seq[[]byte] {
	under = under.or(s.Cleared)
	return func(yield func([]byte) bool) {
		for i := range s.Elements {
			if e := &s.Elements[i]; e.alive(now, under) && !yield(e.Value) {
				return
			}
		}
	}
}

// Elements yields the elements of a set as a reader sees them, in order.
func (r *Row) Elements(i int, now uint32) iter.Seq[[]byte] { return r.set(i).elements(now, r.Deleted) }

// AppendSet appends a set as the protocol sends it, a count and the elements with their lengths; ok is false for an
// empty set, which is the same as none.
func (r *Row) AppendSet(dst []byte, i int, now uint32) (out []byte, ok bool) {
	at, n := len(dst), uint32(0)
	out = append(dst, 0, 0, 0, 0)
	for e := range r.Elements(i, now) {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(e))), e...)
		n++
	}
	binary.BigEndian.PutUint32(out[at:], n)
	return out, n > 0
}

func (s *Set) adds(old *Set) bool {
	if s.Cleared.beats(old.Cleared) {
		return true
	}
	for i := range s.Elements {
		e := &s.Elements[i]
		if old.Cleared.covers(e.Timestamp) {
			continue
		}
		at, found := slices.BinarySearchFunc(old.Elements, *e, compareElements)
		if !found || e.beats(&old.Elements[at].Cell) {
			return true
		}
	}
	return false
}

func mergeSets(a, b *Set) Set {
	m := Set{Cleared: a.Cleared.or(b.Cleared), Elements: make([]Element, 0, max(len(a.Elements), len(b.Elements)))}
	x, y := a.Elements, b.Elements
	for len(x) > 0 && len(y) > 0 {
		switch c := compareElements(x[0], y[0]); {
		case c < 0:
			m.Elements, x = append(m.Elements, x[0]), x[1:]
		case c > 0:
			m.Elements, y = append(m.Elements, y[0]), y[1:]
		default:
			e := x[0]
			if y[0].beats(&e.Cell) {
				e = y[0]
			}
			m.Elements, x, y = append(m.Elements, e), x[1:], y[1:]
		}
	}
	m.Elements = append(append(m.Elements, x...), y...)
	m.Elements = slices.DeleteFunc(m.Elements, func(e Element) bool { return m.Cleared.covers(e.Timestamp) })
	return m
}
