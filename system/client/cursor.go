package client

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// cursor decides what a device shows of one conversation: each message once and in order, whatever order and
// duplication live frames and history pages come in. It is a value without I/O; the zero place means that the device
// has seen nothing yet.
type cursor struct {
	rules *rules
	at    chat.Position // newest message shown

	newest   int64   // highest seq known to exist
	newestTS chat.ID // where messages have no seq: latest timestamp known to exist

	ahead      map[int64]chat.Message // beyond the gap, by seq
	aheadBytes int
	recent     *recent // message ids shown, where messages have no seq

	stuck stuck
}

// rules are the same for all cursors of a device.
type rules struct {
	self        chat.ID
	hole, start time.Duration
	defects     Defects
}

// stuck remembers since when history has not helped at one place.
type stuck struct {
	after int64 // place shown last
	sees  bool  // history shows later places
	since time.Time
}

// span is a range of places.
type span struct{ from, to int64 }

// take puts one message into its place and appends to out what can be shown now.
func (c *cursor) take(out []chat.Message, m chat.Message) []chat.Message {
	seq := m.Place.Seq
	switch {
	case seq == 0:
		return c.takeUnplaced(out, m)
	case seq <= c.at.Seq:
		if c.rules.defects.goesBack() {
			out = append(out, m)
		}
		return out
	case seq == c.at.Seq+1 || c.rules.defects.jumps():
		return c.drain(c.show(out, m))
	}
	c.keep(m)
	return out
}

// live takes a message that was pushed. Where messages have no seq, one that comes while the device may lack others must
// not pass for all of them: it is shown, and history is read from where the device was.
func (c *cursor) live(out []chat.Message, m chat.Message, unsure bool) []chat.Message {
	if m.Place.Seq > 0 || !unsure && !c.open() || c.rules.defects.NoGapFill {
		return c.take(out, m)
	}
	at := c.at.Timestamp
	out = c.takeUnplaced(out, m)
	if c.at.Timestamp = at; later(m.Place.Timestamp, c.newestTS) {
		c.newestTS = m.Place.Timestamp
	}
	return out
}

// takeUnplaced shows at once a message of a write path that gives no seq, unless its id was seen lately.
func (c *cursor) takeUnplaced(out []chat.Message, m chat.Message) []chat.Message {
	if later(m.Place.Timestamp, c.at.Timestamp) {
		c.at.Timestamp = m.Place.Timestamp
	}
	if c.recent == nil {
		c.recent = newRecent(recentIDs)
	}
	if c.recent.add(m.ID) || c.rules.defects.NoDedupe {
		out = append(out, m)
	}
	return out
}

func (c *cursor) show(out []chat.Message, m chat.Message) []chat.Message {
	c.at.Seq, c.at.Timestamp = m.Place.Seq, m.Place.Timestamp
	c.newest = max(c.newest, m.Place.Seq)
	return append(out, m)
}

// drain shows what was kept beyond a gap that is now closed.
func (c *cursor) drain(out []chat.Message) []chat.Message {
	for len(c.ahead) > 0 {
		m, ok := c.ahead[c.at.Seq+1]
		if !ok {
			break
		}
		delete(c.ahead, m.Place.Seq)
		c.aheadBytes -= size(m)
		out = c.show(out, m)
	}
	return out
}

// keep holds a message beyond a gap. What does not fit is left to history.
func (c *cursor) keep(m chat.Message) {
	c.newest = max(c.newest, m.Place.Seq)
	if _, ok := c.ahead[m.Place.Seq]; ok || c.aheadBytes+size(m) > maxAheadBytes {
		return
	}
	if c.ahead == nil {
		c.ahead = make(map[int64]chat.Message)
	}
	c.ahead[m.Place.Seq] = m
	c.aheadBytes += size(m)
}

func size(m chat.Message) int { return 256 + len(m.Content) }

// know notes that a place exists, and says whether the device lacks it.
func (c *cursor) know(p chat.Position) bool {
	if c.rules.defects.NoGapFill {
		return false
	}
	if p.Seq > 0 {
		c.newest = max(c.newest, p.Seq)
		return p.Seq > c.at.Seq
	}
	if later(p.Timestamp, c.newestTS) {
		c.newestTS = p.Timestamp
	}
	return later(p.Timestamp, c.at.Timestamp)
}

