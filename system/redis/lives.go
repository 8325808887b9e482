package redis

import (
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

const (
	// readWithin is how long a read of storage may take from Newest to Fill.
	readWithin = 10 * time.Second
	// maxLives bounds the memory to about 10 MB; past it, nobody fills for readWithin.
	maxLives = 100_000
)

// lives remembers which life of a cached conversation this process's readers saw when they missed.
//
// A cached conversation lives from its first member to its end: dropped, evicted, expired or lost with its Redis. What
// a reader took from storage during one life must not enter the next, which may lack a message that was added, and
// ended, in between. While readers of two lives may be at work nobody fills.
type lives struct {
	now   func() time.Time
	mu    sync.Mutex
	by    map[chat.ID]life
	blind time.Time // until then readers may be at work who are not in by
	swept time.Time
}

type life struct {
	mark  string
	alone time.Time // from then on only readers of this life are at work
	until time.Time // and until then some may be
}

func newLives() *lives { return &lives{now: time.Now, by: map[chat.ID]life{}} }

// saw notes the life in which a reader misses a message; none if it could not learn it.
func (l *lives) saw(conv chat.ID, mark string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	seen, ok := l.by[conv]
	if !ok && !l.room(now) {
		l.blind = now.Add(readWithin)
		return
	}
	if ok && seen.mark != mark || mark == "" {
		seen.alone = now.Add(readWithin)
	}
	l.by[conv] = life{mark, seen.alone, now.Add(readWithin)}
}

// of returns the life that all readers at work saw.
func (l *lives) of(conv chat.ID) (mark string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen, ok := l.by[conv]
	now := l.now()
	return seen.mark, ok && !now.Before(seen.alone) && !now.Before(l.blind)
}

// room says whether one more fits; what no reader needs is forgotten, at most once a second.
func (l *lives) room(now time.Time) bool {
	if len(l.by) >= maxLives && now.Sub(l.swept) >= time.Second {
		l.swept = now
		for conv, seen := range l.by {
			if now.After(seen.until) {
				delete(l.by, conv)
			}
		}
	}
	return len(l.by) < maxLives
}
