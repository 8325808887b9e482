package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	typingEvery = 3 * time.Second // one of a user and conversation passes
	maxTyping   = 10_000          // users and conversations remembered
	typingCalls = 64              // at one time
)

// typing lets few frames through and drops the others without a word: it is the one thing that may be lost, since the
// next key stroke says it again.
type typing struct {
	mu     sync.Mutex
	passed map[typist]time.Duration // clock of the last one that passed
	calls  chan struct{}            // a slot for each under way
}

type typist struct{ user, conversation chat.ID }

func (t *typing) init() {
	t.passed, t.calls = map[typist]time.Duration{}, make(chan struct{}, typingCalls)
}

// pass says whether this frame goes on.
func (t *typing) pass(k typist, now time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, known := t.passed[k]; known && now-last < typingEvery {
		return false
	}
	if len(t.passed) >= maxTyping {
		for other, last := range t.passed {
			if now-last >= typingEvery {
				delete(t.passed, other)
			}
		}
		if len(t.passed) >= maxTyping {
			return false
		}
	}
	t.passed[k] = now
	return true
}

// types tells the message service that the user types. A stranger is told; any other failure is a drop.
func (s *session) types(conversation chat.ID) {
	t := &s.g.typing
	if !t.pass(typist{s.user, conversation}, s.g.clock()) {
		return
	}
	select {
	case t.calls <- struct{}{}:
	default:
		return
	}
	s.g.work.Go(func() {
		defer func() { <-t.calls }()
		ctx, cancel := context.WithTimeout(s.g.ctx, s.g.cfg.Limits.Call)
		defer cancel()
		_, err := s.g.cfg.MessagesFor(conversation).Typing(ctx, &pb.TypingRequest{ConversationId: conversation[:], UserId: s.user[:], Device: s.device})
		if err == nil {
			return
		}
		if refusal := transport.Refusal(err); refusal.Code == chat.CodeNotMember {
			s.refuse(refusal, chat.ID{})
		}
	})
}

// social handles frames about reading and typing, for which the reader need not wait, and says whether f was one.
func (s *session) social(f wire.ClientFrame) bool {
	p := chat.Position{ConversationID: f.ConversationID, Seq: f.Seq, Timestamp: f.Timestamp}
	switch f.Type {
	case wire.TypeReceived:
		s.note(chat.Delivered, p)
	case wire.TypeRead, wire.TypeTyping:
		switch {
		case !s.g.cfg.Switches.Receipts:
			s.refuse(chat.Errorf(chat.CodeUnavailable, "receipts are switched off"), chat.ID{})
		case f.Type == wire.TypeRead:
			s.note(chat.Read, p)
		default:
			s.types(f.ConversationID)
		}
	default:
		return false
	}
	return true
}
