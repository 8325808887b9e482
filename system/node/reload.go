package node

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lookEvery is how often files are looked at for changes.
const lookEvery = 5 * time.Second

// reloads are the files that a node reads again when they change.
type reloads struct {
	mu    sync.Mutex
	all   []*watched
	now   chan struct{} // look at once
	done  *prometheus.CounterVec
	every time.Duration
}

// watched is what comes of some files together, such as a certificate and its key.
type watched struct {
	what  string
	files []string
	apply func(data [][]byte) error
	seen  [sha256.Size]byte
}

func newReloads(r prometheus.Registerer) *reloads {
	done := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chat_reloads_total", Help: "Changed files that were read again, by what they hold and outcome: ok, or broken, which keeps what was.",
	}, []string{"what", "outcome"})
	r.MustRegister(done)
	return &reloads{now: make(chan struct{}, 1), done: done, every: lookEvery}
}

// watch applies the files again when one of them holds something else than what is in use. What cannot be used is logged
// and counted, and changes nothing. A file without a name is not watched.
func (n *Node) watch(what string, inUse [][]byte, apply func(data [][]byte) error, files ...string) {
	for _, f := range files {
		if f == "" {
			return
		}
	}
	w := &watched{what: what, files: files, apply: apply, seen: sum(inUse)}
	n.reloads.mu.Lock()
	defer n.reloads.mu.Unlock()
	n.reloads.all = append(n.reloads.all, w)
}

// Reload looks at the files now.
func (n *Node) Reload() {
	select {
	case n.reloads.now <- struct{}{}:
	default: // it is about to
	}
}

// keepLooking begins to look, until Close.
func (n *Node) keepLooking() {
	if len(n.reloads.all) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	looking.Go(func() { n.look(ctx) })
	n.onClose(func() { cancel(); looking.Wait() })
}

func (n *Node) look(ctx context.Context) {
	tick := time.NewTicker(n.reloads.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-n.reloads.now:
		}
		n.reloads.mu.Lock()
		for _, w := range n.reloads.all {
			n.lookAt(w)
		}
		n.reloads.mu.Unlock()
	}
}

func (n *Node) lookAt(w *watched) {
	data, err := readAll(w.files...)
	if err == nil {
		if sum(data) == w.seen {
			return
		}
		w.seen = sum(data)
		err = w.apply(data)
	}
	if err != nil {
		n.reloads.done.WithLabelValues(w.what, "broken").Inc()
		n.cfg.Logger.Error("keep what was: a changed file cannot be used", "what", w.what, "files", w.files, "error", err)
		return
	}
	n.reloads.done.WithLabelValues(w.what, "ok").Inc()
	n.cfg.Logger.Info("read again", "what", w.what, "files", w.files)
}

func readAll(files ...string) (data [][]byte, err error) {
	for _, f := range files {
		d, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read file: %w", err)
		}
		data = append(data, d)
	}
	return data, nil
}

func sum(data [][]byte) [sha256.Size]byte {
	h := sha256.New()
	for _, d := range data {
		each := sha256.Sum256(d)
		h.Write(each[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}
