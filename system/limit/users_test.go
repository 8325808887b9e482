package limit

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)} }

func user(n int) (id chat.ID) { id[15] = byte(n); id[14] = byte(n >> 8); return id }

func TestABurstThenTheRate(t *testing.T) {
	c := newClock()
	u := Sends(c.Now)
	for i := range SendsBurst {
		_, ok := u.Allow(user(1))
		require.True(t, ok, i)
	}
	after, ok := u.Allow(user(1))
	require.False(t, ok)
	assert.InDelta(t, time.Second, after, float64(time.Millisecond))

	_, ok = u.Allow(user(2))
	assert.True(t, ok, "another user is not held back")

	c.now = c.now.Add(after)
	_, ok = u.Allow(user(1))
	assert.True(t, ok, "after the time it said")
	_, ok = u.Allow(user(1))
	assert.False(t, ok)
}

func TestMemoryFollowsThoseWhoSentLately(t *testing.T) {
	c := newClock()
	u := NewUsers(Config{PerSecond: 1, Burst: 10, MaxUsers: 100, Now: c.Now})
	for i := range 1000 {
		_, ok := u.Allow(user(i))
		require.True(t, ok)
		c.now = c.now.Add(20 * time.Millisecond)
		require.LessOrEqual(t, u.Len(), 51)
	}
	c.now = c.now.Add(time.Minute)
	u.Allow(user(1))
	assert.Equal(t, 1, u.Len())
}

func TestFullOfDebtorsRefusesNewUsers(t *testing.T) {
	c := newClock()
	u := NewUsers(Config{PerSecond: 1, Burst: 3, MaxUsers: 2, Now: c.Now})
	for range 3 {
		u.Allow(user(1))
	}
	u.Allow(user(2))
	after, ok := u.Allow(user(3))
	require.False(t, ok)
	assert.InDelta(t, time.Second, after, float64(time.Millisecond), "when the first bucket is full again")
	_, ok = u.Allow(user(2))
	assert.True(t, ok, "known users go on")
	c.now = c.now.Add(2*time.Second + time.Millisecond)
	_, ok = u.Allow(user(3))
	assert.True(t, ok)
}

func TestAClockThatGoesBackHoldsNobodyForLong(t *testing.T) {
	c := newClock()
	u := NewUsers(Config{PerSecond: 1, Burst: 1, Now: c.Now})
	u.Allow(user(1))
	c.now = c.now.Add(-time.Hour)
	after, ok := u.Allow(user(1))
	require.False(t, ok)
	assert.LessOrEqual(t, after, time.Second+time.Millisecond)
}

// Within any window no user is admitted more than burst + rate x t times, whoever else sends and whatever is
// forgotten; who waits as long as told is admitted.
func TestNeverMoreThanBurstPlusRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		perSecond := rapid.Float64Range(0.1, 50).Draw(t, "rate")
		burst := rapid.IntRange(1, 20).Draw(t, "burst")
		limit := rapid.IntRange(1, 6).Draw(t, "max users")
		u := NewUsers(Config{PerSecond: perSecond, Burst: burst, MaxUsers: limit, Now: c.Now})
		admitted := map[int][]time.Time{}
		for i := range rapid.IntRange(1, 200).Draw(t, "steps") {
			who := rapid.IntRange(0, 7).Draw(t, "user")
			known := u.by[user(who)] != nil
			after, ok := u.Allow(user(who))
			switch {
			case ok:
				admitted[who] = append(admitted[who], c.now)
				assertWindows(t, admitted[who], perSecond, burst)
			case after <= 0:
				t.Fatalf("step %d: refused without a time", i)
			case known && rapid.Bool().Draw(t, "wait"):
				c.now = c.now.Add(after)
				if _, ok := u.Allow(user(who)); !ok {
					t.Fatalf("step %d: refused after the %s it was told", i, after)
				}
				admitted[who] = append(admitted[who], c.now)
				assertWindows(t, admitted[who], perSecond, burst)
			}
			if u.Len() > limit {
				t.Fatalf("%d buckets: at most %d", u.Len(), limit)
			}
			c.now = c.now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "pause")) / time.Duration(perSecond+1))
		}
	})
}

// assertWindows checks every window that ends with the newest admission.
func assertWindows(t *rapid.T, at []time.Time, perSecond float64, burst int) {
	last := at[len(at)-1]
	for i, from := range at {
		n, most := len(at)-i, float64(burst)+perSecond*last.Sub(from).Seconds()
		if float64(n) > most+1e-6 {
			t.Fatalf("%d admitted within %s: at most %.3f", n, last.Sub(from), most)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	c := newClock()
	u := NewUsers(Config{PerSecond: 1, Burst: 100, Now: c.Now})
	var wg sync.WaitGroup
	var mu sync.Mutex
	admitted := 0
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				if _, ok := u.Allow(user(i % 2)); ok {
					mu.Lock()
					admitted++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 200, admitted)
}

func BenchmarkAllow(b *testing.B) {
	for _, users := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(users), func(b *testing.B) {
			u := Sends(nil)
			ids := make([]chat.ID, users)
			for i := range ids {
				ids[i] = chat.NewID()
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				u.Allow(ids[i%users])
				i++
			}
		})
	}
}
