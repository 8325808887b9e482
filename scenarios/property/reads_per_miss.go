package property

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// NewestReads is the metric that ReadsPerMiss looks at: how often the store was asked, all in all, for the newest page of a
// conversation that somebody opened. It is sampled before a crowd opens one and after.
const NewestReads = "newest_page_reads"

// Crowd is many who want the same page.
type Crowd struct {
	Members int   // of them wait at once, at least: fewer decide nothing
	Reads   int64 // of the store for a page that the cache lacks, at most, on average: no crowd is quite together
}

// ReadsPerMiss promises that the store does not feel how many want the same page while the cache does not have it. A miss is a
// page that a crowd opened, since the first fault, in a stretch in which the store was read.
//
// It is no promise of every run, because not in every run a crowd finds the cache empty or away: a run in which none does
// decides nothing.
func ReadsPerMiss(crowd Crowd) Property {
	return Property{
		Name:    "reads-per-miss",
		Promise: "What the cache does not have is read from the store once for all who wait for it.",
		New: func(n Names) Checker {
			return &readsPerMiss{evidence: evidence{names: n}, crowd: crowd}
		},
	}
}

type readsPerMiss struct {
	evidence
	crowd    Crowd
	faulted  bool
	ended    bool
	openings ledger.Rows[openings] // by conversation
	opened   []history.ID          // conversations, in this stretch
	reads    float64               // at its beginning
	begun    time.Duration         // of the stretch; 0: there was no sample
	crowds   int64
	misses   []miss
}

// miss is a stretch in which a crowd met one.
type miss struct {
	from, to     time.Duration
	conversation history.ID // of the crowd
	crowd        int
	pages, reads int64
}

// openings is who waits for a conversation's newest page.
type openings struct {
	waiting int
	most    int // at once, in this stretch
}

func (c *readsPerMiss) Observe(e *history.Event) {
	if c.ended {
		return
	}
	switch e.Kind {
	case history.Phase:
		c.ended = c.names(e.Text) == ledger.End
	case history.FaultBegun:
		c.faulted = true
	case history.Opening:
		c.open(e.Conversation)
	case history.Opened:
		if o := c.openings.Of(e.Conversation); o.waiting > 0 {
			o.waiting--
		}
	case history.Metric:
		if c.names(e.Text) == NewestReads {
			c.sample(e)
		}
	}
}

func (c *readsPerMiss) open(conversation history.ID) {
	o := c.openings.Of(conversation)
	if o.most == 0 {
		c.opened = append(c.opened, conversation)
	}
	o.waiting++
	o.most = max(o.most, o.waiting)
}

// sample ends one stretch and begins the next. A counter that went back says nothing: a pod began anew.
func (c *readsPerMiss) sample(e *history.Event) {
	if c.begun > 0 && c.faulted && e.Value >= c.reads {
		c.judge(e.At, int64(e.Value-c.reads))
	}
	for _, conversation := range c.opened {
		c.openings.Of(conversation).most = 0
	}
	c.opened, c.reads, c.begun = c.opened[:0], e.Value, e.At
}

func (c *readsPerMiss) judge(now time.Duration, reads int64) {
	m := miss{from: c.begun, to: now, pages: int64(len(c.opened)), reads: reads}
	for _, conversation := range c.opened {
		if most := c.openings.Of(conversation).most; most > m.crowd {
			m.conversation, m.crowd = conversation, most
		}
	}
	if m.crowd < c.crowd.Members {
		return
	}
	if c.crowds++; reads > 0 { // else the cache had it
		c.misses = append(c.misses, m)
	}
}

func (c *readsPerMiss) Verdict() Verdict {
	expected := fmt.Sprintf("at most %s of the store for each page that the cache lacks and for which %d devices or more wait at once, on average", count(c.crowd.Reads, "read"), c.crowd.Members)
	if len(c.misses) == 0 {
		return unknown(expected, "of %s since the first fault none met a miss", count(c.crowds, "crowd"))
	}
	pages, reads, most := int64(0), int64(0), int64(0)
	for _, m := range c.misses {
		pages, reads, most = pages+m.pages, reads+m.reads, max(most, m.reads)
	}
	if reads > c.crowd.Reads*pages {
		c.tell()
	}
	return c.verdict(expected, "%d of %s met a miss, for which the store was read %.3g times, and %d times at most", len(c.misses), count(c.crowds, "crowd"), float64(reads)/float64(pages), most)
}

// tell notes the misses for which the store was read more often than all may be on average.
func (c *readsPerMiss) tell() {
	for _, m := range c.misses {
		if m.reads > c.crowd.Reads*m.pages {
			c.add(m.to, "%d devices waited at once for the newest page of %v, and since %v the store was read %d times", m.crowd, m.conversation, m.from, m.reads)
		}
	}
}
