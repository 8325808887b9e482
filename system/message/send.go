package message

import (
	"context"
	"errors"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	throttleNoticeEvery = time.Second            // between two notices to the members of a limited group
	lateRetryAfter      = 500 * time.Millisecond // for a send that came to its write too late
)

// Send takes one message.
func (s *Service) Send(ctx context.Context, req *pb.SendRequest) (*pb.SendResponse, error) {
	start := time.Now()
	res, err := s.send(ctx, req)
	s.metrics.observeSend(time.Since(start), err)
	return res, err
}

func (s *Service) send(ctx context.Context, req *pb.SendRequest) (*pb.SendResponse, error) {
	m := chat.Message{
		ConversationID: wire.ID(req.ConversationId), SenderID: wire.ID(req.SenderId), ClientMsgID: wire.ID(req.ClientMsgId),
		Type: chat.TypeText, Content: req.Content, CreatedAt: s.cfg.Now().UTC(),
	}
	if err := s.admit(ctx, m); err != nil {
		return nil, err
	}
	conv, err := s.membersFor(ctx, m.SenderID, m.ConversationID)
	if err != nil {
		return nil, err
	}
	if err := s.users.admit(ctx, m); err != nil {
		return nil, err
	}
	if err := s.limit(ctx, m); err != nil {
		return nil, err
	}
	if resilience.LogWrite.Spare(ctx) < 0 {
		return nil, chat.Errorf(chat.CodeUnavailable, "too little time is left to write the message").After(lateRetryAfter)
	}
	m = s.identify(m)
	if err := s.writer.write(ctx, m, conv.Members); err != nil {
		s.cfg.Logger.WarnContext(ctx, "write message", "message_id", m.ID, "conversation_id", m.ConversationID, "error", err)
		return nil, unknown(err)
	}
	return s.answer(m, conv), nil
}

// admit refuses what no write path may see.
func (s *Service) admit(ctx context.Context, m chat.Message) error {
	if err := wire.ValidateSend(m.ClientMsgID, m.Content); err != nil {
		return err
	}
	at, err := chat.ClientMsgTime(m.ClientMsgID)
	if err != nil {
		return err
	}
	switch age := m.CreatedAt.Sub(at); {
	case age > chat.DedupeWindow:
		return chat.Errorf(chat.CodeStaleSend, "client_msg_id is %s old: at most %s, or a late retry could become a second message", age.Round(time.Second), chat.DedupeWindow)
	case age < -chat.MaxClientAhead:
		return chat.Errorf(chat.CodeBadRequest, "client_msg_id lies %s in the future: use server time", (-age).Round(time.Second))
	}
	if s.cfg.Moderate != nil {
		return s.cfg.Moderate(ctx, m.SenderID, m.Content)
	}
	return nil
}

// membersFor returns the conversation if the user is in it.
func (s *Service) membersFor(ctx context.Context, user, conv chat.ID) (chat.Conversation, error) {
	c, err := s.conversation(ctx, conv)
	if err != nil {
		return c, unavailable(err)
	}
	if !c.Has(user) {
		return c, chat.NotMember(conv)
	}
	return c, nil
}

// limit waits for the group's turn or refuses; those who are in the group are told, but not more than once a second, and
// not when that would make the refusal late.
func (s *Service) limit(ctx context.Context, m chat.Message) error {
	err := s.limiter.wait(ctx, m.ConversationID)
	var refusal *chat.Error
	limited := errors.As(err, &refusal) && refusal.Code == chat.CodeGroupLimit
	if limited && resilience.LogWrite.Spare(ctx) >= 0 && s.limiter.tellNow(m.ConversationID, throttleNoticeEvery) {
		s.tellMembers(ctx, m, refusal.RetryAfter)
	}
	return err
}

// tellMembers sends the notice through the log, where it reaches every gateway that holds a member.
func (s *Service) tellMembers(ctx context.Context, m chat.Message, retryAfter time.Duration) {
	r := wire.Record{
		MessageID: chat.NewID(), ConversationID: m.ConversationID, ClientMsgID: chat.NewID(), MessageType: wire.TypeThrottle,
		CreatedAt: m.CreatedAt, RetryAfterMS: retryAfter.Milliseconds(),
	}
	if err := produce(context.WithoutCancel(ctx), s.cfg.Log, r); err != nil {
		s.cfg.Logger.Warn("tell members of throttling", "conversation_id", m.ConversationID, "error", err)
	}
}

func (s *Service) answer(m chat.Message, conv chat.Conversation) *pb.SendResponse {
	res := &pb.SendResponse{MessageId: m.ID[:]}
	if s.cfg.Switches.DirectPush && conv.Kind == chat.Direct {
		for _, u := range conv.Members {
			if u != m.SenderID {
				res.DirectUsers = wire.IDBytes(u)
			}
		}
		res.Frame = wire.Encode(wire.MessageFrame(m))
	}
	return res
}

// unknown keeps a refusal that says more and calls everything else what it is: it may or may not have happened.
func unknown(err error) error {
	var e *chat.Error
	if errors.As(err, &e) {
		return e
	}
	return chat.Errorf(chat.CodeUnknownOutcome, "the write was not confirmed").After(200 * time.Millisecond)
}

// unavailable is for a failed read: nothing was done.
func unavailable(err error) error {
	var e *chat.Error
	if errors.As(err, &e) {
		return e
	}
	return chat.Errorf(chat.CodeUnavailable, "storage did not answer").After(500 * time.Millisecond)
}
