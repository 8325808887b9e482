package relay

import "sync/atomic"

// Stats counts what a link did since it was opened.
type Stats struct {
	// Accepted counts connections that From opened.
	Accepted int64
	// Living counts connections that are open now.
	Living int64
	// Failed counts connections whose target could not be dialled.
	Failed int64
	// Forward counts bytes read from From, delivered or still held.
	Forward int64
	// Backward counts bytes read from To, delivered or still held.
	Backward int64
	// Held counts bytes that wait inside the link now, both ways together.
	Held int64
}

type counters struct {
	accepted, failed, held atomic.Int64
	bytes                  [2]atomic.Int64
}

// Stats reads the link's counters.
func (l *Link) Stats() Stats {
	l.mu.Lock()
	living := len(l.pairs)
	l.mu.Unlock()
	return Stats{
		Accepted: l.count.accepted.Load(),
		Living:   int64(living),
		Failed:   l.count.failed.Load(),
		Forward:  l.count.bytes[forward].Load(),
		Backward: l.count.bytes[backward].Load(),
		Held:     l.count.held.Load(),
	}
}
