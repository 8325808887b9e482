package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/chaos/relay"
)

// world is a fake that records what is done to it, with the virtual time.
type world struct {
	links     []*relay.Link
	gauge     func() (float64, error)
	available func(chaos.Fault) error
	healthy   error
	slow      bool
	fail      map[string]int // how often an action still fails

	mu      sync.Mutex
	began   time.Time
	trace   []string
	running map[string]bool
	events  []chaos.Event
}

func newWorld() *world {
	return &world{began: time.Now(), running: map[string]bool{"gateway-1": true, "message-1": true}, fail: map[string]int{}}
}

func (w *world) did(what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail[what] > 0 {
		w.fail[what]--
		return errors.New(what + " failed")
	}
	w.trace = append(w.trace, fmt.Sprintf("%v %s", time.Since(w.began), what))
	return nil
}

func (w *world) Kill(_ context.Context, name string) error {
	w.mu.Lock()
	running := w.running[name]
	w.running[name] = false
	w.mu.Unlock()
	if !running {
		return errors.New("no such pod runs")
	}
	return w.did("kill " + name)
}

func (w *world) Start(_ context.Context, name string) error {
	w.mu.Lock()
	running := w.running[name]
	w.running[name] = true
	w.mu.Unlock()
	if running {
		return nil
	}
	return w.did("start " + name)
}

func (w *world) Drain(_ context.Context, name string, over time.Duration) error {
	return w.did(fmt.Sprintf("drain %s over %s", name, over))
}

func (w *world) Stop(_ context.Context, name string) error {
	w.mu.Lock()
	w.running[name] = false
	w.mu.Unlock()
	return w.did("stop " + name)
}

// Freeze of a world that is slow does not get done.
func (w *world) Freeze(ctx context.Context, name string) error {
	if w.slow {
		<-ctx.Done()
		return ctx.Err()
	}
	return w.did("freeze " + name)
}

func (w *world) Thaw(_ context.Context, name string) error { return w.did("thaw " + name) }

func (w *world) Links(from, to string) (found []*relay.Link) {
	for _, l := range w.links {
		a, _ := path.Match(from, l.From)
		b, _ := path.Match(to, l.To)
		if a && b {
			found = append(found, l)
		}
	}
	return found
}

func (w *world) Wires(from, to string) (found []chaos.Wire) {
	for _, ends := range [][2]string{{"kafka-1", "kafka-2"}, {"kafka-2", "kafka-1"}, {"kafka-1", "kafka-3"}, {"kafka-3", "kafka-1"}} {
		a, _ := path.Match(from, ends[0])
		b, _ := path.Match(to, ends[1])
		if a && b && from != "*" && to != "*" {
			way := ends[0] + "->" + ends[1]
			found = append(found, chaos.Wire{
				From: ends[0], To: ends[1],
				Cut:  func(context.Context) error { return w.did("cut " + way) },
				Mend: func(context.Context) error { return w.did("mend " + way) },
			})
		}
	}
	return found
}

func (w *world) Skew(_ context.Context, name string, by time.Duration) error {
	return w.did(fmt.Sprintf("skew %s %s", name, by))
}

func (w *world) Limit(_ context.Context, name string, bytes int64, killed func(int64)) error {
	if bytes > 0 && bytes < 1<<20 { // it holds more
		w.mu.Lock()
		w.running[name] = false
		w.mu.Unlock()
		killed(1 << 20)
	}
	return w.did(fmt.Sprintf("limit %s %d", name, bytes))
}

func (w *world) Evict(_ context.Context, name string, percent int) error {
	return w.did(fmt.Sprintf("evict %s %d", name, percent))
}

// Probe fails a given number of times.
func (w *world) Probe(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail["probe "+name] > 0 {
		w.fail["probe "+name]--
		return errors.New(name + " does not work")
	}
	return nil
}

func (w *world) Available(f chaos.Fault) error {
	if w.available == nil {
		return nil
	}
	return w.available(f)
}

func (w *world) Healthy(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return w.healthy
}

func (w *world) observe(e chaos.Event) { w.events = append(w.events, e) }

