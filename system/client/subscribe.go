package client

import (
	"fmt"
	"slices"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// Subscribe lets the observer be told of the presence of these contacts, instead of those named before, on this
// connection and on all that follow: of each at once, and then when it changes. Events of kind PresenceChanged tell it.
func (c *Client) Subscribe(users ...chat.ID) error {
	if len(users) > chat.MaxSubscriptions {
		return fmt.Errorf("subscribe to %d users: at most %d", len(users), chat.MaxSubscriptions)
	}
	c.mu.Lock()
	defer c.unlock()
	c.watching = slices.Clone(users)
	if c.link != nil {
		c.link.push(c.subscribeFrame())
	}
	return nil
}

func (c *Client) subscribeFrame() []byte {
	return wire.Encode(wire.ClientFrame{Type: wire.TypeSubscribe, Users: c.watching})
}

// resubscribe is for a new connection, which knows of no subscription; the lock is held.
func (c *Client) resubscribe(l *link) {
	if len(c.watching) > 0 {
		l.push(c.subscribeFrame())
	}
}
