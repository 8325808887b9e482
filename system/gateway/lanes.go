package gateway

import (
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// lanes let frames wait for other services without holding up the reader. Sends to one conversation share a lane and
// go one after the other, so that what a device sends keeps its order even if it does not wait for answers; other
// conversations pass by. A lane, and its goroutine, exists only while something is in it.
type lanes struct {
	mu sync.Mutex
	of map[chat.ID][]arrival // those that wait behind the one under way; the zero key is for frames that are no sends
	n  int                   // frames in all lanes, and under way
}

// arrival is a frame, and when it came by the gateway's clock: who sent it waits since then.
type arrival struct {
	wire.ClientFrame
	at time.Duration
}

// submit puts a frame at the end of its lane, or says that too many wait.
func (s *session) submit(frame wire.ClientFrame) bool {
	f := arrival{frame, s.g.clock()}
	key := f.ConversationID // only sends have one
	l := &s.lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n >= s.g.cfg.Limits.Sends {
		return false
	}
	l.n++
	if waiting, busy := l.of[key]; busy {
		l.of[key] = append(waiting, f)
		return true
	}
	if l.of == nil {
		l.of = map[chat.ID][]arrival{}
	}
	l.of[key] = nil
	s.g.work.Go(func() { s.drive(key, f) })
	return true
}

// drive handles the frames of a lane until it is empty.
func (s *session) drive(key chat.ID, f arrival) {
	for ok := true; ok; f, ok = s.following(key) {
		s.handle(f)
	}
}

// following takes the next frame of a lane. After the end of the connection nothing more is begun: nobody would learn
// how it went, and the device sends again what was not acknowledged.
func (s *session) following(key chat.ID) (f arrival, ok bool) {
	ended := s.ended()
	l := &s.lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n--
	waiting := l.of[key]
	if len(waiting) == 0 || ended {
		l.n -= len(waiting)
		if delete(l.of, key); len(l.of) == 0 {
			l.of = nil
		}
		return f, false
	}
	l.of[key] = waiting[1:]
	return waiting[0], true
}

func (l *lanes) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n > 0
}
