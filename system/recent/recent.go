// Package recent remembers what came lately, bounded by a number of entries.
package recent

import "sync"

// Map keeps at least its last n entries and at most twice as many.
type Map[K comparable, V any] struct {
	n          int
	mu         sync.Mutex
	young, old map[K]V
}

// New makes a map of n entries.
func New[K comparable, V any](n int) *Map[K, V] {
	return &Map[K, V]{n: n, young: map[K]V{}}
}

// Keep returns what is remembered under k; otherwise it remembers v and returns that. Known says which.
func (m *Map[K, V]) Keep(k K, v V) (kept V, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept, known = m.young[k]; known {
		return kept, true
	}
	if kept, known = m.old[k]; known {
		v = kept // what is asked for again stays
	}
	if len(m.young) >= m.n {
		m.young, m.old = map[K]V{}, m.young
	}
	m.young[k] = v
	return v, known
}
