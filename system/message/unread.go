package message

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/redis"
)

// findRead notes up to where the user has read: by the user's inbox, or by the cursors.
func (s *Service) findRead(ctx context.Context, user chat.ID, lines []line) error {
	var ask []chat.ID
	for i, l := range lines {
		if s.cfg.Switches.Inbox && l.ReadSeq != nil {
			lines[i].read = max(l.read, *l.ReadSeq)
		} else {
			ask = append(ask, l.ConversationID)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	read, err := s.readSeqs(ctx, user, ask)
	for i, l := range lines {
		if seq, ok := read[l.ConversationID]; ok {
			lines[i].read = max(l.read, seq)
		}
	}
	return err
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
