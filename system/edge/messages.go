package edge

import (
	"context"
	"net/http"

	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

type sendRequest struct {
	ClientMsgID id     `json:"client_msg_id"`
	Content     string `json:"content"`
}

type sendAnswer struct {
	ClientMsgID chat.ID `json:"client_msg_id"`
	MessageID   chat.ID `json:"message_id"`
}

// send takes a token of the user's limit before it reads the body: a flood of broken sends is a flood.
func (e *Edge) send(r request) (int, any, error) {
	conv, err := r.pathID()
	if err != nil {
		return 0, nil, err
	}
	if after, ok := e.cfg.Sends.Allow(r.user.ID); !ok {
		return 0, nil, chat.Errorf(chat.CodeUserLimit, "too many messages of one user").After(after)
	}
	var in sendRequest
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	cid := chat.ID(in.ClientMsgID)
	if err := wire.ValidateSend(cid, in.Content); err != nil {
		return 0, nil, err
	}
	req := &pb.SendRequest{ConversationId: conv[:], SenderId: r.user.ID[:], ClientMsgId: cid[:], Content: in.Content}
	res, err := do(r.Context(), e.messages.of(conv, once), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.SendResponse, error) {
		return pb.NewMessagesClient(c).Send(ctx, req, o)
	})
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, sendAnswer{cid, wire.ID(res.MessageId)}, nil
}

type historyAnswer struct {
	Messages []message `json:"messages"`
	More     bool      `json:"more"`
}

// message is the frame that a device gets live, without its type.
type message struct {
	wire.ServerFrame
	Type string `json:"type,omitempty"` // hides the frame's
}

func (e *Edge) history(r request) (int, any, error) {
	req, conv, err := historyRequest(r)
	if err != nil {
		return 0, nil, err
	}
	res, err := do(r.Context(), e.messages.of(conv, repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.HistoryResponse, error) {
		return pb.NewMessagesClient(c).History(ctx, req, o)
	})
	if err != nil {
		return 0, nil, err
	}
	out := historyAnswer{Messages: make([]message, len(res.Messages)), More: res.More}
	for i, m := range res.Messages {
		out.Messages[i] = message{ServerFrame: wire.MessageFrame(wire.MessageFromPB(m))}
	}
	return http.StatusOK, out, nil
}

func historyRequest(r request) (req *pb.HistoryRequest, conv chat.ID, err error) {
	if conv, err = r.pathID(); err != nil {
		return nil, conv, err
	}
	q, err := r.query("before", "after", "limit")
	if err != nil {
		return nil, conv, err
	}
	req = &pb.HistoryRequest{ConversationId: conv[:], UserId: r.user.ID[:]}
	limit, err := q.number("limit", chat.DefaultHistory, 1, chat.MaxHistoryLimit)
	if err != nil {
		return nil, conv, err
	}
	req.Limit = int32(limit)
	if req.Before, err = q.timestamp("before"); err != nil {
		return nil, conv, err
	}
	if q.values.Get("after") == "0" {
		first := order.First()
		req.After = first[:]
	} else if req.After, err = q.timestamp("after"); err != nil {
		return nil, conv, err
	}
	if req.Before != nil && req.After != nil {
		return nil, conv, chat.Errorf(chat.CodeBadRequest, "give before or after, not both")
	}
	return req, conv, nil
}

// timestamp reads the timestamp of a message; absent is nil.
func (q query) timestamp(name string) ([]byte, error) {
	if !q.values.Has(name) {
		return nil, nil
	}
	t, err := chat.ParseID(q.values.Get(name))
	if err == nil && t.Version() != 1 {
		err = chat.Errorf(chat.CodeBadRequest, "parameter %s: want the timestamp of a message, a version 1 UUID", name)
	}
	return t[:], err
}
