package gateway

import (
	"sync"

	"github.com/chatlab/chatlab/system/chat"
)

// cursors keep the newest place that a device has received in each conversation.
type cursors struct {
	mu sync.Mutex
	at map[chat.ID]int64
}

// note keeps a place that is newer. Beyond the limit another conversation is forgotten: its next frame brings it back.
func (c *cursors) note(conversation chat.ID, seq int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == nil {
		c.at = map[chat.ID]int64{}
	}
	old, known := c.at[conversation]
	if !known && len(c.at) >= chat.MaxPositions {
		for other := range c.at {
			delete(c.at, other)
			break
		}
	}
	c.at[conversation] = max(old, seq)
}

// Received returns the newest place in a conversation that any device of the user has confirmed on its present
// connection to this gateway; 0: none.
func (g *Gateway) Received(user, conversation chat.ID) (seq int64) {
	g.table.eachOf(user, func(s *session) {
		s.received.mu.Lock()
		defer s.received.mu.Unlock()
		seq = max(seq, s.received.at[conversation])
	})
	return seq
}
