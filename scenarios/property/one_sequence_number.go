package property

import (
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// OneSequenceNumber promises that a message has the same place in every view, live and stored, and that the places of
// a conversation's rows are 1, 2, 3 ... without a gap and without a place taken twice.
func OneSequenceNumber() Property {
	return Property{
		Name:    "one-sequence-number",
		Promise: "A message has one sequence number everywhere, and no number is missing.",
		New:     func(n Names) Checker { return &oneNumber{evidence: evidence{names: n}} },
	}
}

type oneNumber struct {
	evidence
	places   ledger.Rows[int64]  // by identity: its first place
	stored   ledger.Rows[column] // by conversation
	unplaced int64               // sightings without a place
}

type column struct {
	seqs []int64
	read bool
	at   time.Duration // of the reading
}

func (c *oneNumber) Observe(e *history.Event) {
	switch {
	case e.Kind == history.StoreRead:
		col := c.stored.Of(e.Conversation)
		col.read, col.at = true, e.At
	case !e.Kind.Sighting():
	case e.Seq == 0:
		c.unplaced++
	default:
		c.sighting(e)
	}
}

func (c *oneNumber) sighting(e *history.Event) {
	if e.Kind == history.Stored {
		col := c.stored.Of(e.Conversation)
		col.seqs = append(col.seqs, e.Seq)
	}
	switch first := c.places.Of(e.Identity()); *first {
	case 0:
		*first = e.Seq
	case e.Seq:
	default:
		c.event(e, "it had seq %d before", *first)
	}
}

func (c *oneNumber) Verdict() Verdict {
	expected := "one seq per message in all views, and rows at 1, 2, 3 ... in each conversation"
	var read, rows int64
	for n := range c.stored.All {
		if col := &c.stored.All[n]; col.read {
			read++
			rows += int64(len(col.seqs))
			c.dense(c.stored.IDs[n], col)
		}
	}
	switch {
	case len(c.places.All) == 0 && c.unplaced > 0:
		return unknown(expected, noSeq)
	case len(c.places.All) == 0:
		return unknown(expected, "nothing was received or stored")
	case c.unplaced > 0:
		c.add(0, "%v without a seq, though others have one", count(c.unplaced, "sighting"))
	case c.breaks == 0 && read == 0:
		return unknown(expected, "the store was not read at the end")
	}
	return c.verdict(expected, "%s in %s judged, %s", count(rows, "row"), count(read, "conversation"), count(c.breaks, "break"))
}

// dense judges the places of one conversation's rows.
func (c *oneNumber) dense(conversation history.ID, col *column) {
	slices.Sort(col.seqs)
	next := int64(1)
	for _, s := range col.seqs {
		switch {
		case s < next:
			c.add(col.at, "the store has two rows of %v at seq %d, or one before 1", conversation, s)
			continue
		case s > next:
			c.add(col.at, "the store has no row of %v at seq %v", conversation, span(next, s-1))
		}
		next = s + 1
	}
}
