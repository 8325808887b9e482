package chat

import "slices"

// Reached is up to which place a user has a conversation's messages on any device, and has read them on any.
type Reached struct{ Delivered, Read int64 }

// Progress is how far each user of a conversation has come, for conversations whose messages have a seq.
type Progress map[ID]Reached

// Note moves a user forward, never back, and says where from and to; equal ones: it did not move. Who has read a message
// has it.
func (p Progress) Note(c Cursor) (from, to Reached) {
	from = p[c.User]
	to = from
	to.Delivered = max(to.Delivered, c.Seq)
	if c.Kind == Read {
		to.Read = max(to.Read, c.Seq)
	}
	if to != from {
		p[c.User] = to
	}
	return from, to
}

// Counter counts for many places.
type Counter struct {
	progress        Progress
	members         map[ID]bool
	delivered, read []int64 // of all members, ascending
}

// Counter counts those of the members only.
func (p Progress) Counter(members []ID) *Counter {
	c := &Counter{progress: p, members: make(map[ID]bool, len(members))}
	for _, m := range members {
		if c.members[m] {
			continue
		}
		c.members[m] = true
		if r, ok := p[m]; ok {
			c.delivered = append(c.delivered, r.Delivered)
			c.read = append(c.read, r.Read)
		}
	}
	slices.Sort(c.delivered)
	slices.Sort(c.read)
	return c
}

// At counts the members but one who have reached a place.
func (c *Counter) At(seq int64, but ID) (delivered, read int) {
	delivered, read = above(c.delivered, seq), above(c.read, seq)
	if r, counted := c.progress[but]; counted && c.members[but] {
		if r.Delivered >= seq {
			delivered--
		}
		if r.Read >= seq {
			read--
		}
	}
	return delivered, read
}

// Members is how many there are besides one.
func (c *Counter) Members(but ID) int {
	if c.members[but] {
		return len(c.members) - 1
	}
	return len(c.members)
}

func above(sorted []int64, seq int64) int {
	i, _ := slices.BinarySearch(sorted, seq)
	return len(sorted) - i
}
