package edge

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/affinity"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire/pb"
)

func (w *world) addresses() (out []string) {
	for _, p := range w.messages {
		out = append(out, p.address)
	}
	return out
}

// preferred returns a conversation whose pod is the given one, and its paths.
func (w *world) preferred(pod int) string {
	for {
		c := chat.NewID()
		if affinity.Rank(c, w.addresses())[0] == pod {
			return "/api/v1/conversations/" + c.String() + "/messages"
		}
	}
}

func (w *world) calls() (out []int) {
	for _, p := range w.messages {
		out = append(out, len(p.took()))
	}
	return out
}

func TestAConversationKeepsItsPod(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{3, 1, 0}, func(c *Config) { c.Sends = unlimited() })
	for pod := range 3 {
		path := w.preferred(pod)
		before := w.calls()
		for range 4 {
			w.ask(t, "POST", path, goodBody)
			w.ask(t, "GET", path, "")
		}
		before[pod] += 8
		assert.Equal(t, before, w.calls())
	}
	before := w.calls()
	for range 6 {
		w.ask(t, "GET", "/api/v1/conversations", "")
	}
	for i := range before {
		before[i] += 2
	}
	assert.Equal(t, before, w.calls(), "what belongs to no conversation takes turns")
}

// broken answers nothing: its connection breaks while it works.
func (p *fakePod) broken() {
	p.will(func(ctx context.Context, _ any) (any, error) {
		go p.server.Stop()
		<-ctx.Done()
		return nil, ctx.Err()
	})
}

func TestWhatMayBeAskedOfAnotherPod(t *testing.T) {
	unavailable := refuses(chat.Errorf(chat.CodeUnavailable, "no storage").After(time.Second))
	for _, test := range []struct {
		name   string
		first  func(p *fakePod)
		method string
		want   chat.Code
		calls  []int
	}{
		{"a send that was refused as not done", func(p *fakePod) { p.will(unavailable) }, "POST", "", []int{1, 1}},
		{"a read that was refused as not done", func(p *fakePod) { p.will(unavailable) }, "GET", "", []int{1, 1}},
		{"a send whose outcome the pod does not know", func(p *fakePod) { p.will(refuses(chat.Errorf(chat.CodeUnknownOutcome, "late"))) }, "POST", chat.CodeUnknownOutcome, []int{1, 0}},
		{"a send that another reason refused", func(p *fakePod) { p.will(refuses(chat.Errorf(chat.CodeNotMember, "no"))) }, "POST", chat.CodeNotMember, []int{1, 0}},
		{"a send during which the pod died", (*fakePod).broken, "POST", chat.CodeUnknownOutcome, []int{1, 0}},
		{"a read during which the pod died", (*fakePod).broken, "GET", "", []int{1, 1}},
		{"a send to a pod that is not there", func(p *fakePod) { p.server.Stop() }, "POST", "", []int{0, 1}},
		{"a read of a pod that is not there", func(p *fakePod) { p.server.Stop() }, "GET", "", []int{0, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, transport.Network{}, size{2, 1, 0}, nil)
			test.first(w.messages[0])
			body := goodBody
			if test.method == "GET" {
				body = ""
			}
			a := w.ask(t, test.method, w.preferred(0), body)
			assert.Equal(t, test.want, a.code(t), "%s", a.body)
			assert.Equal(t, test.calls, w.calls())
		})
	}
}

func TestNoPodAtAll(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{3, 1, 0}, nil)
	for _, p := range w.messages {
		p.server.Stop()
	}
	for range 3 {
		for _, method := range []string{"POST", "GET"} {
			body := map[string]string{"POST": goodBody}[method]
			p := checkProblem(t, w.ask(t, method, conv+"/messages", body))
			assert.Equal(t, chat.CodeUnavailable, p.Code, "nothing was done")
			assert.Equal(t, podRetryAfter.Milliseconds(), p.RetryAfterMS)
		}
	}
}

func TestARetryStormIsBounded(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{5, 1, 0}, nil)
	for _, p := range w.messages {
		p.will(refuses(chat.Errorf(chat.CodeUnavailable, "no storage").After(time.Second)))
	}
	p := checkProblem(t, w.ask(t, "GET", conv+"/messages", ""))
	assert.Equal(t, chat.CodeUnavailable, p.Code)
	total := 0
	for _, n := range w.calls() {
		total += n
	}
	assert.Equal(t, resilience.EdgeRepeat.Policy().Attempts, total)
}

