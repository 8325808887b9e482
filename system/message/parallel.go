package message

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
)

// parallel is the document's three writes made honest: a send is acknowledged when both durable ones are done, the
// cache is written beside them and never decides, and every error says that the outcome is unknown. A retry names the
// same message, so workers, readers and devices take the two for one.
//
// What it does not promise: places are by the pods' clocks, and what one pod writes late stands before what another
// wrote early; a retry that another pod takes has a second row, in which only readers see the first.
type parallel struct{ cfg Config }

func (w parallel) write(ctx context.Context, m chat.Message, members []chat.ID) error {
	go w.cache(context.WithoutCancel(ctx), m)
	var g errgroup.Group // not one that ends a write because the other failed: each that is done helps the retry
	g.Go(func() error { return w.cfg.Store.Insert(ctx, m) })
	g.Go(func() error { return produce(ctx, w.cfg.Log, wire.RecordOf(m)) })
	if err := g.Wait(); err != nil {
		w.cfg.Logger.WarnContext(ctx, "write in parallel", "message_id", m.ID, "error", err)
		return chat.Errorf(chat.CodeUnknownOutcome, "not both durable writes were confirmed").After(200 * time.Millisecond)
	}
	return nil
}

// cache bounds its write: nobody waits for it.
func (w parallel) cache(ctx context.Context, m chat.Message) {
	ctx, cancel := context.WithTimeout(ctx, resilience.FanoutCache.Timeout())
	defer cancel()
	if err := w.cfg.Cache.Add(ctx, m.ConversationID, m); err != nil {
		w.cfg.Logger.DebugContext(ctx, "write to cache", "message_id", m.ID, "error", err)
	}
}

// maxStamps bounds how many messages a pod remembers the times of.
const maxStamps = 20_000

// stamp is what a pod's clock says of a message: a retry to the same pod gets the same.
type stamp struct {
	timestamp chat.ID
	at        time.Time
}

// identify names a message and, where the pods' clocks decide, says when it was.
func (s *Service) identify(m chat.Message) chat.Message {
	m.ID = chat.MessageID(m.SenderID, m.ClientMsgID)
	switch s.cfg.Switches.WritePath {
	case chat.WriteNaive:
		m.ID = chat.NewID() // the document's: a retry makes another message
		m.Place.Timestamp = clockTimeUUID(m)
	case chat.WriteParallel:
		first, _ := s.stamps.Keep(m.ID, stamp{clockTimeUUID(m), m.CreatedAt})
		m.Place.Timestamp, m.CreatedAt = first.timestamp, first.at
	}
	return m
}