// lab hears events and measures lag alone.
func (w *world) lab() chaos.Lab {
	return chaos.Lab{Observe: w.observe, Gauges: map[string]func(context.Context) (float64, error){
		"lag": func(context.Context) (float64, error) { return w.gauge() },
	}}
}

func lab(observe func(chaos.Event)) chaos.Lab { return chaos.Lab{Observe: observe} }

func (w *world) told() (lines []string) {
	for _, e := range w.events {
		lines = append(lines, fmt.Sprintf("%s %s", e.Kind, e.Text))
	}
	return lines
}

func parse(t *testing.T, text string) chaos.Schedule {
	s, err := chaos.Parse(text)
	require.NoError(t, err)
	return s
}

func TestFaultsBeginAndEndAtTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		require.NoError(t, chaos.Run(t.Context(), parse(t, "at 2s kill gateway-1 for 3s\nat 1s freeze message-1 for 10s"), w, w.lab()))
		require.Equal(t, []string{"1s freeze message-1", "2s kill gateway-1", "5s start gateway-1", "11s thaw message-1"}, w.trace)
		require.Equal(t, []string{"begun freeze message-1", "begun kill gateway-1", "ended kill gateway-1", "healed kill gateway-1", "ended freeze message-1", "healed freeze message-1"}, w.told())
	})
}

func TestRestartBringsTheDeadBackAndKillsTheLivingFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		require.NoError(t, chaos.Run(ctx, parse(t, "at 1s kill gateway-1\nat 2s restart gateway-1\nat 3s restart message-1"), w, w.lab()))
		require.Equal(t, []string{"1s kill gateway-1", "2s start gateway-1", "3s kill message-1", "3s start message-1"}, w.trace)
		require.Equal(t, []string{"ended kill gateway-1", "healed kill gateway-1"}, w.told()[7:], "the kill ends with the run, but there is nothing left to do")
	})
}

func TestDrainReplacesThePodWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail["stop gateway-1"] = 1
		require.NoError(t, chaos.Run(t.Context(), parse(t, "at 1s drain gateway-1 over 5s"), w, w.lab()))
		require.Equal(t, []string{"1s drain gateway-1 over 5s", "6.2s stop gateway-1", "6.2s start gateway-1"}, w.trace)
		require.Equal(t, []string{"begun drain gateway-1 over 5s", "ended drain gateway-1 over 5s", "healed drain gateway-1 over 5s"}, w.told())

		w = newWorld()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		require.NoError(t, chaos.Run(ctx, parse(t, "at 1s drain gateway-1 over 5s"), w, w.lab()))
		require.Equal(t, []string{"1s drain gateway-1 over 5s", "2s stop gateway-1", "2s start gateway-1"}, w.trace, "the end of the run does not wait for it")
	})
}

func TestGateOpensWhenItsGaugePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.gauge = func() (float64, error) { return time.Since(w.began).Seconds() * 100, nil }
		require.NoError(t, chaos.Run(t.Context(), parse(t, "when lag > 95 freeze message-1 for 1s"), w, w.lab()))
		require.Equal(t, []string{"1s freeze message-1", "2s thaw message-1"}, w.trace)
	})
}

func TestEndOfTheRunUndoesWhatIsOpenAndTellsWhatNeverBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.gauge = func() (float64, error) { return 12, nil }
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		require.NoError(t, chaos.Run(ctx, parse(t, "at 1s kill gateway-1\nat 9s kill message-1\nwhen lag > 100 freeze message-1"), w, w.lab()))
		require.Equal(t, []string{"1s kill gateway-1", "3s start gateway-1"}, w.trace)
		told := w.told()
		slices.Sort(told)
		require.Equal(t, []string{
			"begun kill gateway-1", "ended kill gateway-1", "healed kill gateway-1",
			"refused freeze message-1: never began: lag was 12 at last", "refused kill message-1: never began: the run ended before",
		}, told)
	})
}

// A real broker takes seconds to stop, and who is to be frozen meanwhile waits for it, maybe until the run ends.
func TestFaultThatDoesNotBeginBeforeTheEndIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.slow = true
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		require.NoError(t, chaos.Run(ctx, parse(t, "at 1s freeze message-1 for 5s"), w, w.lab()))
		require.Equal(t, []string{"refused freeze message-1: never began: the run ended before"}, w.told())
		require.Empty(t, w.trace)
	})
}

func TestPanicOfTheObserverUndoesAndIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		err := chaos.Run(t.Context(), parse(t, "at 1s kill gateway-1 for 3s\nat 2s freeze message-1 for 1s"), w, lab(func(e chaos.Event) {
			if e.Text == "kill gateway-1" {
				panic("observer is broken")
			}
		}))
		require.ErrorContains(t, err, "observer is broken")
		require.Equal(t, []string{"1s kill gateway-1", "1s start gateway-1", "2s freeze message-1", "3s thaw message-1"}, w.trace)
	})
}

func TestFailedUndoIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail["thaw message-1"] = 3
		require.NoError(t, chaos.Run(t.Context(), parse(t, "at 1s freeze message-1 for 1s"), w, w.lab()))
		require.Equal(t, []string{"1s freeze message-1", "2.6s thaw message-1"}, w.trace)

		w.fail["thaw message-1"] = 1000
		require.ErrorContains(t, chaos.Run(t.Context(), parse(t, "at 1s freeze message-1 for 1s"), w, w.lab()), "end freeze message-1: thaw message-1 failed")
	})
}

func TestFaultThatCannotBeginDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		err := chaos.Run(t.Context(), parse(t, "at 1s kill nobody\nat 2s freeze message-1 for 1s"), w, w.lab())
		require.EqualError(t, err, "begin kill nobody: no such pod runs")
		require.Equal(t, []string{"2s freeze message-1", "3s thaw message-1"}, w.trace)
	})
}

func TestScheduleThatIsNotAvailableIsRefusedAsAWhole(t *testing.T) {
	w := newWorld()
	w.available = func(f chaos.Fault) error {
		if kill, ok := f.(chaos.Kill); ok && kill.Name == "kafka-1" {
			return errors.New("needs containers")
		}
		return nil
	}
	err := chaos.Run(t.Context(), parse(t, "at 0s kill gateway-1\nat 0s kill kafka-1\nat 0s cut a<->b\nwhen sends > 1 kill gateway-1"), w, w.lab())
	require.EqualError(t, err, "refuse kill kafka-1: needs containers\nrefuse cut a<->b: no link between a and b\nrefuse kill gateway-1: nobody measures sends here")
	require.Empty(t, w.trace)
	require.Empty(t, w.told(), "the error says it, and there is no run to tell it to")
}

func TestHealIsProved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.healthy = errors.New("message-1 is not ready")
		require.EqualError(t, chaos.Run(t.Context(), parse(t, "at 0s kill gateway-1 for 1s"), w, w.lab()), "prove heal: message-1 is not ready")
		require.Equal(t, "healed kill gateway-1", w.told()[2])
	})
}

func TestWhatAFaultBrokeIsProbedUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail["probe gateway-1"] = 4
		healed := time.Duration(0)
		observe := lab(func(e chaos.Event) {
			if e.Kind == chaos.Healed {
				healed = time.Since(w.began)
			}
		})
		require.NoError(t, chaos.Run(t.Context(), parse(t, "at 0s kill gateway-1 for 1s"), w, observe))
		require.Equal(t, 1200*time.Millisecond, healed, "50 ms pass between two probes")

		w.fail["probe gateway-1"] = 10_000
		err := chaos.Run(t.Context(), parse(t, "at 0s evict gateway-1 10%"), w, w.lab())
		require.EqualError(t, err, "prove heal of evict gateway-1 10%: gateway-1 does not work")
		require.Equal(t, []string{"begun evict gateway-1 10%", "ended evict gateway-1 10%"}, w.told())
	})
}

func TestEmptyScheduleWaits(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.NoError(t, chaos.Run(ctx, nil, newWorld(), chaos.Lab{}))
	require.Error(t, ctx.Err())
}

// linked is a world with links message-1->kafka-1, message-1->kafka-2 and fanout-1->gateway-1.
func linked(t *testing.T) *world {
	w := newWorld()
	target, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	for _, ends := range [][2]string{{"message-1", "kafka-1"}, {"message-1", "kafka-2"}, {"fanout-1", "gateway-1"}} {
		l, err := relay.New(relay.Config{From: ends[0], To: ends[1], Target: target.Addr().String()})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		w.links = append(w.links, l)
	}
	return w
}

