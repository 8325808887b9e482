package fanout

import (
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	inlineUsers  = 8    // up to so many recipients travel with each delivery
	maxAudiences = 1024 // that a gateway keeps for one stream
)

// audiences remembers who the gateway already knows a conversation's recipients to be, so that 500 ids do not travel
// with each of a hundred messages a second.
type audiences map[chat.ID][]byte

// address makes the deliveries of one queue entry: the entry, and before it what the gateway has to forget.
func (a audiences) address(d delivery, number uint64) []*pb.Delivery {
	out := &pb.Delivery{Number: number, ConversationId: d.conv[:], Frame: d.frame, Traceparent: d.trace}
	if len(d.users) <= 16*inlineUsers {
		out.Users = d.users
		return []*pb.Delivery{out}
	}
	if known, ok := a[d.conv]; ok && string(known) == string(d.users) {
		return []*pb.Delivery{out}
	}
	out.Users, out.Audience = d.users, true
	var list []*pb.Delivery
	if len(a) >= maxAudiences {
		for conv := range a {
			delete(a, conv)
			list = append(list, &pb.Delivery{ConversationId: conv[:], Forget: true})
			break
		}
	}
	a[d.conv] = d.users
	return append(list, out)
}
