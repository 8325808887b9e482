package edge

import (
	"context"
	"errors"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// A page of a user's conversations.
const (
	defaultConversations = 20 // (document)
	maxConversations     = 100
	maxSkip              = 1_000_000
)

type createRequest struct {
	Type    string `json:"type"`
	Members []id   `json:"members"`
}

type createAnswer struct {
	ID        chat.ID   `json:"conversation_id"`
	Type      string    `json:"type"`
	Members   []chat.ID `json:"members"`
	CreatedAt time.Time `json:"created_at"`
}

func (e *Edge) createConversation(r request) (int, any, error) {
	var in createRequest
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if len(in.Members) > chat.MaxMembers {
		return 0, nil, chat.Errorf(chat.CodeTooManyMembers, "%d members: a group has at most %d", len(in.Members), chat.MaxMembers)
	}
	others, err := userIDs(in.Members)
	if err != nil {
		return 0, nil, err
	}
	req := &pb.CreateConversationRequest{UserId: r.user.ID[:], Kind: in.Type, Members: wire.IDBytes(others...)}
	c, err := do(r.Context(), e.messages.any(once), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.Conversation, error) {
		return pb.NewMessagesClient(c).CreateConversation(ctx, req, o)
	})
	if err != nil {
		return 0, nil, err
	}
	members, err := wire.IDs(c.Members)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, createAnswer{wire.ID(c.ConversationId), c.Kind, members, msTime(c.CreatedAtMs)}, nil
}

type listAnswer struct {
	Conversations []conversation `json:"conversations"`
	More          bool           `json:"more"`
}

type conversation struct {
	ID            chat.ID   `json:"conversation_id"`
	Type          string    `json:"type"`
	Members       []chat.ID `json:"members"`
	LastMessageAt time.Time `json:"last_message_at"`
	LastSeq       int64     `json:"last_seq"`
	ReadSeq       int64     `json:"read_seq"`
	Unread        int64     `json:"unread"`
}

func (e *Edge) listConversations(r request) (int, any, error) {
	q, err := r.query("limit", "skip")
	if err != nil {
		return 0, nil, err
	}
	limit, err := q.number("limit", defaultConversations, 1, maxConversations)
	if err != nil {
		return 0, nil, err
	}
	skip, err := q.number("skip", 0, 0, maxSkip)
	if err != nil {
		return 0, nil, err
	}
	res, err := e.conversationsOf(r.Context(), r.user.ID, limit, skip)
	if err != nil {
		return 0, nil, err
	}
	out := listAnswer{Conversations: make([]conversation, len(res.Conversations)), More: res.More}
	for i, c := range res.Conversations {
		members, err := wire.IDs(c.Members)
		if err != nil {
			return 0, nil, err
		}
		out.Conversations[i] = conversation{wire.ID(c.ConversationId), c.Kind, members, msTime(c.LastMessageAtMs), c.LastSeq, c.ReadSeq, c.Unread}
	}
	return http.StatusOK, out, nil
}

func (e *Edge) conversationsOf(ctx context.Context, user chat.ID, limit, skip int) (*pb.ListConversationsResponse, error) {
	req := &pb.ListConversationsRequest{UserId: user[:], Limit: int32(limit), Skip: int32(skip)}
	return do(ctx, e.messages.any(repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.ListConversationsResponse, error) {
		return pb.NewMessagesClient(c).ListConversations(ctx, req, o)
	})
}

type membersRequest struct {
	Add    []id `json:"add"`
	Remove []id `json:"remove"`
}

func (e *Edge) changeMembers(r request) (int, any, error) {
	conv, err := r.pathID()
	if err != nil {
		return 0, nil, err
	}
	var in membersRequest
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	switch {
	case len(in.Add)+len(in.Remove) == 0:
		return 0, nil, chat.Errorf(chat.CodeBadRequest, "name users to add or to remove")
	case len(in.Add) > chat.MaxMembers || len(in.Remove) > chat.MaxMembers:
		return 0, nil, chat.Errorf(chat.CodeTooManyMembers, "a group has at most %d members", chat.MaxMembers)
	}
	add, errAdd := userIDs(in.Add)
	remove, errRemove := userIDs(in.Remove)
	if err := errors.Join(errAdd, errRemove); err != nil {
		return 0, nil, err
	}
	req := &pb.ChangeMembersRequest{UserId: r.user.ID[:], ConversationId: conv[:], Add: wire.IDBytes(add...), Remove: wire.IDBytes(remove...)}
	_, err = do(r.Context(), e.messages.of(conv, once), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.ChangeMembersResponse, error) {
		return pb.NewMessagesClient(c).ChangeMembers(ctx, req, o)
	})
	return http.StatusNoContent, nil, err
}

func msTime(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
