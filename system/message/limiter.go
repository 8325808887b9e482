package message

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
)

// groupLimiter lets each conversation have so many messages a second. What is over waits in a queue that is bounded in
// entries and in time; past either bound, or when a turn would come too late for the log write to have its full time, the
// sender is refused and told when to come back.
//
// At 100 messages/s offered and 10/s let through, a queue without bound grows by 90 a second.
type groupLimiter struct {
	perSecond float64 // 0: no limit
	queue     int
	maxWait   time.Duration
	queued    func(delta float64)

	mu     sync.Mutex
	groups map[chat.ID]*group
}

type group struct {
	rate   *rate.Limiter
	queued int
	told   time.Time
}

// maxGroups bounds the memory; past it, groups that nobody waits for start afresh.
const maxGroups = 100_000

func newGroupLimiter(perSecond float64, queue int, maxWait time.Duration, queued func(float64)) *groupLimiter {
	return &groupLimiter{perSecond: perSecond, queue: queue, maxWait: maxWait, queued: queued, groups: map[chat.ID]*group{}}
}

func (l *groupLimiter) group(id chat.ID) *group {
	g, ok := l.groups[id]
	if !ok {
		if len(l.groups) >= maxGroups {
			l.dropIdle()
		}
		g = &group{rate: rate.NewLimiter(rate.Limit(l.perSecond), max(1, int(l.perSecond)))}
		l.groups[id] = g
	}
	return g
}

func (l *groupLimiter) dropIdle() {
	for id, g := range l.groups {
		if g.queued == 0 {
			delete(l.groups, id)
		}
	}
}

// wait returns nil when it is the sender's turn.
func (l *groupLimiter) wait(ctx context.Context, id chat.ID) error {
	if l.perSecond == 0 {
		return nil
	}
	turn, err := l.reserve(id, min(l.maxWait, max(0, resilience.LogWrite.Spare(ctx))))
	if err != nil || turn == 0 {
		return err
	}
	l.queued(1)
	defer l.leave(id)
	t := time.NewTimer(turn)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return chat.Errorf(chat.CodeUnavailable, "the sender went away before its turn").After(turn)
	}
}

// reserve takes the next turn, or refuses when that comes after more than within.
func (l *groupLimiter) reserve(id chat.ID, within time.Duration) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.group(id)
	r := g.rate.Reserve()
	turn := r.Delay()
	if turn > within || turn > 0 && g.queued >= l.queue {
		r.Cancel()
		return 0, chat.Errorf(chat.CodeGroupLimit, "this group takes %g messages a second and %d wait already", l.perSecond, g.queued).After(max(turn, time.Second))
	}
	if turn > 0 {
		g.queued++
	}
	return turn, nil
}

func (l *groupLimiter) leave(id chat.ID) {
	l.mu.Lock()
	l.group(id).queued--
	l.mu.Unlock()
	l.queued(-1)
}

// longest is the length of the longest queue of any group now.
func (l *groupLimiter) longest() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.groups {
		n = max(n, g.queued)
	}
	return n
}

// tellNow says whether the group's members are to be told of throttling, at most once in every.
func (l *groupLimiter) tellNow(id chat.ID, every time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.group(id)
	if time.Since(g.told) < every {
		return false
	}
	g.told = time.Now()
	return true
}
