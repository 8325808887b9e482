package message

import (
	"context"
	"fmt"
	"slices"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// page is a question to history: the newest, or those just before or after a timestamp.
type page struct {
	conv          chat.ID
	before, after chat.ID
	limit         int
}

func (p page) key() string { return fmt.Sprintf("%s %s %s %d", p.conv, p.before, p.after, p.limit) }

func (p page) validate() error {
	switch {
	case p.limit < 1 || p.limit > chat.MaxHistoryLimit:
		return chat.Errorf(chat.CodeBadRequest, "limit %d: want 1 to %d", p.limit, chat.MaxHistoryLimit)
	case p.before != chat.ID{} && p.after != chat.ID{}:
		return chat.Errorf(chat.CodeBadRequest, "give before or after, not both")
	case p.before != chat.ID{} && p.before.Version() != 1, p.after != chat.ID{} && p.after.Version() != 1:
		return chat.Errorf(chat.CodeBadRequest, "before and after are timestamps of messages (version 1 UUIDs)")
	}
	return nil
}

type pageResult struct {
	messages  []chat.Message
	more      bool // the page was full
	fromCache bool
}

// History returns one page of what the user may see.
func (s *Service) History(ctx context.Context, req *pb.HistoryRequest) (*pb.HistoryResponse, error) {
	p := page{wire.ID(req.ConversationId), wire.ID(req.Before), wire.ID(req.After), int(req.Limit)}
	if p.limit == 0 {
		p.limit = chat.DefaultHistory
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	m, err := s.membership(ctx, memberKey{wire.ID(req.UserId), p.conv})
	if err != nil {
		return nil, unavailable(err)
	}
	r, err := s.read(ctx, p)
	if err != nil {
		return nil, unavailable(err)
	}
	s.metrics.observeRead(r.fromCache)
	res := &pb.HistoryResponse{FromCache: r.fromCache, More: r.more}
	for _, msg := range r.messages {
		if s.visible(m, msg) {
			res.Messages = append(res.Messages, wire.MessageToPB(msg))
		}
	}
	return res, nil
}

// visible judges by place; where the pods' clocks decide there is none, and a member sees everything.
func (s *Service) visible(m chat.Membership, msg chat.Message) bool {
	if msg.Place.Seq == 0 {
		return m.LeftSeq == 0
	}
	return m.Sees(msg.Place.Seq)
}

// read shares one read among all who wait for the same page, if the switch is on.
func (s *Service) read(ctx context.Context, p page) (pageResult, error) {
	if !shares(s.cfg.Switches) {
		return s.readPage(ctx, p)
	}
	return s.pages.read(ctx, p, s.readPage)
}

// readPage asks the cache first, but only for the newest page: a device that fills a gap needs the truth, which a cache
// that lost a write does not have.
func (s *Service) readPage(ctx context.Context, p page) (r pageResult, err error) {
	switch {
	case p.before != chat.ID{}:
		r.messages, err = s.cfg.Store.Before(ctx, p.conv, p.before, p.limit)
	case p.after != chat.ID{}:
		r.messages, err = s.cfg.Store.After(ctx, p.conv, p.after, p.limit)
	default:
		r.messages, r.fromCache, err = s.readNewest(ctx, p)
	}
	r.more = len(r.messages) == p.limit
	r.messages = mislay(s.cfg.Switches.Mutant, once(r.messages))
	return r, err
}

func (s *Service) readNewest(ctx context.Context, p page) (ms []chat.Message, fromCache bool, err error) {
	ms, complete, err := s.cfg.Cache.Newest(ctx, p.conv, p.limit)
	s.metrics.observeCache(complete, err)
	if err == nil && complete {
		return ms, true, nil
	}
	if ms, err = s.cfg.Store.Newest(ctx, p.conv, max(p.limit, cached)); err != nil {
		return nil, false, err
	}
	if err := s.cfg.Cache.Fill(ctx, p.conv, ms); err != nil {
		s.cfg.Logger.Debug("fill cache", "conversation_id", p.conv, "error", err)
	}
	return ms[max(0, len(ms)-p.limit):], false, nil
}

// once keeps the first of what stands twice: where the pods' clocks decide, a retry that another pod took has a row of
// its own. The first of a page always stays, so that who reads on gets on.
func once(ms []chat.Message) []chat.Message {
	seen := make(map[chat.ID]bool, len(ms))
	return slices.DeleteFunc(ms, func(m chat.Message) bool {
		again := seen[m.ID]
		seen[m.ID] = true
		return again
	})
}

// cached is how many messages of a conversation the cache keeps (document).
const cached = 100
