package relay

import (
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// One direction of a connection holds at most so many bytes, in so many parcels; beyond that the link stops reading and TCP pushes back.
const (
	window  = 256 << 10
	parcels = 4 << 10
)

// ending is how a direction of a connection ends.
type ending int

const (
	goesOn   ending = iota
	halfDone        // FIN: no more bytes, the other direction lives
	broken          // RST
)

// parcel is what crosses a link at one moment: bytes, or the end of a direction.
type parcel struct {
	bytes []byte
	end   ending
	at    time.Time
	luck  float64 // of the jitter: this parcel's share of it
}

// queue holds one direction's parcels in order while a fault delays them.
type queue struct {
	mu      sync.Mutex
	parcels []parcel
	size    int  // bytes in parcels and in those that are being written
	writing bool // a goroutine delivers from the queue
	over    bool // broken was pushed: nothing may follow
	luck    *rand.Rand
	more    chan struct{} // signalled when a parcel was pushed
	room    chan struct{} // signalled when bytes left
}

func newQueue(seed, number uint64) *queue {
	return &queue{
		luck: rand.New(rand.NewPCG(seed, number)),
		more: make(chan struct{}, 1),
		room: make(chan struct{}, 1),
	}
}

// push appends a parcel. start tells the caller to start a goroutine that delivers.
func (q *queue) push(p parcel) (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over {
		return false
	}
	p.luck = q.luck.Float64()
	q.parcels = append(q.parcels, p)
	q.size += len(p.bytes)
	q.over = p.end == broken
	signal(q.more)
	start, q.writing = !q.writing, true
	return start
}

// full tells whether the window is used up.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.size >= window || len(q.parcels) >= parcels
}

// front is the oldest parcel.
func (q *queue) front() (parcel, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.parcels) == 0 {
		return parcel{}, false
	}
	return q.parcels[0], true
}

// take removes the parcels at the front that the test lets pass: bytes of several, or one end.
func (q *queue) take(passes func(parcel) bool) (net.Buffers, ending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var bytes net.Buffers
	for i, p := range q.parcels {
		switch {
		case i > 0 && (p.end != goesOn || !passes(p)):
			q.parcels = slices.Delete(q.parcels, 0, i)
			return bytes, goesOn
		case p.end != goesOn:
			q.parcels = slices.Delete(q.parcels, 0, 1)
			return nil, p.end
		}
		bytes = append(bytes, p.bytes)
	}
	q.parcels = q.parcels[:0]
	return bytes, goesOn
}

// release makes room after n bytes were written.
func (q *queue) release(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.size -= n
	signal(q.room)
}

// rest lets the delivering goroutine stop if nothing is left to deliver.
func (q *queue) rest() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.parcels) > 0 {
		return false
	}
	q.parcels, q.writing = nil, false
	return true
}

// idle tells whether bytes may pass by the queue without overtaking any.
func (q *queue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.writing
}

// signal wakes the one goroutine that waits on c, now or the next time it waits.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
