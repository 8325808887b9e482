// Package mutants plays the real system with one known defect at a time and shows which properties catch it.
package mutants

// Mutant is a defect, and the property that it is aimed at.
type Mutant struct {
	Name    string
	What    string
	System  string // chat.Switches.Mutant
	Client  string // scenarios.Variant.Defect
	Target  string // the property that must be broken; empty: none may be
	Comings bool   // played where people come and go, watch each other and are notified
	Crowds  bool   // played where many open a conversation together while the cache is away
}

// None is the system as it is.
func None() Mutant { return Mutant{Name: "none", What: "the system as it is"} }

// NoneWhereTheyComeAndGo is the same in the other play.
func NoneWhereTheyComeAndGo() Mutant {
	return Mutant{Name: "none, coming and going", What: "the system as it is, where people come and go", Comings: true}
}

// NoneWhereCrowdsCome is the same in the third play.
func NoneWhereCrowdsCome() Mutant {
	return Mutant{Name: "none, crowds", What: "the system as it is, where many want the same page at once", Crowds: true}
}

// All lists the mutants in the order of the properties that they are aimed at. Where the system heals a defect of one
// part, a device that does not help has another.
func All() []Mutant {
	return append([]Mutant{
		{Name: "lost_write", System: "lost_write", Target: "no-acked-loss",
			What: "a message pod acknowledges what it never writes to the log"},
		{Name: "row_lost", System: "row_lost", Target: "durable-in-store",
			What: "a worker pushes what it never stores"},
		{Name: "ghost_write", System: "ghost_write", Target: "no-phantom",
			What: "a message pod writes a message again under another client_msg_id"},
		{Name: "write_refused", System: "write_refused", Target: "nothing-refused-visible",
			What: "a message pod writes a message and refuses it"},
		{Name: "placed_twice", System: "placed_twice", Target: "one-sequence-number",
			What: "a worker gives a message two places"},
		{Name: "push_late+no_order", System: "push_late", Client: "client_no_order", Target: "session-order",
			What: "a worker pushes some messages after later ones, and devices show them as they come"},
		{Name: "push_lost+no_gap_fill", System: "push_lost", Client: "client_no_gap_fill", Target: "no-silent-skip",
			What: "a worker does not push some messages, and devices jump over them"},
		{Name: "seq_by_gateway", System: "seq_by_gateway", Target: "agreement",
			What: "one gateway's devices get other sequence numbers than those of the others"},
		{Name: "late_write", System: "late_write", Target: "sender-fifo",
			What: "a message pod acknowledges a second before it writes to the log"},
		{Name: "row_backdated", System: "row_backdated", Target: "causal-order",
			What: "a worker pushes a message and stores it a second before what its sender saw"},
		{Name: "ack_early", System: "ack_early", Target: "ack-order",
			What: "a message pod acknowledges a moment before it writes to the log"},
		{Name: "push_twice+no_dedupe", System: "push_twice", Client: "client_no_dedupe", Target: "shown-at-most-once",
			What: "a worker pushes some messages twice, and devices show them twice"},
		{Name: "no_gap_fill", Client: "client_no_gap_fill", Target: "exact-resume",
			What: "a device that was away does not ask for what it missed"},
		{Name: "history_skips", System: "history_skips", Target: "history-is-live",
			What: "a message pod leaves a message out of each page of history"},
		{Name: "cache_stale", System: "cache_stale", Target: "cache-coherent",
			What: "a worker does not tell the cache of what comes late"},
		{Name: "push_to_removed", System: "push_to_removed", Target: "members-only",
			What: "a worker goes on pushing to members who were removed"},
		{Name: "history_to_outsider", System: "history_to_outsider", Target: "members-only",
			What: "a message pod serves history to anybody"},
		{Name: "receipt_at_push", System: "receipt_at_push", Target: "receipts-grounded",
			What: "a worker tells senders that everybody has what it only pushes"},
		{Name: "read_when_delivered", System: "read_when_delivered", Target: "receipts-grounded",
			What: "a worker tells senders that what was delivered is read"},
		{Name: "read_forgotten", System: "read_forgotten", Target: "unread-converges",
			What: "a message pod takes what was read and does not tell the inbox"},
		{Name: "refusal_mute", System: "refusal_mute", Target: "honest-refusals",
			What: "a message pod refuses without saying when to come back"},
		{Name: "push_twice", System: "push_twice", Target: "raw-at-most-once",
			What: "a worker pushes some messages twice"},
		{Name: "refuse_some", System: "refuse_some", Target: "acked-ratio",
			What: "a message pod refuses some messages without need"},
		{Name: "slow_push", System: "slow_push", Target: "delivery-lag",
			What: "a worker pushes everything a second late"},
	}, inPlaysOfTheirOwn()...)
}

func inPlaysOfTheirOwn() []Mutant {
	return []Mutant{
		{Name: "push_shy", System: "push_shy", Target: "push-not-missed", Comings: true,
			What: "a push pod notifies of the first messages of a conversation only"},
		{Name: "push_blind", System: "push_blind", Target: "push-not-spurious", Comings: true,
			What: "a push pod takes everybody for offline"},
		{Name: "online_for_ever", System: "online_for_ever", Target: "presence-safe", Comings: true,
			What: "a gateway tells nobody that somebody has gone"},
		{Name: "arrivals_untold", System: "arrivals_untold", Target: "presence-live", Comings: true,
			What: "a gateway does not tell those who watch already that somebody has come"},
		{Name: "reads_unshared", System: "reads_unshared", Target: "reads-per-miss", Crowds: true,
			What: "a message pod reads a page again for each who waits for it"},
	}
}

// Smoke lists a few that say in seconds whether mutants still work.
func Smoke() (few []Mutant) {
	for _, m := range All() {
		if m.Target == "no-acked-loss" || m.Target == "nothing-refused-visible" {
			few = append(few, m)
		}
	}
	return few
}
