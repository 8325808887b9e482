package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/trace"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// maxAudiences bounds what one stream may have a gateway keep; a worker forgets long before.
const maxAudiences = 16 << 10

// deliveries is one worker's stream: what it delivers stays in order, because one goroutine puts it into the outboxes.
type deliveries struct {
	g         *Gateway
	audiences map[chat.ID][]byte // by conversation, as the worker sent them
	number    uint64             // the highest so far
}

// Deliver takes a worker's deliveries until it ends the stream. Each message of the stream gets one answer.
func (g *Gateway) Deliver(stream pb.Gateway_DeliverServer) error {
	d := deliveries{g: g, audiences: map[chat.ID][]byte{}}
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		res, err := d.take(req.Deliveries)
		if err != nil {
			g.cfg.Log.Error("end stream of deliveries", "error", err)
			return status.Error(codes.InvalidArgument, err.Error())
		}
		if err := stream.Send(res); err != nil {
			return err
		}
	}
}

func (d *deliveries) take(list []*pb.Delivery) (*pb.DeliverResponse, error) {
	res := &pb.DeliverResponse{}
	for _, one := range list {
		missed, err := d.deliver(one)
		if err != nil {
			return nil, err
		}
		if len(missed) > 0 {
			res.Misses = append(res.Misses, &pb.Miss{Number: one.Number, Users: missed})
		}
		d.number = max(d.number, one.Number)
	}
	res.Number = d.number
	return res, nil
}

// deliver puts one frame into the outboxes of its users and returns those who have no socket here.
func (d *deliveries) deliver(one *pb.Delivery) (missed []byte, err error) {
	conv := wire.ID(one.ConversationId)
	if one.Forget {
		delete(d.audiences, conv)
		return nil, nil
	}
	users, err := d.recipients(conv, one)
	if err != nil {
		return nil, err
	}
	frame := one.Frame
	if one.Resync {
		frame = wire.Encode(wire.ServerFrame{Type: wire.TypeResync, Conversations: []chat.ID{conv}})
	}
	if len(frame) == 0 { // only the audience
		return nil, nil
	}
	start := time.Now()
	missed = d.g.push(users, frame)
	if one.Traceparent != "" {
		d.g.cfg.Tracer.Note(one.Traceparent, "gateway push", start, nil, trace.Conversation(conv))
	}
	return missed, nil
}

// recipients returns the users of a delivery: its own, or the audience that the stream keeps for the conversation.
func (d *deliveries) recipients(conv chat.ID, one *pb.Delivery) ([]byte, error) {
	if len(one.Users)%16 != 0 {
		return nil, fmt.Errorf("delivery %d: %d bytes of users are not whole ids", one.Number, len(one.Users))
	}
	kept, known := d.audiences[conv]
	switch {
	case one.Audience && !known && len(d.audiences) >= maxAudiences:
		return nil, fmt.Errorf("delivery %d: the stream has %d audiences already", one.Number, maxAudiences)
	case one.Audience:
		d.audiences[conv] = one.Users
		return one.Users, nil
	case len(one.Users) > 0:
		return one.Users, nil
	case !known:
		return nil, fmt.Errorf("delivery %d: conversation %s has no audience on this stream", one.Number, conv)
	}
	return kept, nil
}

// push puts a frame, shared by all, into the outboxes of users and returns those who have no socket here.
func (g *Gateway) push(users, frame []byte) (missed []byte) {
	taken := 0
	for ; len(users) >= 16; users = users[16:] {
		n := g.table.push(chat.ID(users[:16]), frame)
		if n == 0 {
			missed = append(missed, users[:16]...)
		}
		taken += n
	}
	g.metrics.pushed(taken)
	g.metrics.missed(len(missed) / 16)
	return missed
}

// DeliverOne is the document's call: it answers when the frame is in the outbox of one of the user's sockets.
func (g *Gateway) DeliverOne(_ context.Context, req *pb.DeliverOneRequest) (*pb.DeliverOneResponse, error) {
	if len(req.UserId) != 16 || len(req.Frame) == 0 {
		return nil, chat.Errorf(chat.CodeBadRequest, "a delivery needs a user and a frame")
	}
	return &pb.DeliverOneResponse{Delivered: len(g.push(req.UserId, req.Frame)) == 0}, nil
}

// Status answers how many connections there are and whether more are taken.
func (g *Gateway) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	return &pb.StatusResponse{Connections: g.connections.Load(), Draining: g.state.Load() != serving, Shedding: g.shedding.Load()}, nil
}
