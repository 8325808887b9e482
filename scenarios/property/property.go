// Package property judges a history: each property is one promise, with a checker that says whether the run kept it.
package property

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Status is what became of a promise.
type Status string

// The statuses. Unknown means that the history cannot tell, never that all is well.
const (
	Holds   Status = "holds"
	Broken  Status = "broken"
	Unknown Status = "unknown"
)

// Names answers the text of an interned id.
type Names = ledger.Names

// Property is a promise that a history can be judged by.
type Property struct {
	Name    string // stable, for reports and expectations
	Promise string // one sentence
	New     func(Names) Checker
}

// Checker judges one history: it observes all events in the order of the file and then gives its verdict, once. It must
// not change or keep an event; other checkers look at it at the same time.
type Checker interface {
	Observe(*history.Event)
	Verdict() Verdict
}

// Verdict is what a checker found.
type Verdict struct {
	Status    Status    `json:"status"`
	Expected  string    `json:"expected"`
	Observed  string    `json:"observed"`
	Witnesses []Witness `json:"witnesses,omitempty"` // the first ten that show the break
}

// Witness is one event that shows a break.
type Witness struct {
	At   time.Duration `json:"at_ns"` // since the run began
	Text string        `json:"text"`
}

func (w Witness) String() string { return fmt.Sprintf("%9.3fs %s", w.At.Seconds(), w.Text) }

// Result is the verdict on one property.
type Result struct {
	Name    string `json:"name"`
	Promise string `json:"promise"`
	Verdict
}

// batch is how many events are read before the checkers see them: a checker's memory stays warm, and both are cheap to start.
const batch = 8192

// Check judges a history in one pass. Where the history is cut or damaged it returns the verdicts on what could be
// read together with the error.
func Check(r *history.Reader, props ...Property) ([]Result, error) {
	checkers := make([]Checker, len(props))
	for i, p := range props {
		checkers[i] = p.New(r.Name)
	}
	err := feed(r, checkers)
	results := make([]Result, len(props))
	for i, p := range props {
		results[i] = Result{p.Name, p.Promise, checkers[i].Verdict()}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return results, err
}

func feed(r *history.Reader, checkers []Checker) (err error) {
	events := make([]history.Event, batch)
	for err == nil {
		n := 0
		for n < batch && err == nil {
			if err = r.Next(&events[n]); err == nil {
				n++
			}
		}
		observe(checkers, events[:n])
	}
	return err
}

// observe shows events to all checkers side by side. It returns when all have seen them, so that none looks up a name
// while the reader learns new ones.
func observe(checkers []Checker, events []history.Event) {
	var all sync.WaitGroup
	for _, c := range checkers {
		all.Go(func() {
			for i := range events {
				c.Observe(&events[i])
			}
		})
	}
	all.Wait()
}

// Promises returns the properties that need no parameters, in the order of what users would mind most.
func Promises() []Property {
	return []Property{
		NoAckedLoss(), DurableInStore(), NoPhantom(), NothingRefusedVisible(), OneSequenceNumber(), SessionOrder(), NoSilentSkip(),
		Agreement(), SenderFIFO(), CausalOrder(), AckOrder(), ShownAtMostOnce(), HistoryIsLive(), CacheCoherent(), MembersOnly(),
		ReceiptsGrounded(), UnreadConverges(), HonestRefusals(),
	}
}
