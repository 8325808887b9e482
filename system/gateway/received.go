package gateway

import (
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

const (
	quickTries = 10              // with every report: nearly always the place is stored in a moment
	doublings  = 4               // of the time between two tries, after those; then it stays
	outlives   = 2 * time.Minute // for which what pods put off is kept after its connection
)

// cursors keep how far a device has come in each conversation, and what of it the message service knows. What was taken
// is told until a pod has it: the device says a read cursor again only if its connection ended soon after.
type cursors struct {
	mu    sync.Mutex
	at    map[chat.ID]*mark
	due   bool          // the reporter has the session on its list
	ended time.Duration // clock at which something was put off first after the connection; 0: nothing yet
}

// mark is the state of one conversation.
type mark struct{ delivered, read reach }

// reach is how far one kind has come there.
type reach struct {
	at, told chat.Position
	tries    int           // to tell at, that were put off
	next     time.Duration // clock of the next one
}

func (r *reach) moved() bool { return r.at != r.told }

// come moves on to a newer place, which is not put off because an older one was.
func (r *reach) come(p chat.Position) {
	if newer(p, r.at) {
		*r = reach{at: p, told: r.told}
	}
}

// putOff plans the next try. Its place may be one that no message has: ever fewer tries cost little for as long as the
// device is there.
func (r *reach) putOff(now time.Duration) {
	r.tries++
	if slow := r.tries - quickTries; slow > 0 {
		r.next = now + reportEvery<<min(slow, doublings)
	}
}

func (m *mark) moved() bool { return m.delivered.moved() || m.read.moved() }

func (m *mark) of(kind string) *reach {
	if kind == chat.Read {
		return &m.read
	}
	return &m.delivered
}

// loss ranks what is lost with the mark: nothing, what the next heartbeat brings again, or what nothing does.
func (m *mark) loss() int {
	switch {
	case m.read.moved():
		return 2
	case m.delivered.moved():
		return 1
	}
	return 0
}

// note keeps a place that is newer, and says whether there is news for the message service.
func (c *cursors) note(kind string, p chat.Position) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.mark(p.ConversationID)
	m.delivered.come(p)
	if kind == chat.Read {
		m.read.come(p)
	}
	if !m.moved() || c.due {
		return false
	}
	c.due = true
	return true
}

func (c *cursors) mark(conversation chat.ID) *mark {
	if c.at == nil {
		c.at = map[chat.ID]*mark{}
	}
	m, known := c.at[conversation]
	if !known {
		if len(c.at) >= chat.MaxPositions {
			c.forgetOne()
		}
		m = &mark{}
		c.at[conversation] = m
	}
	return m
}

// forgetOne makes room at the limit, by the conversation whose loss matters least.
func (c *cursors) forgetOne() {
	var which chat.ID
	least := 3
	for id, m := range c.at {
		if loss := m.loss(); loss < least {
			which, least = id, loss
		}
		if least == 0 {
			break
		}
	}
	delete(c.at, which)
}

// newer compares by seq where there is one, and else by time.
func newer(a, b chat.Position) bool {
	if a.Seq > 0 || b.Seq > 0 {
		return a.Seq > b.Seq
	}
	return a.Timestamp.Version() == 1 && (b.Timestamp == chat.ID{} || a.Timestamp.Time() > b.Timestamp.Time())
}

// moved appends what the message service does not know and is to be told by now, and says whether more waits.
func (c *cursors) moved(out []report, s *session, now time.Duration) (_ []report, waits bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.at {
		for _, kind := range []string{chat.Delivered, chat.Read} {
			switch r := m.of(kind); {
			case !r.moved():
			case r.next > now:
				waits = true
			default:
				out = append(out, report{s, cursorOf(s, kind, r.at)})
			}
		}
	}
	c.due = waits
	return out, waits
}

func cursorOf(s *session, kind string, p chat.Position) chat.Cursor {
	return chat.Cursor{Position: p, User: s.user, Device: s.device, Kind: kind}
}

func (c *cursors) unlist() {
	c.mu.Lock()
	c.due = false
	c.mu.Unlock()
}

// told notes what became of a report. Who may not have a cursor there is not asked for again; what was put off is, if
// not its connection ended too long ago. It says whether the session has still something to report.
func (c *cursors) told(r report, later bool, now time.Duration) (again bool) {
	gone := r.s.ended()
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.at[r.cursor.ConversationID]
	if !ok {
		return false
	}
	switch at := m.of(r.cursor.Kind); {
	case !later || gone && c.tooLate(now):
		at.told = r.cursor.Position
	case at.at == r.cursor.Position:
		at.putOff(now)
	} // else a newer place is told with the next report
	if !m.moved() || c.due {
		return false
	}
	c.due = true
	return true
}

// tooLate bounds for how long a session without a connection is kept: its cursors may name places that no message has.
func (c *cursors) tooLate(now time.Duration) bool {
	if c.ended == 0 {
		c.ended = now
	}
	return now-c.ended > outlives
}

// Received returns the newest place in a conversation that any device of the user has confirmed on its present
// connection to this gateway; 0: none.
func (g *Gateway) Received(user, conversation chat.ID) (seq int64) {
	g.table.eachOf(user, func(s *session) {
		s.received.mu.Lock()
		defer s.received.mu.Unlock()
		if m, ok := s.received.at[conversation]; ok {
			seq = max(seq, m.delivered.at.Seq)
		}
	})
	return seq
}
