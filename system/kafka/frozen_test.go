package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	sim "github.com/chatlab/chatlab/sim/kafka"
	"github.com/chatlab/chatlab/sim/network"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

const (
	topic      = "records"
	partitions = 3
)

// TestSilence runs in real time: where a coordinator is silent the driver waits for a mutex, which stops a bubble's clock.
func TestSilence(t *testing.T) {
	for name, story := range map[string]struct {
		election time.Duration
		play     func(*rig)
	}{
		"every broker freezes once":          {time.Second, (*rig).everyBrokerFreezesOnce},
		"connections die unnoticed":          {time.Second, (*rig).connectionsDieUnnoticed},
		"a leader cannot be reached":         {time.Second, (*rig).aLeaderCannotBeReached},
		"a frozen leader holds no writer up": {6 * time.Second, (*rig).aFrozenLeaderHoldsNoWriterUp},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, story.election)
			story.play(r)
			r.end()
		})
	}
}

// rig is a log whose brokers are hosts of their own, somebody who writes to every partition all the time, and one worker.
type rig struct {
	t        *testing.T
	lan      *network.Network
	log      *sim.Cluster
	names    map[string]string
	registry *prometheus.Registry
	worker   *kafka.Client
	host     atomic.Pointer[network.Host] // from which the worker dials
	group    *kafka.Group

	stop   context.CancelFunc
	work   sync.WaitGroup
	mu     sync.Mutex
	next   [partitions]int64 // offset that the worker waits for
	faults []string
}

func newRig(t *testing.T, election time.Duration) *rig {
	r := &rig{t: t, lan: network.New(network.Config{}), names: map[string]string{}, registry: prometheus.NewRegistry()}
	var brokers []sim.Broker
	for i := range 3 {
		name := fmt.Sprintf("kafka-%d", i+1)
		r.lan.Host(name)
		brokers = append(brokers, sim.Broker{Name: name, Announced: name + ":9092", Address: name + ":9092"})
	}
	var err error
	r.log, err = sim.Start(sim.Config{Brokers: brokers, Topics: map[string]int{topic: partitions}, Listen: r.listen, ElectionDelay: election})
	require.NoError(t, err)
	r.host.Store(r.lan.Host("worker"))
	r.worker = r.client("worker", r.registry, func() *network.Host { return r.host.Load() })
	r.group = &kafka.Group{Client: r.worker, ID: "workers", Topic: topic, Session: 6 * time.Second, Handle: r.handle}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.work.Go(func() { require.NoError(t, r.group.Run(ctx)) })
	r.work.Go(func() { r.write(ctx) })
	r.within(20*time.Second, r.upToDate, "consumes at all")
	return r
}

// listen opens a broker's port on its own host.
func (r *rig) listen(network, address string) (net.Listener, error) {
	name, _, err := net.SplitHostPort(address)
	require.NoError(r.t, err)
	return r.lan.Host(name).Listen(network, address)
}

func (r *rig) client(id string, metrics prometheus.Registerer, from func() *network.Host) *kafka.Client {
	return kafka.NewClient(kafka.Config{
		Brokers: []string{"kafka-1:9092", "kafka-2:9092", "kafka-3:9092"}, ClientID: id, Metrics: metrics, Log: slog.New(slog.DiscardHandler),
		Network: transport.Network{DialFunc: func(ctx context.Context, network, address string) (net.Conn, error) {
			return from().DialContext(ctx, network, address)
		}},
	})
}

// key is one whose records go to a partition.
func key(partition int) []byte {
	for i := 0; ; i++ {
		if k := fmt.Append(nil, i); kafka.PartitionOf(k, partitions) == partition {
			return k
		}
	}
}

// write adds a record to each partition every 100 ms, whatever becomes of the one before.
func (r *rig) write(ctx context.Context) {
	c := r.client("writer", nil, func() *network.Host { return r.lan.Host("writer") })
	defer c.Close()
	p := c.Producer(topic)
	defer p.Close()
	var under sync.WaitGroup
	defer under.Wait()
	for ctx.Err() == nil {
		for i := range partitions {
			under.Go(func() { _ = p.Write(ctx, key(i), []byte("record")) })
		}
		pass(100 * time.Millisecond)
	}
}

// handle expects the records in the order of the log. What was not committed may come again, but only from the beginning
// of a generation.
func (r *rig) handle(ctx context.Context, p *kafka.Partition) error {
	r.mu.Lock()
	if p.Offset > r.next[p.ID] {
		r.faults = append(r.faults, fmt.Sprintf("%d begins at %d, %d was next", p.ID, p.Offset, r.next[p.ID]))
	}
	r.mu.Unlock()
	for next := p.Offset; ; {
		batch, err := p.Fetch(ctx, 100)
		if err != nil {
			return err
		}
		r.mu.Lock()
		for _, got := range batch {
			if got.Offset != next {
				r.faults = append(r.faults, fmt.Sprintf("%d: got %d, %d was next", p.ID, got.Offset, next))
			}
			next = got.Offset + 1
		}
		r.next[p.ID] = max(next, r.next[p.ID])
		r.mu.Unlock()
		p.Commit(next)
	}
}

