package property

import (
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// CacheCoherent promises that whoever opens a conversation sees its newest messages, though most such pages come from a cache.
// The stored rows are the truth.
func CacheCoherent() Property {
	return Property{
		Name:    "cache-coherent",
		Promise: "The newest page of a conversation, mostly served from the cache, is what the store holds.",
		New: func(n Names) Checker {
			return &cacheCoherent{evidence: evidence{names: n}, owners: map[history.ID]history.ID{}}
		},
	}
}

type cacheCoherent struct {
	evidence
	members ledger.Members
	owners  map[history.ID]history.ID // users by device
	rows    ledger.Rows[[]row]        // by conversation, in the store's order
	read    ledger.Rows[bool]         // by conversation: the rows are complete
	open    ledger.Pairs[[]row]       // (device, conversation): a page that is being read
	pages   []page
}

type row struct {
	message history.ID
	seq     int64
}

type page struct {
	device, conversation history.ID
	rows                 []row
	end                  *history.Event
}

func (c *cacheCoherent) Observe(e *history.Event) {
	c.members.Observe(e)
	switch e.Kind {
	case history.DeviceKnown:
		c.owners[e.Device] = e.User
	case history.Stored:
		rows := c.rows.Of(e.Conversation)
		*rows = append(*rows, row{e.Identity(), e.Seq})
	case history.StoreRead:
		*c.read.Of(e.Conversation) = true
	case history.Paged:
		rows := c.open.Of(e.Device, e.Conversation)
		*rows = append(*rows, row{e.Identity(), e.Seq})
	case history.PageRead:
		rows, end := c.open.Of(e.Device, e.Conversation), *e
		c.pages = append(c.pages, page{e.Device, e.Conversation, *rows, &end})
		*rows = nil
	}
}

func (c *cacheCoherent) Verdict() Verdict {
	expected := "each page read at the end is the newest of the store's rows that its reader may see"
	judged := int64(0)
	for _, p := range c.pages {
		if read := c.read.Find(p.conversation); read == nil || !*read {
			continue
		}
		judged++
		c.judge(p)
	}
	if judged == 0 {
		return unknown(expected, "no newest page was read at the end of a conversation whose rows were listed")
	}
	return c.verdict(expected, "%d breaks in %s", c.breaks, count(judged, "page"))
}

// judge compares from the newest message down.
func (c *cacheCoherent) judge(p page) {
	rows, spans := *c.rows.Of(p.conversation), c.spans(p)
	at := len(rows) - 1
	for i := len(p.rows) - 1; i >= 0; i-- {
		for at >= 0 && !ledger.Sees(spans, rows[at].seq) {
			at--
		}
		switch {
		case at < 0:
			c.event(p.end, "it shows %v (seq %v), which the store does not have there", c.name(p.rows[i].message), place(p.rows[i].seq))
			return
		case rows[at].message != p.rows[i].message:
			c.event(p.end, "it shows %v (seq %v) where the store has %v (seq %v)", c.name(p.rows[i].message), place(p.rows[i].seq), c.name(rows[at].message), place(rows[at].seq))
			return
		}
		at--
	}
	if n := len(rows); len(p.rows) == 0 && n > 0 && ledger.Sees(spans, rows[n-1].seq) {
		c.event(p.end, "it shows nothing, and the store's newest is %v (seq %v)", c.name(rows[n-1].message), place(rows[n-1].seq))
	}
}

func (c *cacheCoherent) spans(p page) []ledger.Span {
	if spans := c.members.Find(p.conversation, c.owners[p.device]); spans != nil {
		return *spans
	}
	return nil
}
