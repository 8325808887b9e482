package paths

import (
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/system/chat"
)

const (
	holds   = scenarios.Holds
	broken  = scenarios.Broken
	unknown = scenarios.Unknown // by chance, or without a seq to judge by
)

// expectOf is the table: what each write path promises under each fault, and what it must be seen to break.
func (c Cell) expectOf(promise string) scenarios.Expectation {
	switch c.Path {
	case chat.WriteNaive:
		return c.expectOfNaive(promise)
	case chat.WriteParallel:
		return c.expectOfParallel(promise)
	}
	return holds
}

// expectOfNaive: the worker skips the sender, so another device of hers, or the same without the answer, never shows the
// message; an error makes another message of each retry; live order is the log's and history's is the clocks'.
func (c Cell) expectOfNaive(promise string) scenarios.Expectation {
	switch promise {
	case "no-acked-loss", "history-is-live", "session-order":
		return broken
	case "one-sequence-number", "no-silent-skip", "agreement", "receipts-grounded", "unread-converges":
		return unknown
	case "shown-at-most-once":
		switch c.Fault.Name {
		case "kill", "no storage", "no cache":
			return broken
		case "no log", "skew": // a retry whose first try arrives after all
			return unknown
		}
	case "causal-order":
		if c.Fault.Name == "no storage" { // a try is pushed and answered, and the row is of a later one
			return unknown
		}
	}
	return c.expectOfClocks(promise)
}

// expectOfParallel: what is acknowledged is stored, pushed and shown once, also when a retry that another pod took has a
// second row. Order is left to the clocks.
func (c Cell) expectOfParallel(promise string) scenarios.Expectation {
	switch promise {
	case "one-sequence-number", "no-silent-skip", "receipts-grounded", "unread-converges":
		return unknown
	case "agreement": // a device that fills a gap shows history's order, the others the log's
		return unknown
	case "session-order":
		switch c.Fault.Name {
		case "none", "no cache": // two sends that overtake each other by a millisecond
			return unknown
		}
		return broken
	}
	return c.expectOfClocks(promise)
}

// expectOfClocks: what follows another message stands behind it as long as one pod's clock reads them all.
func (c Cell) expectOfClocks(promise string) scenarios.Expectation {
	switch promise {
	case "sender-fifo", "causal-order", "ack-order":
	default:
		return holds
	}
	switch {
	case !c.Fault.takesOver():
		return holds
	case c.Fault.Name == "skew":
		return broken
	}
	return unknown
}
