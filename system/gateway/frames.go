package gateway

import (
	"context"
	"time"

	"github.com/coder/websocket"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/trace"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// receive judges a frame and hands it on; the reader never waits here.
func (s *session) receive(typ websocket.MessageType, data []byte) {
	if s.closing() {
		return
	}
	if s.expired(s.g.cfg.Now()) {
		s.close(chat.CloseTokenExpired)
		return
	}
	s.framed.Store(int64(s.g.clock()))
	if wait := s.hurry(); wait > 0 {
		s.slowDown(data, wait)
		return
	}
	f, err := s.decode(typ, data)
	s.g.metrics.received(f.Type, err)
	if err != nil {
		s.refuse(err, f.ClientMsgID)
		s.tolerate(err)
		return
	}
	s.bad = 0
	if s.social(f) {
		return
	}
	if err := s.admit(f); err != nil {
		s.refuse(err, f.ClientMsgID)
	}
}

func (s *session) decode(typ websocket.MessageType, data []byte) (wire.ClientFrame, *chat.Error) {
	if typ != websocket.MessageText {
		return wire.ClientFrame{}, chat.Errorf(chat.CodeBadFrame, "frame is binary: send text")
	}
	f, err := wire.DecodeClient(data)
	if err != nil {
		return f, chat.AsError(err)
	}
	switch f.Type {
	case wire.TypeResume:
		s.resumed = true
	case wire.TypeAuth:
	default:
		if !s.resumed {
			return f, chat.Errorf(chat.CodeBadFrame, "frame %s before resume: that comes first", f.Type)
		}
	}
	switch f.Type {
	case wire.TypeSend, wire.TypeReceived, wire.TypeRead, wire.TypeTyping:
	default:
		f.ConversationID, f.ClientMsgID = chat.ID{}, chat.ID{}
	}
	return f, nil
}

// hurry counts a frame in, or says that the session must wait so long.
func (s *session) hurry() (wait time.Duration) {
	l := s.g.cfg.Limits
	return s.frames.take(s.g.clock(), time.Duration(float64(time.Second)/l.FrameRate), l.FrameBurst)
}

// slowDown refuses a frame that came too soon. Refusals have the same limit: who goes on beyond that floods, and is
// closed.
func (s *session) slowDown(data []byte, wait time.Duration) {
	l := s.g.cfg.Limits
	if s.surplus.take(s.g.clock(), time.Duration(float64(time.Second)/l.FrameRate), l.FrameBurst) > 0 {
		s.close(chat.CloseProtocol)
		return
	}
	s.g.metrics.frames.WithLabelValues("surplus").Inc()
	f, _ := wire.DecodeClient(data) // only for the id that the device waits for
	s.refuse(chat.Errorf(chat.CodeSessionLimit, "%g frames/s: this session sends more", l.FrameRate).After(wait), f.ClientMsgID)
}

// tolerate ends a session that sends one bad frame after the other.
func (s *session) tolerate(e *chat.Error) {
	if e.Code != chat.CodeBadFrame {
		return
	}
	if s.bad++; s.bad >= s.g.cfg.Limits.BadFrames {
		s.close(chat.CloseProtocol)
	}
}

// admit gives a frame to its lane, within the limits of user and session.
func (s *session) admit(f wire.ClientFrame) *chat.Error {
	if f.Type == wire.TypeSend {
		if ok, after := s.g.cfg.Limiter(s.user); !ok {
			return chat.Errorf(chat.CodeUserLimit, "too many sends").After(after)
		}
	}
	if !s.submit(f) {
		return chat.Errorf(chat.CodeServerLimit, "%d frames of this session wait already", s.g.cfg.Limits.Sends).After(busyAfter)
	}
	return nil
}

// busyAfter is when a session whose lanes are full may try again.
const busyAfter = 500 * time.Millisecond

// handle does what an admitted frame asks, in its lane.
func (s *session) handle(f arrival) {
	switch f.Type {
	case wire.TypeSend:
		s.send(f)
	case wire.TypeResume:
		s.note(chat.Delivered, f.Positions...) // what a lost frame would have said
		s.announce()
		s.heads(f.Positions, wire.TypeResumed)
	case wire.TypeHeartbeat:
		s.note(chat.Delivered, f.Positions...)
		s.heartbeat(f.Positions)
	case wire.TypeAuth:
		s.renew(f.Token)
	case wire.TypeSubscribe:
		s.subscribe(f.Users)
	}
}

func (s *session) answer(f wire.ServerFrame) { s.push(wire.Encode(f)) }

func (s *session) refuse(e *chat.Error, clientMsgID chat.ID) {
	s.answer(wire.ErrorFrame(e, clientMsgID))
}

// send passes a message on and acknowledges it when the message service has it. What waited in its lane until the device
// gave it up is not begun.
func (s *session) send(f arrival) {
	left := s.g.cfg.Limits.Send - (s.g.clock() - f.at)
	if left <= 0 {
		s.g.metrics.sent(s.g.clock()-f.at, string(chat.CodeUnavailable))
		s.refuse(chat.Errorf(chat.CodeUnavailable, "the sends before this one took its time").After(busyAfter), f.ClientMsgID)
		return
	}
	ctx, cancel := context.WithTimeout(s.g.ctx, left)
	defer cancel()
	ctx, span := s.g.cfg.Tracer.Start(trace.With(ctx, f.Traceparent), "gateway send", trace.Conversation(f.ConversationID))
	start := s.g.clock()
	res, err := s.g.cfg.MessagesFor(f.ConversationID).Send(ctx, &pb.SendRequest{
		ConversationId: f.ConversationID[:], SenderId: s.user[:], ClientMsgId: f.ClientMsgID[:], Content: f.Content,
	})
	span.End(err)
	if err != nil {
		refusal := transport.Refusal(err)
		s.g.metrics.sent(s.g.clock()-start, string(refusal.Code))
		s.refuse(refusal, f.ClientMsgID)
		return
	}
	s.g.metrics.sent(s.g.clock()-start, "ok")
	s.g.pushDirect(res)
	s.answer(wire.ServerFrame{Type: wire.TypeAck, ClientMsgID: f.ClientMsgID, MessageID: wire.ID(res.MessageId)})
}

// pushDirect is the document's short cut: sockets here get the message without the way over the log.
func (g *Gateway) pushDirect(res *pb.SendResponse) {
	if !g.cfg.Switches.DirectPush || len(res.Frame) == 0 {
		return
	}
	users, err := wire.IDs(res.DirectUsers)
	if err != nil {
		g.cfg.Log.Error("read direct users", "error", err)
		return
	}
	for _, u := range users {
		g.metrics.pushed(g.table.push(u, res.Frame))
	}
}

// heartbeat answers a sign of life. The document's heartbeat says no more; it has no places to compare, and devices that
// lag would all read history at once.
func (s *session) heartbeat(have []chat.Position) {
	if s.g.cfg.Switches.WritePath == chat.WriteNaive {
		s.answer(wire.ServerFrame{Type: wire.TypeHeartbeat, ServerTime: s.g.cfg.Now().UTC()})
		return
	}
	s.heads(have, wire.TypeHeartbeat)
}

// heads answers where the device's conversations have something newer than it names. If that cannot be known, an error
// says so, and the next heartbeat asks again; a socket that cannot catch up still gets what is new.
func (s *session) heads(have []chat.Position, answer string) {
	ctx, cancel := context.WithTimeout(s.g.ctx, s.g.cfg.Limits.Call)
	defer cancel()
	f := wire.ServerFrame{Type: answer}
	res, err := s.g.cfg.MessagesFor(s.user).Heads(ctx, &pb.HeadsRequest{UserId: s.user[:], Positions: wire.PositionsToPB(have)})
	switch {
	case err == nil:
		f.Newer = wire.PositionsFromPB(res.Newer)
	default:
		s.refuse(transport.Refusal(err), chat.ID{})
		if answer == wire.TypeHeartbeat {
			return
		}
	}
	f.ServerTime = s.g.cfg.Now().UTC()
	s.answer(f)
}

// renew extends the session by a new token of the same user. Another user's ends it. One that cannot be taken leaves it good
// until its own token ends: whoever signs with a new key may be ahead of this gateway, and the device tries again.
func (s *session) renew(text string) {
	u, err := s.g.cfg.VerifyUser(text)
	switch {
	case err != nil:
	case u.ID != s.user:
		s.refuse(chat.Errorf(chat.CodeTokenInvalid, "token is another user's"), chat.ID{})
		s.close(chat.CloseTokenInvalid)
		return
	case !s.g.cfg.Now().Before(u.Expires):
		err = chat.Errorf(chat.CodeTokenExpired, "token has expired")
	}
	if err != nil {
		s.refuse(chat.AsError(err), chat.ID{})
		return
	}
	s.expires.Store(nanoseconds(u.Expires))
	s.answer(wire.ServerFrame{Type: wire.TypeAuth, ExpiresAt: u.Expires.UTC()})
}
