package message

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// maxInboxMessages bounds the messages of one conversation in an inbox.
const maxInboxMessages = 50

// line is one of a user's conversations in the list of them.
type line struct {
	chat.Membership
	newest chat.Position
	at     time.Time // of the newest message, or when the conversation was made; zero: its creation has not come to an end
	read   int64
}

// unread counts the places that the user may see above those read; where messages have no seq it counts nothing.
func (l line) unread() int64 { return max(0, l.newest.Seq-max(l.read, l.JoinedSeq)) }

// Inbox answers a device's first screen: the conversations with the newest messages, how much in them is unread, and
// those messages. Where the inbox is kept it costs one read of the user's rows and one of each conversation shown that
// the cache does not hold.
func (s *Service) Inbox(ctx context.Context, req *pb.InboxRequest) (*pb.InboxResponse, error) {
	if req.Messages < 1 || req.Messages > maxInboxMessages {
		return nil, chat.Errorf(chat.CodeBadRequest, "messages %d: want 1 to %d", req.Messages, maxInboxMessages)
	}
	lines, more, err := s.list(ctx, wire.ID(req.UserId), 0, int(req.Limit))
	if err != nil {
		return nil, unavailable(err)
	}
	cached := s.glance(ctx, lines, int(req.Messages))
	res := &pb.InboxResponse{More: more, Entries: make([]*pb.InboxEntry, len(lines))}
	g, ctx := errgroup.WithContext(ctx)
	for i, l := range lines {
		g.Go(func() (err error) {
			ms, ok := cached[l.ConversationID]
			if !ok {
				ms, err = s.cfg.Store.Newest(ctx, l.ConversationID, int(req.Messages))
			}
			res.Entries[i] = s.entry(l, mislay(s.cfg.Switches.Mutant, once(ms)))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, unavailable(err)
	}
	return res, nil
}

// glance reads what the cache has of a first screen, in one call: the newest messages of conversations. What it lacks is
// read from the store and fills nothing: most of what is glanced at is not opened.
func (s *Service) glance(ctx context.Context, lines []line, messages int) map[chat.ID][]chat.Message {
	convs := make([]chat.ID, len(lines))
	for i, l := range lines {
		convs[i] = l.ConversationID
	}
	cached, err := s.cfg.Cache.Glance(ctx, convs, messages)
	for _, conv := range convs {
		_, hit := cached[conv]
		s.metrics.observeCache(hit, err)
	}
	return cached
}

func (s *Service) entry(l line, ms []chat.Message) *pb.InboxEntry {
	e := &pb.InboxEntry{Conversation: &pb.Conversation{
		ConversationId: l.ConversationID[:], LastMessageAtMs: l.at.UnixMilli(), LastSeq: l.newest.Seq, ReadSeq: l.read, Unread: l.unread(),
	}}
	for _, m := range ms {
		if s.visible(l.Membership, m) {
			e.Messages = append(e.Messages, wire.MessageToPB(m))
		}
	}
	return e
}

// list returns a part of a user's conversations, those with the newest message first, and says whether more follow.
func (s *Service) list(ctx context.Context, user chat.ID, skip, limit int) (part []line, more bool, err error) {
	memberships, err := s.cfg.Store.Memberships(ctx, user)
	if err != nil {
		return nil, false, err
	}
	memberships = slices.DeleteFunc(memberships, func(m chat.Membership) bool { return m.LeftSeq != 0 })
	all := make([]line, len(memberships))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i, m := range memberships {
		g.Go(func() (err error) { all[i], err = s.lineOf(gctx, user, m); return err })
	}
	if err := g.Wait(); err != nil {
		return nil, false, err
	}
	all = slices.DeleteFunc(all, func(l line) bool { return l.at.IsZero() })
	slices.SortFunc(all, func(a, b line) int { return b.at.Compare(a.at) })
	rest := all[min(max(skip, 0), len(all)):]
	part = rest[:min(max(limit, 0), len(rest))]
	return part, len(rest) > len(part), s.findRead(ctx, user, part)
}

// lineOf asks the conversation what the user's inbox does not know of it. Whose message is the newest has read it, even
// if no cursor says so yet.
func (s *Service) lineOf(ctx context.Context, user chat.ID, m chat.Membership) (l line, err error) {
	head, err := s.newest(ctx, m)
	if err != nil {
		return l, err
	}
	l = line{Membership: m, newest: head.Position, at: order.TicksOfUUID(head.Timestamp).Time()}
	if head.Sender == user {
		l.read = head.Seq
	}
	if head.Seq > 0 {
		return l, nil
	}
	c, err := s.conversation(ctx, m.ConversationID)
	l.at = c.LastMessageAt
	return l, err
}

// newest is the newest place of a conversation, by the user's inbox, which does not know whose it is but what of it was
// read, or by the conversation itself.
func (s *Service) newest(ctx context.Context, m chat.Membership) (cassandra.Head, error) {
	if s.cfg.Switches.Inbox && m.Newest != nil {
		return cassandra.Head{Position: *m.Newest}, nil
	}
	return s.heads.get(ctx, m.ConversationID)
}