// While every pod refuses, calls are repeated as their rows' budgets allow, and it shows.
func TestRetriesHaveABudget(t *testing.T) {
	for _, test := range []struct {
		row          resilience.Call
		method, body string
	}{{resilience.EdgeRepeat, "GET", ""}, {resilience.EdgeOnce, "POST", goodBody}} {
		t.Run(test.row.Policy().Name, func(t *testing.T) {
			w := newWorld(t, transport.Network{}, size{2, 1, 0}, func(c *Config) { c.Sends = unlimited() })
			for _, p := range w.messages {
				p.will(refuses(chat.Errorf(chat.CodeUnavailable, "no storage").After(time.Second)))
			}
			const calls = 200
			for range calls {
				assert.Equal(t, chat.CodeUnavailable, w.ask(t, test.method, conv+"/messages", test.body).code(t))
			}
			meter, row := resilience.NewMeter(w.edge.cfg.Metrics), test.row.Policy()
			retries := testutil.ToFloat64(meter.Retries.WithLabelValues(row.Name, "message"))
			assert.InDelta(t, row.Retries*calls, retries, 10, "and what it began with")
			assert.InDelta(t, calls-retries, testutil.ToFloat64(meter.Withheld.WithLabelValues(row.Name, "message")), 0)
			assert.InDelta(t, calls+retries, w.calls()[0]+w.calls()[1], 0)
		})
	}
}

// A frozen pod costs its callers their time three times; then it is left alone, and probed until it is back.
func TestAFrozenPodIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory(), size{2, 1, 0}, func(c *Config) { c.Sends = unlimited() })
		path := w.preferred(0)
		w.messages[0].hang()
		for range 3 {
			start := time.Now()
			assert.Equal(t, chat.CodeUnknownOutcome, w.ask(t, "POST", path, goodBody).code(t))
			assert.Equal(t, resilience.EdgeOnce.Timeout(), time.Since(start))
		}
		for _, row := range []resilience.Call{resilience.EdgeOnce, resilience.EdgeRepeat} {
			state := resilience.NewMeter(w.edge.cfg.Metrics).Breakers.WithLabelValues(row.Policy().Name, w.addresses()[0])
			assert.EqualValues(t, gobreaker.StateOpen, testutil.ToFloat64(state))
		}
		start := time.Now()
		for range 20 {
			assert.Equal(t, http.StatusCreated, w.ask(t, "POST", path, goodBody).status)
		}
		assert.Zero(t, time.Since(start))
		assert.Equal(t, []int{3, 20}, w.calls())

		w.messages[0].will(nothing)
		<-time.After(1100 * time.Millisecond)
		assert.Equal(t, http.StatusCreated, w.ask(t, "POST", path, goodBody).status)
		assert.Equal(t, []int{4, 20}, w.calls(), "its conversations return")
	})
}

func TestAFrozenPodHoldsUpAReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory(), size{2, 1, 0}, nil)
		w.messages[0].hang()
		start := time.Now()
		assert.Equal(t, http.StatusOK, w.ask(t, "GET", w.preferred(0), "").status)
		assert.Equal(t, resilience.EdgeRepeat.Timeout(), time.Since(start))
	})
}

// assign opens sessions and counts where they go.
func (w *world) assign(t *testing.T, n int) map[string]int {
	got := map[string]int{}
	for range n {
		a := w.ask(t, "POST", "/api/v1/sessions", `{"device":"phone"}`)
		if a.status != http.StatusCreated {
			got[string(a.code(t))]++
			continue
		}
		got[read[sessionAnswer](t, a, http.StatusCreated).Gateway]++
	}
	return got
}

func (w *world) holds(gateway int, connections int64, draining bool) {
	w.gateways[gateway].will(gives(&pb.StatusResponse{Connections: connections, Draining: draining}))
}

func TestGatewaysAreAssignedByConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory(), size{1, 1, 3}, nil)
		poll := func() { <-time.After(pollEvery + resilience.EdgePoll.Timeout()) }
		public := func(i int) string { return fmt.Sprintf("public-%d:443", i+1) }
		w.holds(0, 100, false)
		w.holds(1, 100, false)
		w.holds(2, 100, false)
		poll()
		assert.Equal(t, map[string]int{public(0): 10, public(1): 10, public(2): 10}, w.assign(t, 30), "equals take turns")

		w.holds(0, 500, false)
		w.holds(1, 100, false)
		w.holds(2, 140, false)
		poll()
		assert.Equal(t, map[string]int{public(1): 70, public(2): 30}, w.assign(t, 100), "what was assigned since the poll counts")

		w.holds(1, 0, true)
		poll()
		assert.Equal(t, map[string]int{public(2): 50}, w.assign(t, 50), "one that drains gets none")

		w.gateways[2].hang()
		poll()
		assert.Equal(t, map[string]int{public(0): 5}, w.assign(t, 5), "one that hangs gets none")

		w.gateways[0].server.Stop()
		poll()
		assert.Equal(t, map[string]int{string(chat.CodeUnavailable): 2}, w.assign(t, 2))
		require.Error(t, w.edge.Depends().Ask(t.Context()).Err())

		w.holds(2, 3, false)
		poll()
		assert.Equal(t, map[string]int{public(2): 4}, w.assign(t, 4), "one that is back gets them again")
	})
}

// A device that was let go, or not taken, is sent elsewhere at once, and its word makes the edge look again.
func TestAGatewayIsAvoided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory(), size{1, 1, 2}, func(c *Config) { c.Poll = time.Minute })
		ask := func(avoid string) string {
			a := w.ask(t, "POST", "/api/v1/sessions", `{"device":"phone","avoid":"`+avoid+`"}`)
			return read[sessionAnswer](t, a, http.StatusCreated).Gateway
		}
		w.holds(0, 0, false)
		w.holds(1, 1000, false)
		<-time.After(time.Second)
		w.holds(0, 0, true)
		assert.Equal(t, "public-1:443", ask(""), "the edge does not know yet")
		assert.Equal(t, "public-2:443", ask("public-1:443"))
		<-time.After(2 * doubtEvery)
		assert.Equal(t, "public-2:443", ask(""), "now it does")
		assert.Equal(t, "public-2:443", ask("public-2:443"), "for want of another")

		polls := len(w.gateways[1].took())
		for range 100 {
			ask("public-2:443")
			<-time.After(doubtEvery / 100)
		}
		assert.LessOrEqual(t, len(w.gateways[1].took())-polls, 2, "no device makes the edge poll without end")
	})
}

// A body that trickles is given up, and the connection with it, whether the edge wanted the body or not.
func TestASlowBody(t *testing.T) {
	for name, path := range map[string]string{"wanted": "/api/v1/sessions", "not wanted": "/nowhere"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, memory(), size{1, 1, 0}, nil)
				c, err := w.network.Dial(t.Context(), "tcp", "edge:1")
				require.NoError(t, err)
				defer c.Close()
				start := time.Now()
				_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer %s\r\n"+
					"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", path, w.bearer)
				require.NoError(t, err)
				got, err := io.ReadAll(c)
				require.NoError(t, err)
				assert.Contains(t, string(got), "application/problem+json")
				assert.Equal(t, bodyWithin, time.Since(start))
			})
		})
	}
}

func TestALongCallOutlivesTheDeadlineOfItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory(), size{1, 1, 0}, nil)
		for range 3 { // over one connection
			<-time.After(bodyWithin - time.Second)
			w.messages[0].will(func(ctx context.Context, _ any) (any, error) {
				<-time.After(resilience.EdgeOnce.Timeout() - time.Second)
				return nil, ctx.Err()
			})
			assert.Equal(t, http.StatusCreated, w.ask(t, "POST", conv+"/messages", goodBody).status)
		}
	})
}

// TestTheLastGatewayMayBeLateOnce: a storm of reconnects makes the only gateway miss a look at it. Devices go on to it
// then; they go to none that is late while another answers, and to nobody who misses two looks.
func TestTheLastGatewayMayBeLateOnce(t *testing.T) {
	busy := &gateway{Gateway: Gateway{Name: "gateway-1", Public: "busy:443"}, late: true}
	other := &gateway{Gateway: Gateway{Name: "gateway-2", Public: "other:443"}, takes: true, connections: 1000}
	got, err := (&gateways{list: []*gateway{busy}}).assign("")
	require.NoError(t, err)
	require.Equal(t, "busy:443", got.Public)
	got, err = (&gateways{list: []*gateway{busy, other}}).assign("")
	require.NoError(t, err)
	require.Equal(t, "other:443", got.Public)
	_, err = (&gateways{list: []*gateway{{Gateway: busy.Gateway}}}).assign("")
	require.Equal(t, chat.CodeUnavailable, chat.AsError(err).Code)
}
