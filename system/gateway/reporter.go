package gateway

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	reportEvery = time.Second // between two reports of a gateway
	maxReport   = 500         // cursors in one call
	maxReports  = 20_000      // cursors in one second; the rest waits for the next
	reportCalls = 8           // at one time
	maxDue      = 100_000     // sessions on the list, beyond which it takes none whose connection has ended
)

// report is a cursor of a session that has moved.
type report struct {
	s      *session
	cursor chat.Cursor
}

// reporter tells the message service what moved, at most once a second. It is driven by frames: an idle gateway reports
// nothing. A session whose cursors wait for another try stays on its list, one whose connection ended until its last cursors
// are told, or for two minutes if pods go on putting them off.
type reporter struct {
	mu   sync.Mutex
	due  []*session
	now  int           // sessions in the report under way
	some chan struct{} // due is not empty
}

func (r *reporter) init() { r.some = make(chan struct{}, 1) }

// note keeps a place that a device has got, or its user has read, for the next report.
func (s *session) note(kind string, places ...chat.Position) {
	news := false
	for _, p := range places {
		if p.Seq > 0 || p.Timestamp.Version() == 1 {
			news = s.received.note(kind, p) || news
		}
	}
	if news && s.g.cfg.Switches.Receipts {
		s.g.reporter.expect(s)
	}
}

// expect puts a session on the list: once, since its cursors know that it is there. A list that is full takes only those
// that have a connection, which are bounded by themselves.
func (r *reporter) expect(s *session) {
	r.mu.Lock()
	full := len(r.due) >= maxDue && s.ended()
	if !full {
		r.due = append(r.due, s)
	}
	r.mu.Unlock()
	if full {
		s.received.unlist()
		return
	}
	signal(r.some)
}

// take collects what moved, session by session, until a second's share is full.
func (r *reporter) take(now time.Duration) (out []report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	var waiting []*session
	for n < len(r.due) && len(out) < maxReports {
		s := r.due[n]
		n++
		var waits bool
		if out, waits = s.received.moved(out, s, now); waits {
			waiting = append(waiting, s)
		}
	}
	r.due = append(slices.Delete(r.due, 0, n), waiting...)
	r.now = n - len(waiting)
	if len(r.due) > 0 {
		signal(r.some)
	}
	return out
}

// untold is how many sessions have come further than any message pod knows.
func (r *reporter) untold() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.due) + r.now
}

// told ends a report.
func (r *reporter) told() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = 0
}

// report is the reporter's loop.
func (g *Gateway) report() {
	last := -reportEvery
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-g.stop:
			g.reportAll(g.reporter.take(math.MaxInt64)) // what devices got last, and what waited
			return
		case <-g.reporter.some:
		}
		wait.Reset(max(0, last+reportEvery-g.clock()))
		select {
		case <-g.stop:
			g.reportAll(g.reporter.take(math.MaxInt64))
			return
		case <-wait.C:
		}
		last = g.clock()
		g.reportAll(g.reporter.take(last))
	}
}

// reportAll sends cursors in batches to the pods of their conversations, those of one conversation together.
func (g *Gateway) reportAll(all []report) {
	slices.SortFunc(all, func(a, b report) int {
		return slices.Compare(a.cursor.ConversationID[:], b.cursor.ConversationID[:])
	})
	byPod := map[pb.MessagesClient][]report{}
	for _, r := range all {
		pod := g.cfg.MessagesFor(r.cursor.ConversationID)
		byPod[pod] = append(byPod[pod], r)
	}
	calls := errgroup.Group{}
	calls.SetLimit(reportCalls)
	for pod, reports := range byPod {
		for batch := range slices.Chunk(reports, maxReport) {
			calls.Go(func() error { g.reportSome(pod, batch); return nil })
		}
	}
	_ = calls.Wait()
	g.reporter.told()
}

func (g *Gateway) reportSome(pod pb.MessagesClient, batch []report) {
	req := &pb.AdvanceRequest{Cursors: make([]*pb.Cursor, len(batch))}
	for i, r := range batch {
		req.Cursors[i] = wire.CursorToPB(r.cursor)
	}
	ctx, cancel := context.WithTimeout(g.ctx, g.cfg.Limits.Call)
	defer cancel()
	res, err := pod.Advance(ctx, req)
	if err != nil {
		g.metrics.unreported.Add(float64(len(batch)))
		g.cfg.Log.Warn("report cursors", "cursors", len(batch), "error", transport.Refusal(err))
	}
	g.metrics.reported.Add(float64(len(batch)))
	later := map[int]bool{}
	for _, i := range res.GetLater() {
		later[int(i)] = true
	}
	for i, r := range batch {
		if err != nil {
			g.reportAgain(r)
		} else if r.s.received.told(r, later[i], g.clock()) {
			g.reporter.expect(r.s)
		}
	}
}

// reportAgain keeps what no pod took.
func (g *Gateway) reportAgain(r report) {
	c := &r.s.received
	c.mu.Lock()
	again := !c.due
	c.due = true
	c.mu.Unlock()
	if again {
		g.reporter.expect(r.s)
	}
}
