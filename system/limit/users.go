// Package limit holds back those who ask too fast, users or addresses, each by a token bucket of its own, in bounded memory.
package limit

import (
	"container/heap"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/chatlab/chatlab/system/chat"
)

// The limit on sends of one user (document). The burst lets a quiet user use the whole minute at once.
const (
	SendsPerMinute = 60
	SendsBurst     = 60
)

// Config says how much is admitted.
type Config struct {
	PerSecond float64 // tokens that a bucket gains
	Burst     int     // tokens that it holds at most
	MaxUsers  int     // buckets kept at once, whatever they are of; 0: a million, about 200 MB
	Now       func() time.Time
}

// Users are the buckets of users.
type Users = Buckets[chat.ID]

// Buckets is a set of token buckets, one a key. No key is admitted more than Burst + PerSecond x t times within any
// time t, as Now counts it.
//
// The buckets live in this process: who spreads over N pods gets N times as many past them. Of users, message pods hold
// the limit for all pods together, in Redis; these buckets keep floods away from it. Only buckets that are not full are kept, so memory follows those who asked lately, not all. When MaxUsers buckets are in debt a
// new key is refused until one is full again: forgetting a debt would lift the limit for those who send the most.
type Buckets[K comparable] struct {
	cfg Config
	mu  sync.Mutex
	by  map[K]*bucket[K]
	due dueHeap[K] // by when they are full again
}

type bucket[K comparable] struct {
	key     K
	limiter *rate.Limiter
	full    time.Time
	index   int
}

// NewUsers makes full buckets of users.
func NewUsers(cfg Config) *Users { return New[chat.ID](cfg) }

// New makes a set of full buckets.
func New[K comparable](cfg Config) *Buckets[K] {
	if cfg.MaxUsers == 0 {
		cfg.MaxUsers = 1_000_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Buckets[K]{cfg: cfg, by: map[K]*bucket[K]{}}
}

// Sends limits users to the document's 60 messages a minute.
func Sends(now func() time.Time) *Users {
	return NewUsers(Config{PerSecond: SendsPerMinute / 60.0, Burst: SendsBurst, Now: now})
}

// Allow takes a token of the key. If there is none it says after what time there will be one.
func (u *Buckets[K]) Allow(key K) (retryAfter time.Duration, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.cfg.Now()
	u.forgetFull(now)
	b := u.by[key]
	if b == nil {
		if len(u.by) >= u.cfg.MaxUsers {
			return max(u.due[0].full.Sub(now), time.Millisecond), false
		}
		b = u.add(key)
	}
	ok = b.limiter.AllowN(now, 1)
	b.full = now.Add(u.gain(float64(u.cfg.Burst) - b.limiter.TokensAt(now)))
	heap.Fix(&u.due, b.index)
	if !ok {
		retryAfter = max(u.gain(1-b.limiter.TokensAt(now)), time.Millisecond)
	}
	return retryAfter, ok
}

func (u *Buckets[K]) add(key K) *bucket[K] {
	b := &bucket[K]{key: key, limiter: rate.NewLimiter(rate.Limit(u.cfg.PerSecond), u.cfg.Burst)}
	u.by[key] = b
	heap.Push(&u.due, b)
	return b
}

// forgetFull drops buckets that are full again: a new one is the same.
func (u *Buckets[K]) forgetFull(now time.Time) {
	for len(u.due) > 0 && !now.Before(u.due[0].full) {
		delete(u.by, heap.Pop(&u.due).(*bucket[K]).key)
	}
}

// gain is how long a bucket takes to gain so many tokens, rounded up.
func (u *Buckets[K]) gain(tokens float64) time.Duration {
	return time.Duration(tokens/u.cfg.PerSecond*float64(time.Second)) + time.Nanosecond
}

// Len returns how many buckets are kept.
func (u *Buckets[K]) Len() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.by)
}

// dueHeap has the bucket that is full first on top.
type dueHeap[K comparable] []*bucket[K]

func (h dueHeap[K]) Len() int           { return len(h) }
func (h dueHeap[K]) Less(i, j int) bool { return h[i].full.Before(h[j].full) }
func (h dueHeap[K]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap[K]) Push(x any) {
	b := x.(*bucket[K])
	b.index = len(*h)
	*h = append(*h, b)
}

func (h *dueHeap[K]) Pop() any {
	last := len(*h) - 1
	b := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return b
}