func TestPathsReachTheLinksInTheirDirection(t *testing.T) {
	cut, back := relay.Fault{CutForward: true}, relay.Fault{CutBackward: true}
	both := relay.Fault{CutForward: true, CutBackward: true}
	for text, want := range map[string][3]relay.Fault{
		"cut message-1->kafka-2":                          {{}, cut, {}},
		"cut kafka-2->message-1":                          {{}, back, {}},
		"cut message-1<->kafka-*":                         {both, both, {}},
		"cut kafka-?<->message-1":                         {both, both, {}},
		"cut *->gateway-1":                                {{}, {}, cut},
		"cut *<->*":                                       {both, both, both},
		"latency fanout-*<->gateway-* 1ms":                {{}, {}, {ForwardLatency: time.Millisecond, BackwardLatency: time.Millisecond}},
		"latency gateway-1->fanout-1 1ms jitter 2ms":      {{}, {}, {BackwardLatency: time.Millisecond, Jitter: 2 * time.Millisecond}},
		"bandwidth kafka-1<->message-1 3KB/s":             {{BytesPerSecond: 3072}, {}, {}},
		"refuse message-1<->kafka-1":                      {{Refuse: true}, {}, {}},
		"latency *<->* 0s jitter 1ms":                     {{Jitter: time.Millisecond}, {Jitter: time.Millisecond}, {Jitter: time.Millisecond}},
		"reset *<->*":                                     {},
		"cut message-1->*\nat 0s cut message-1<->kafka-1": {both, cut, {}},
	} {
		w := linked(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- chaos.Run(ctx, parse(t, "at 0s "+text), w, lab(func(chaos.Event) {})) }()
		require.Eventually(t, func() bool {
			return [3]relay.Fault{w.links[0].Fault(), w.links[1].Fault(), w.links[2].Fault()} == want
		}, 10*time.Second, time.Millisecond, text)
		cancel()
		require.NoError(t, <-done)
		for _, l := range w.links {
			require.True(t, l.Healthy(), text)
		}
	}
}

func TestWiresBetweenServersAreCutInTheirDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		require.NoError(t, chaos.Run(t.Context(), parse(t, "at 1s cut kafka-1->kafka-2 for 1s"), w, w.lab()))
		require.Equal(t, []string{"1s cut kafka-1->kafka-2", "2s mend kafka-1->kafka-2"}, w.trace)

		w = newWorld()
		w.fail["mend kafka-2->kafka-1"] = 1
		require.NoError(t, chaos.Run(t.Context(), parse(t, "at 1s cut kafka-2<->kafka-1 for 1s"), w, w.lab()))
		require.Equal(t, []string{"1s cut kafka-2->kafka-1", "1s cut kafka-1->kafka-2", "2s mend kafka-1->kafka-2", "2.2s mend kafka-2->kafka-1"}, w.trace, "what fails is tried again, and nothing else")

		w = newWorld()
		require.NoError(t, chaos.Run(t.Context(), parse(t, "at 1s cut kafka-*<->kafka-* for 1s"), w, w.lab()))
		require.Len(t, w.trace, 8, "each way once")

		require.ErrorContains(t, chaos.Run(t.Context(), parse(t, "at 1s cut kafka-2<->kafka-3 for 1s"), w, w.lab()), "no link between kafka-2 and kafka-3")
	})
}

func TestOverlappingFaultsEndOneByOne(t *testing.T) {
	w := linked(t)
	err := chaos.Run(t.Context(), parse(t, "at 0s cut message-1->kafka-1 for 50ms\nat 0s cut message-1<->kafka-* for 200ms"), w, lab(func(e chaos.Event) {
		if e == (chaos.Event{Kind: chaos.Ended, Text: "cut message-1->kafka-1"}) && !w.links[0].Fault().CutForward {
			t.Error("the end of one cut healed the other")
		}
	}))
	require.NoError(t, err)
	require.True(t, w.links[0].Healthy())
}