// open says whether something is known to exist that was not shown.
func (c *cursor) open() bool {
	return c.newest > c.at.Seq || later(c.newestTS, c.at.Timestamp)
}

// missing is the gap in front of the cursor.
func (c *cursor) missing() span {
	if low := c.lowest(); low > 0 {
		return span{c.at.Seq + 1, low - 1}
	}
	return span{c.at.Seq + 1, c.newest}
}

// page is how many messages to ask history for: one more than are missing, so that a page that is not full says that
// there are no others, and never what the device has already.
func (c *cursor) page() int {
	if s := c.missing(); s.to >= s.from {
		return int(min(s.to-s.from+2, chat.MaxHistoryLimit))
	}
	return chat.MaxHistoryLimit
}

func (c *cursor) lowest() (low int64) {
	for seq := range c.ahead {
		if low == 0 || seq < low {
			low = seq
		}
	}
	return low
}

// page is what history answered to "after the cursor".
type page struct {
	messages []chat.Message
	more     bool
	refused  bool // history refuses this user
}

// passed says whether the device has come further than a page: what follows the page it had kept already.
func (c *cursor) passed(p page) bool {
	n := len(p.messages)
	return n > 0 && p.messages[n-1].Place.Seq > 0 && p.messages[n-1].Place.Seq < c.at.Seq
}

// merge puts a page into place. Places that are missing in it are usually being stored right now, so they are waited
// for; when history has shown later ones for long enough, this user may not see them, and the cursor skips them.
func (c *cursor) merge(out []chat.Message, p page, now time.Time) ([]chat.Message, span) {
	for _, m := range p.messages {
		out = c.take(out, m)
	}
	if !c.open() {
		c.stuck = stuck{}
		return out, span{}
	}
	beyond := c.beyond(p.messages)
	if beyond == nil && p.more {
		return out, span{}
	}
	waited := c.waited(beyond != nil, now)
	switch {
	case beyond != nil && (waited >= c.patience() || c.addsSelf(beyond)):
		return c.skip(out, beyond.Place.Seq)
	case beyond != nil || waited < c.rules.hole:
		return out, span{}
	case len(c.ahead) == 0:
		c.forget()
	case p.refused:
		return c.skip(out, c.lowest())
	}
	return out, span{}
}

// beyond is the first message of a page that the gap hides.
func (c *cursor) beyond(page []chat.Message) *chat.Message {
	i := slices.IndexFunc(page, func(m chat.Message) bool { return m.Place.Seq > c.at.Seq })
	if i < 0 {
		return nil
	}
	return &page[i]
}

// forget gives up places that were named but never seen. The next heartbeat names them again if they exist.
func (c *cursor) forget() {
	c.newest, c.newestTS, c.stuck = c.at.Seq, c.at.Timestamp, stuck{}
}

// patience is shorter where the device never saw a message: its membership probably began later than the conversation.
func (c *cursor) patience() time.Duration {
	if c.at.Seq == 0 {
		return c.rules.start
	}
	return c.rules.hole
}

// waited is for how long history has not helped at this place.
func (c *cursor) waited(sees bool, now time.Time) time.Duration {
	if c.stuck.since.IsZero() || c.stuck.after != c.at.Seq || c.stuck.sees != sees {
		c.stuck = stuck{after: c.at.Seq, sees: sees, since: now}
	}
	return now.Sub(c.stuck.since)
}

// addsSelf says whether a message is the one by which this user came in: nothing before it is theirs to see.
func (c *cursor) addsSelf(m *chat.Message) bool {
	return m.Type == chat.TypeMembersAdded && strings.Contains(m.Content, c.rules.self.String())
}

func (c *cursor) skip(out []chat.Message, to int64) ([]chat.Message, span) {
	s := span{c.at.Seq + 1, to - 1}
	c.at.Seq = to - 1
	out = c.drain(out)
	c.newest = max(c.newest, c.at.Seq)
	return out, s
}

// later says whether TIMEUUID a is after b. Equal times are told apart by the rest, so that any two differ.
func later(a, b chat.ID) bool {
	if ta, tb := a.Time(), b.Time(); ta != tb {
		return ta > tb
	}
	return bytes.Compare(a[8:], b[8:]) > 0
}
