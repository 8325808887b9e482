package message

import (
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// laterTimeUUID compares by time; the zero id is before all, and two of one tick count as equal.
func laterTimeUUID(a, b chat.ID) bool {
	zero := chat.ID{}
	switch {
	case a == zero:
		return false
	case b == zero:
		return true
	}
	return order.TicksOfUUID(a) > order.TicksOfUUID(b)
}
