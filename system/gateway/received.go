package gateway

import (
	"sync"

	"github.com/chatlab/chatlab/system/chat"
)

// maxTries is how often a cursor is sent again because its place is not stored yet. After that it may be one that no
// message has; if it is not, the device's next heartbeat brings it again.
const maxTries = 10

// cursors keep how far a device has come in each conversation, and what of it the message service knows.
type cursors struct {
	mu  sync.Mutex
	at  map[chat.ID]*mark
	due bool // the reporter has the session on its list
}

// mark is the state of one conversation.
type mark struct {
	delivered, read         chat.Position
	toldDelivered, toldRead chat.Position
	tries                   int
}

func (m *mark) moved() bool { return m.delivered != m.toldDelivered || m.read != m.toldRead }

// note keeps a place that is newer, and says whether there is news for the message service. Beyond the limit another
// conversation is forgotten: its next frame brings it back.
func (c *cursors) note(kind string, p chat.Position) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.mark(p.ConversationID)
	if newer(p, m.delivered) {
		m.delivered = p
	}
	if kind == chat.Read && newer(p, m.read) {
		m.read = p
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
			for other := range c.at {
				delete(c.at, other)
				break
			}
		}
		m = &mark{}
		c.at[conversation] = m
	}
	return m
}

// newer compares by seq where there is one, and else by time.
func newer(a, b chat.Position) bool {
	if a.Seq > 0 || b.Seq > 0 {
		return a.Seq > b.Seq
	}
	return a.Timestamp.Version() == 1 && (b.Timestamp == chat.ID{} || a.Timestamp.Time() > b.Timestamp.Time())
}

// moved appends what the message service does not know.
func (c *cursors) moved(out []report, s *session) []report {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due = false
	for _, m := range c.at {
		if m.delivered != m.toldDelivered {
			out = append(out, report{s, cursorOf(s, chat.Delivered, m.delivered)})
		}
		if m.read != m.toldRead {
			out = append(out, report{s, cursorOf(s, chat.Read, m.read)})
		}
	}
	return out
}

func cursorOf(s *session, kind string, p chat.Position) chat.Cursor {
	return chat.Cursor{Position: p, User: s.user, Device: s.device, Kind: kind}
}

func (c *cursors) unlist() {
	c.mu.Lock()
	c.due = false
	c.mu.Unlock()
}

// told notes what became of a report. Who may not have a cursor there, or names no place for too long, is not asked for
// again. It says whether the session has still something to report.
func (c *cursors) told(r report, later bool) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.at[r.cursor.ConversationID]
	if !ok {
		return false
	}
	switch {
	case later && m.tries < maxTries:
		m.tries++
	case r.cursor.Kind == chat.Delivered:
		m.toldDelivered, m.tries = r.cursor.Position, 0
	default:
		m.toldRead, m.tries = r.cursor.Position, 0
	}
	if !m.moved() || c.due {
		return false
	}
	c.due = true
	return true
}

// Received returns the newest place in a conversation that any device of the user has confirmed on its present
// connection to this gateway; 0: none.
func (g *Gateway) Received(user, conversation chat.ID) (seq int64) {
	g.table.eachOf(user, func(s *session) {
		s.received.mu.Lock()
		defer s.received.mu.Unlock()
		if m, ok := s.received.at[conversation]; ok {
			seq = max(seq, m.delivered.Seq)
		}
	})
	return seq
}
