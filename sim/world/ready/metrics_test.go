package ready_test

import (
	"context"
	"math/rand/v2"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/node"
)

// samples is the time of several samples of the lag.
const samples = 2 * time.Second

// metric is the sum of a role's series of a name whose labels match; seen is false when there is none.
func (r *rig) metric(role, name, labels string) (sum float64, seen bool) {
	_, text := r.get(role, "/metrics")
	for _, m := range regexp.MustCompile(`(?m)^`+name+`(?:\{`+labels+`\})? (\S+)$`).FindAllStringSubmatch(text, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		require.NoError(r.t, err)
		sum, seen = sum+v, true
	}
	return sum, seen
}

// becomes waits until a metric is as it should be.
func (r *rig) becomes(what, role, name, labels string, ok func(v float64, seen bool) bool) {
	r.t.Helper()
	r.eventually(what, func() (bool, string) {
		v, seen := r.metric(role, name, labels)
		return ok(v, seen), name + "=" + strconv.FormatFloat(v, 'g', -1, 64)
	})
}

func atLeast(min float64) func(float64, bool) bool {
	return func(v float64, seen bool) bool { return seen && v >= min }
}

func exactly(want float64) func(float64, bool) bool {
	return func(v float64, seen bool) bool { return seen && v == want }
}

func missing(_ float64, seen bool) bool { return !seen }

// device connects a user's phone.
func (r *rig) device(user chat.ID) *client.Client {
	c, err := client.New(client.Config{
		EdgeURL: r.EdgeURL, UserID: user, Device: "phone", Rand: rand.New(rand.NewPCG(1, 2)),
		Token: func(context.Context) (string, error) { return r.Token(user, time.Hour) },
	})
	require.NoError(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var app sync.WaitGroup
	app.Go(func() { _ = c.Run(ctx) })
	r.t.Cleanup(func() { cancel(); app.Wait() })
	require.NoError(r.t, c.Sync(r.t.Context()))
	return c
}

// TestMetricsTellTheTruth follows the document's six while what they watch goes and comes back.
func TestMetricsTellTheTruth(t *testing.T) {
	t.Parallel()
	r := start(t)
	alice := chat.NewID()
	c := r.device(alice)
	r.becomes("a device is connected", node.Gateway, "chat_gateway_connections", "", exactly(1))
	r.becomes("its sign of life was taken", node.Gateway, "chat_gateway_heartbeats_total", `result="ok"`, atLeast(1))
	made, err := c.CreateConversation(t.Context(), chat.Group, []chat.ID{chat.NewID()})
	require.NoError(t, err)
	say := func(n int) {
		for range n {
			_, err := c.Send(t.Context(), made.ID, "hello")
			require.NoError(t, err)
		}
	}
	say(3)
	r.becomes("rows are stored", node.Fanout, "chat_cassandra_write_duration_seconds_count", `outcome="ok"`, atLeast(1))
	r.becomes("messages are delivered", node.Fanout, "chat_delivery_duration_seconds_count", "", atLeast(1))
	r.becomes("nothing waits", node.Fanout, "chat_consumer_lag_records", `partition="\d"`, exactly(0))

	r.cacheIsAsked(c, made.ID)
	r.writesAreTimed(say)
	r.workerIsStopped(say)
	r.presenceIsAway()
}

func (r *rig) cacheIsAsked(c *client.Client, conv chat.ID) {
	read := func() {
		_, _, err := c.History(r.t.Context(), conv, client.Range{Limit: 10})
		require.NoError(r.t, err)
	}
	before, _ := r.metric(node.Message, "chat_cache_reads_total", `result="hit"`)
	r.becomes("the cache is hit", node.Message, "chat_cache_reads_total", `result="hit"`, func(v float64, seen bool) bool {
		read()
		return v > before
	})
	require.NoError(r.t, r.Stores.Cache.Kill(true))
	stored, _ := r.metric(node.Message, "chat_store_newest_reads_total", `call="History"`)
	read()
	r.becomes("the store is read instead", node.Message, "chat_store_newest_reads_total", `call="History"`, exactly(stored+1))
	r.becomes("the cache is away", node.Message, "chat_cache_reads_total", `result="error"`, atLeast(1))
	require.NoError(r.t, r.Stores.Cache.Restart())
	r.becomes("the cache is empty", node.Message, "chat_cache_reads_total", `result="miss"`, func(_ float64, seen bool) bool {
		read()
		return seen
	})
}

// writesAreTimed: each message stored is a write of some duration.
func (r *rig) writesAreTimed(say func(int)) {
	before, _ := r.metric(node.Fanout, "chat_cassandra_write_duration_seconds_count", `outcome="ok"`)
	say(1)
	r.becomes("a write more", node.Fanout, "chat_cassandra_write_duration_seconds_count", `outcome="ok"`, atLeast(before+1))
	r.becomes("in a bucket", node.Fanout, "chat_cassandra_write_duration_seconds_bucket", `outcome="ok",le="\+Inf"`, atLeast(before+1))
}

// workerIsStopped: it tells nothing any more, and the push pod goes on to tell the lag.
func (r *rig) workerIsStopped(say func(int)) {
	quiet := time.Now() // a worker that is stopped after it has stored a record, and before it says so, does it again
	r.becomes("nothing waits, nor in the next samples", node.Fanout, "chat_consumer_lag_records", `partition="\d"`, func(v float64, seen bool) bool {
		if !seen || v != 0 {
			quiet = time.Now()
		}
		return time.Since(quiet) > samples
	})
	r.Stop(r.t.Context(), node.Fanout)
	say(7)
	r.becomes("records wait for a worker", node.Push, "chat_consumer_lag_records", `partition="\d"`, exactly(7))
	require.NoError(r.t, r.Restart(r.t.Context(), node.Fanout))
	r.becomes("a worker is back", node.Fanout, "chat_consumer_lag_records", `partition="\d"`, exactly(0))
	r.becomes("and the push pod says so too", node.Push, "chat_consumer_lag_records", `partition="\d"`, exactly(0))

	require.NoError(r.t, r.killBrokers())
	r.becomes("what nobody can know nobody tells", node.Fanout, "chat_consumer_lag_records", `partition="\d"`, missing)
	require.NoError(r.t, r.restartBrokers())
	r.becomes("the log is back", node.Fanout, "chat_consumer_lag_records", `partition="\d"`, exactly(0))
}

// presenceIsAway: signs of life that no presence pod takes are counted where they are lost.
func (r *rig) presenceIsAway() {
	before, _ := r.metric(node.Gateway, "chat_gateway_heartbeats_total", `result="ok"`)
	r.Stop(r.t.Context(), node.Presence)
	r.device(chat.NewID())
	r.becomes("a sign of life was lost", node.Gateway, "chat_gateway_heartbeats_total", `result="failed"`, atLeast(1))
	after, _ := r.metric(node.Gateway, "chat_gateway_heartbeats_total", `result="ok"`)
	require.Equal(r.t, before, after, "and none was taken")
}
