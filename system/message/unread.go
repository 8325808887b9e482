package message

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// countUnread completes a page of a user's conversations: the places that the user may see above those read. Where
// messages have no seq it counts nothing.
func (s *Service) countUnread(ctx context.Context, user chat.ID, ms []chat.Membership, page []*pb.Conversation) error {
	member := make(map[chat.ID]chat.Membership, len(ms))
	for _, m := range ms {
		member[m.ConversationID] = m
	}
	convs := make([]chat.ID, len(page))
	for i, c := range page {
		convs[i] = wire.ID(c.ConversationId)
	}
	read, err := s.readSeqs(ctx, user, convs)
	if err != nil {
		return err
	}
	for i, c := range page {
		m := member[convs[i]]
		visible := c.LastSeq
		if m.LeftSeq != 0 {
			visible = min(visible, m.LeftSeq)
		}
		c.ReadSeq = max(c.ReadSeq, read[convs[i]])
		c.Unread = max(0, visible-max(c.ReadSeq, m.JoinedSeq))
	}
	return nil
}

// readSeqs asks the cache, and storage for what the cache does not have or cannot say.
func (s *Service) readSeqs(ctx context.Context, user chat.ID, convs []chat.ID) (map[chat.ID]int64, error) {
	read, err := s.cfg.Reads.Of(ctx, user, convs)
	if err != nil {
		s.cfg.Logger.Debug("read cached reads", "user", user, "error", err)
		read = map[chat.ID]int64{}
	}
	var missing []chat.ID
	for _, c := range convs {
		if _, ok := read[c]; !ok {
			missing = append(missing, c)
		}
	}
	seqs := make([]int64, len(missing))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i, c := range missing {
		g.Go(func() (err error) { seqs[i], err = s.readSeq(gctx, user, c); return err })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	marks := make([]redis.ReadMark, len(missing))
	for i, c := range missing {
		read[c] = seqs[i]
		marks[i] = redis.ReadMark{User: user, Conversation: c, Seq: seqs[i]}
	}
	if err := s.cfg.Reads.Raise(ctx, marks...); err != nil {
		s.cfg.Logger.Debug("cache reads", "user", user, "error", err)
	}
	return read, nil
}

// readSeq is the furthest of the user's devices.
func (s *Service) readSeq(ctx context.Context, user, conv chat.ID) (seq int64, err error) {
	cursors, err := s.cfg.Store.UserCursors(ctx, conv, user)
	for _, c := range cursors {
		if c.Kind == chat.Read {
			seq = max(seq, c.Seq)
		}
	}
	return seq, err
}