// behind is how many records of a partition the worker has not got.
func (r *rig) behind(partition int) int64 {
	ends, err := r.log.Ends(topic)
	require.NoError(r.t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	return ends[partition] - r.next[partition]
}

func (r *rig) upToDate() bool {
	for i := range partitions {
		if r.behind(i) > 1 {
			return false
		}
	}
	return r.got() > 0
}

func (r *rig) got() (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, next := range r.next {
		n += next
	}
	return n
}

func (r *rig) within(limit time.Duration, ok func() bool, what string) time.Duration {
	start := time.Now()
	for !ok() {
		require.Less(r.t, time.Since(start), limit, what)
		pass(50 * time.Millisecond)
	}
	return time.Since(start)
}

// rebuilds counts for one reason, or for all.
func (r *rig) rebuilds(reason string) float64 {
	families, err := r.registry.Gather()
	require.NoError(r.t, err)
	n := 0.0
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == "chat_kafka_reader_rebuilds_total" && m.Label[0].GetValue() == reason {
				n += m.Counter.GetValue()
			}
		}
	}
	return n
}

func (r *rig) end() {
	r.within(20*time.Second, r.upToDate, "everything was consumed")
	r.stop()
	r.lan.HealAll()
	r.work.Wait()
	r.worker.Close()
	require.NoError(r.t, r.log.Close())
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Empty(r.t, r.faults)
}

func pass(d time.Duration) { <-time.After(d) }

// everyBrokerFreezesOnce: whichever broker takes connections and says nothing, be it leader, coordinator or the first in the
// list, the worker goes on with all partitions soon after the others have elected a leader.
func (r *rig) everyBrokerFreezesOnce() {
	for i := range 3 {
		name := fmt.Sprintf("kafka-%d", i+1)
		require.NoError(r.t, r.log.Freeze(name))
		r.t.Log(name, "is frozen", r.goesOn(), r.rebuilds("silent"), r.rebuilds("failed"))
		require.NoError(r.t, r.log.Thaw(name))
		r.t.Log(name, "goes on", r.goesOn(), r.rebuilds("silent"), r.rebuilds("failed"))
	}
}

// goesOn waits until the worker has got ten records more of each partition than are there now.
func (r *rig) goesOn() time.Duration {
	ends, err := r.log.Ends(topic)
	require.NoError(r.t, err)
	return r.within(30*time.Second, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for i, end := range ends {
			if r.next[i] < end+10 {
				return false
			}
		}
		return true
	}, "the worker goes on")
}

// connectionsDieUnnoticed: all connections of the worker stay and carry nothing any more, as when something between forgot
// them. New ones work.
func (r *rig) connectionsDieUnnoticed() {
	before := r.rebuilds("silent")
	old := r.host.Load().Name()
	r.host.Store(r.lan.Host("worker again"))
	for i := range 3 {
		r.lan.Partition(old, fmt.Sprintf("kafka-%d", i+1))
	}
	r.t.Log(r.goesOn())
	require.GreaterOrEqual(r.t, r.rebuilds("silent")-before, float64(partitions))
}

// aLeaderCannotBeReached by the worker, while others reach it: its partition waits, the others do not, and it is consumed
// when the way is open again.
func (r *rig) aLeaderCannotBeReached() {
	leader, err := r.log.Leader(topic, 1)
	require.NoError(r.t, err)
	r.lan.Partition("worker", leader)
	pass(5 * time.Second)
	require.Greater(r.t, r.behind(1), int64(30))
	r.t.Log(r.behind(0), r.behind(1), r.behind(2), r.rebuilds("silent"), r.rebuilds("failed"), r.rebuilds("stalled"))
	r.lan.HealAll()
	r.t.Log(r.within(20*time.Second, r.upToDate, "the way is open"))
}

// aFrozenLeaderHoldsNoWriterUp: a write ends within what the table says, and those to other leaders are not delayed.
func (r *rig) aFrozenLeaderHoldsNoWriterUp() {
	leader, err := r.log.Leader(topic, 1)
	require.NoError(r.t, err)
	c := r.client("sender", nil, func() *network.Host { return r.lan.Host("sender") })
	p := c.Producer(topic)
	require.NoError(r.t, p.Write(r.t.Context(), key(1), []byte("before")))
	require.NoError(r.t, r.log.Freeze(leader))
	var sends sync.WaitGroup
	for i := range partitions {
		sends.Go(func() {
			start := time.Now()
			err := p.Write(r.t.Context(), key(i), []byte("while it is frozen"))
			if i == 1 {
				require.Equal(r.t, chat.CodeUnknownOutcome, chat.AsError(err).Code)
				require.Less(r.t, time.Since(start), resilience.LogWrite.Policy().Cost()+4*time.Second, "what a busy machine adds")
			} else {
				require.NoError(r.t, err)
				require.Less(r.t, time.Since(start), resilience.LogWrite.Policy().Cost())
			}
		})
	}
	sends.Wait()
	start := time.Now()
	for p.Write(r.t.Context(), key(1), []byte("after")) != nil {
		require.Less(r.t, time.Since(start), 20*time.Second)
	}
	require.NoError(r.t, r.log.Thaw(leader))
	require.NoError(r.t, p.Close())
	c.Close()
}
