package edge

import (
	"context"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// What an inbox holds.
const (
	defaultInboxMessages = 10 // of a conversation: a screenful
	maxInboxMessages     = 50
	maxInbox             = 50 // conversations
)

type inboxAnswer struct {
	Conversations []glance `json:"conversations"`
	More          bool     `json:"more"`
}

// glance is a conversation as a first screen shows it.
type glance struct {
	ID            chat.ID   `json:"conversation_id"`
	LastMessageAt time.Time `json:"last_message_at"`
	LastSeq       int64     `json:"last_seq"`
	ReadSeq       int64     `json:"read_seq"`
	Unread        int64     `json:"unread"`
	Messages      []message `json:"messages"`
}

// inbox answers a first screen in one call: what is newest, how much of it is unread, and the messages.
func (e *Edge) inbox(r request) (int, any, error) {
	q, err := r.query("limit", "messages")
	if err != nil {
		return 0, nil, err
	}
	limit, err := q.number("limit", defaultConversations, 1, maxInbox)
	if err != nil {
		return 0, nil, err
	}
	messages, err := q.number("messages", defaultInboxMessages, 1, maxInboxMessages)
	if err != nil {
		return 0, nil, err
	}
	req := &pb.InboxRequest{UserId: r.user.ID[:], Limit: int32(limit), Messages: int32(messages)}
	res, err := do(r.Context(), e.messages.any(repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.InboxResponse, error) {
		return pb.NewMessagesClient(c).Inbox(ctx, req, o)
	})
	if err != nil {
		return 0, nil, err
	}
	out := inboxAnswer{Conversations: make([]glance, len(res.Entries)), More: res.More}
	for i, entry := range res.Entries {
		c := entry.Conversation
		g := glance{wire.ID(c.ConversationId), msTime(c.LastMessageAtMs), c.LastSeq, c.ReadSeq, c.Unread, make([]message, len(entry.Messages))}
		for j, m := range entry.Messages {
			g.Messages[j] = message{ServerFrame: wire.MessageFrame(wire.MessageFromPB(m))}
		}
		out.Conversations[i] = g
	}
	return http.StatusOK, out, nil
}
