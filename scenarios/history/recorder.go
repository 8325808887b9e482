package history

import (
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	chunkBytes   = 64 << 10    // handed to the writer when full
	chunkAge     = time.Second // or when an event comes this long after its first
	pendingAlarm = 64 << 20    // bytes that wait for the writer before the log says so
	spareChunks  = 16          // kept for reuse
)

// Config is what a recorder needs.
type Config struct {
	Header Header
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: silent
}

// Recorder writes a history. Any number of goroutines record at once; none ever waits for the file: what the writer
// cannot take in time waits in memory, and Stats and the log tell how much that is.
type Recorder struct {
	now   func() time.Time
	log   *slog.Logger
	start time.Time
	wake  chan struct{} // holds one: something is pending, or the recorder is closed
	done  chan struct{} // the writer has ended

	mu      sync.Mutex
	codec   differ
	texts   map[string]ID
	uuids   map[[16]byte]ID
	ids     ID
	chunk   []byte
	opened  time.Duration // when the chunk got its first event
	pending [][]byte
	spare   [][]byte
	stats   Stats
	closed  bool
	err     error
}

// Stats says how a recorder is doing.
type Stats struct {
	Events  int64 // recorded
	Bytes   int64 // coded, written or pending
	Pending int64 // bytes that wait for the writer
	Peak    int64 // most bytes that ever waited
	Late    int64 // events that came after Close and are lost
}

// NewRecorder begins a history on w, which the caller closes after Close. The run begins now.
func NewRecorder(w io.Writer, cfg Config) *Recorder {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Header.Started.IsZero() {
		cfg.Header.Started = cfg.Now().UTC()
	}
	return begin(w, cfg)
}

func begin(w io.Writer, cfg Config) *Recorder {
	r := &Recorder{
		now: cfg.Now, log: cfg.Log, start: cfg.Now(), wake: make(chan struct{}, 1), done: make(chan struct{}),
		codec: newDiffer(), texts: make(map[string]ID), uuids: make(map[[16]byte]ID),
	}
	r.chunk = cfg.Header.encode()
	go r.write(w)
	return r
}

// At turns a time into one since the run began.
func (r *Recorder) At(t time.Time) time.Duration { return t.Sub(r.start) }

// Record adds an event; one whose At is 0 happens now. An event of no kind is a mistake of the caller and panics.
func (r *Recorder) Record(e Event) {
	if e.Kind == 0 || e.Kind >= kinds {
		panic("record event: it has no kind")
	}
	if e.At == 0 {
		e.At = r.At(r.now())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.stats.Late++
		return
	}
	if r.stats.Events++; len(r.chunk) == 0 {
		r.opened = e.At
	}
	r.chunk = r.codec.append(r.chunk, &e)
	if len(r.chunk) >= chunkBytes-maxRecord || e.At-r.opened >= chunkAge {
		r.handOver()
	}
}

// Text interns a text. Empty is no ID; a UUID in its canonical form is the same ID as from UUID.
func (r *Recorder) Text(s string) ID {
	if s == "" {
		return 0
	}
	if len(s) == 36 {
		if u, err := uuid.Parse(s); err == nil && u.String() == s {
			return r.UUID(u)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.texts[s]
	if !ok {
		id = r.defineText(s)
		r.texts[s] = id
	}
	return id
}

// UUID interns a UUID. The zero UUID is no ID.
func (r *Recorder) UUID(u [16]byte) ID {
	if u == ([16]byte{}) {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.uuids[u]
	if !ok && !r.closed {
		r.ids++
		id = r.ids
		r.chunk = append(append(r.chunk, tagUUID), u[:]...)
		r.uuids[u] = id
	}
	return id
}

// Alias makes UUID answer the ID of a name from now on, so that a history reads "u17" and not a UUID.
func (r *Recorder) Alias(u [16]byte, name string) ID {
	id := r.Text(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uuids[u] = id
	return id
}

// Stats tells how the recorder is doing.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// Close writes everything that waits and the mark of a whole history, and returns the first error of the writer.
func (r *Recorder) Close() error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		r.chunk = appendEnd(r.chunk, r.stats.Events)
		r.handOver()
		close(r.wake)
	}
	r.mu.Unlock()
	<-r.done
	return r.err // the writer has ended: nobody else touches it
}
