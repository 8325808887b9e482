package message

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// maxAdvance bounds the cursors of one call.
const maxAdvance = 1000

// claim is what somebody says about a cursor, and its index in the call.
type claim struct {
	index int32
	chat.Cursor
}

// Advance moves cursors forward. Each conversation is done with by itself: what cannot be stored now, or only in part,
// is named, and all else stands. The same again changes nothing.
func (s *Service) Advance(ctx context.Context, req *pb.AdvanceRequest) (*pb.AdvanceResponse, error) {
	switch {
	case !s.cfg.Switches.Receipts:
		return nil, receiptsOff()
	case len(req.Cursors) > maxAdvance:
		return nil, chat.Errorf(chat.CodeTooLarge, "%d cursors: at most %d in a call", len(req.Cursors), maxAdvance)
	}
	byConv := map[chat.ID][]claim{}
	for i, p := range req.Cursors {
		c := claim{int32(i), wire.CursorFromPB(p)}
		if c.Kind != chat.Delivered && c.Kind != chat.Read || len(c.Device) > chat.MaxDeviceName {
			return nil, chat.Errorf(chat.CodeBadRequest, "cursor %d has no kind or a bad device", i)
		}
		byConv[c.ConversationID] = append(byConv[c.ConversationID], c)
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	g := errgroup.Group{}
	g.SetLimit(16)
	var mu sync.Mutex
	res := &pb.AdvanceResponse{}
	for conv, claims := range byConv {
		g.Go(func() error {
			refused, later := s.advance(ctx, conv, claims)
			mu.Lock()
			defer mu.Unlock()
			res.Refused, res.Later = append(res.Refused, refused...), append(res.Later, later...)
			return nil
		})
	}
	_ = g.Wait() // none of them fails: their answers say it
	return res, nil
}

// inTime leaves the last quarter of a call's time for its answer. One that comes after the caller has given up says nothing
// of what was done: all of it would be sent again, a pod that is slow because it has much to do would do it again, and that
// would never end.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/4))
}

func receiptsOff() error {
	return chat.Errorf(chat.CodeUnavailable, "receipts are switched off")
}

// advance moves cursors in one conversation and returns the indexes of those of strangers, and of those to send again.
func (s *Service) advance(ctx context.Context, conv chat.ID, claims []claim) (refused, later []int32) {
	c, err := s.conversation(ctx, conv)
	if err != nil {
		return nil, indexes(claims)
	}
	refused = indexes(slices.DeleteFunc(slices.Clone(claims), func(c1 claim) bool { return c.Has(c1.User) }))
	claims = slices.DeleteFunc(claims, func(c1 claim) bool { return !c.Has(c1.User) })
	if len(claims) == 0 {
		return refused, nil
	}
	stand, short, err := s.ground(ctx, c, claims)
	if err == nil {
		err = s.keep(ctx, conv, stand)
	}
	if err != nil {
		s.cfg.Logger.Warn("advance cursors", "conversation_id", conv, "cursors", len(claims), "error", err)
		return refused, indexes(claims)
	}
	return refused, short
}

func indexes(claims []claim) []int32 {
	out := make([]int32, len(claims))
	for i, c := range claims {
		out[i] = c.index
	}
	return out
}

// keep stores cursors and tells of them. The table comes first: who reads a record finds at least that in the table.
// The cache of reads does not matter: what it lacks, it forgets.
func (s *Service) keep(ctx context.Context, conv chat.ID, cursors []chat.Cursor) error {
	if len(cursors) == 0 {
		return nil
	}
	if err := s.cfg.Store.Advance(ctx, cursors); err != nil {
		return err
	}
	var marks []redis.ReadMark
	for _, c := range cursors {
		if c.Kind == chat.Read && c.Seq > 0 {
			if s.cfg.Switches.Inbox && !forgets(s.cfg.Switches.Mutant) {
				if err := s.cfg.Store.SetRead(ctx, c); err != nil {
					return err
				}
			}
			marks = append(marks, redis.ReadMark{User: c.User, Conversation: conv, Seq: c.Seq})
		}
	}
	if err := s.cfg.Reads.Raise(ctx, marks...); err != nil {
		s.cfg.Logger.Debug("cache reads", "conversation_id", conv, "error", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, kind := range []string{chat.Delivered, chat.Read} {
		if r := s.receipt(conv, kind, cursors); len(r.Recipients) > 0 {
			g.Go(func() error { return s.tell(ctx, r) })
		}
	}
	return g.Wait()
}

func (s *Service) receipt(conv chat.ID, kind string, cursors []chat.Cursor) wire.ReceiptRecord {
	r := wire.ReceiptRecord{ConversationID: conv, Status: kind, Timestamp: s.cfg.Now().UTC()}
	for _, c := range cursors {
		if c.Kind == kind {
			r.Recipients = append(r.Recipients, wire.ReceiptCursor{RecipientID: c.User, Device: c.Device, Seq: c.Seq, Place: c.Timestamp})
		}
	}
	return r
}

func (s *Service) tell(ctx context.Context, r wire.ReceiptRecord) error {
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode receipt: %w", err)
	}
	return s.cfg.Receipts.Write(ctx, r.Key(), value)
}

// maxReceiptPlaces bounds the places of one question.
const maxReceiptPlaces = 100

// cursorTTL is how long a pod answers from the cursors that it read.
const cursorTTL = time.Second

// Receipts counts the other members who have reached places.
func (s *Service) Receipts(ctx context.Context, req *pb.ReceiptsRequest) (*pb.ReceiptsResponse, error) {
	user, conv := wire.ID(req.UserId), wire.ID(req.ConversationId)
	if n := len(req.Seqs); n == 0 || n > maxReceiptPlaces || slices.Min(req.Seqs) < 1 {
		return nil, chat.Errorf(chat.CodeBadRequest, "ask about 1 to %d places, counted from 1", maxReceiptPlaces)
	}
	c, err := s.membersFor(ctx, user, conv)
	if err != nil {
		return nil, err
	}
	progress, err := s.progress.get(ctx, conv)
	if err != nil {
		return nil, unavailable(err)
	}
	counter := progress.Counter(c.Members)
	res := &pb.ReceiptsResponse{Members: int32(counter.Members(user))}
	for _, seq := range req.Seqs {
		delivered, read := counter.At(seq, user)
		res.Counts = append(res.Counts, &pb.ReceiptCount{Seq: seq, Delivered: int32(delivered), Read: int32(read)})
	}
	return res, nil
}

func (s *Service) loadProgress(ctx context.Context, conv chat.ID) (chat.Progress, error) {
	cursors, err := s.cfg.Store.Cursors(ctx, conv)
	p := chat.Progress{}
	for _, c := range cursors {
		p.Note(c)
	}
	return p, err
}

// Typing tells the other members of a small conversation; in a bigger one nobody is told, by rule.
func (s *Service) Typing(ctx context.Context, req *pb.TypingRequest) (*pb.TypingResponse, error) {
	if !s.cfg.Switches.Receipts {
		return nil, receiptsOff()
	}
	user, conv := wire.ID(req.UserId), wire.ID(req.ConversationId)
	c, err := s.membersFor(ctx, user, conv)
	if err != nil || len(c.Members) > chat.MaxSocialGroup {
		return &pb.TypingResponse{}, err
	}
	return &pb.TypingResponse{}, s.tell(ctx, wire.ReceiptRecord{
		ConversationID: conv, Status: wire.StatusTyping, Timestamp: s.cfg.Now().UTC(),
		Recipients: []wire.ReceiptCursor{{RecipientID: user, Device: req.Device}},
	})
}
