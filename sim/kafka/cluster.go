// Package kafka runs a Kafka cluster of named brokers inside the process, over Kafka's wire protocol, whose brokers can be killed and restarted.
package kafka

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/chatlab/chatlab/chaos/port"
)

// Config describes a cluster. The zero value is a cluster of three brokers without topics on loopback.
type Config struct {
	// Brokers are the brokers; empty means kafka-1, kafka-2 and kafka-3.
	Brokers []Broker
	// Topics are made at the start: name and number of partitions.
	Topics map[string]int
	// Listen opens the brokers' listeners; nil means real TCP.
	Listen func(network, address string) (net.Listener, error)
	// ElectionDelay passes between a broker's death and the move of its leaderships; 0 means DefaultElectionDelay.
	ElectionDelay time.Duration
}

// DefaultElectionDelay is how long a dead broker keeps its leaderships. Kafka itself waits for broker.session.timeout.ms, 9 s unless it is set lower.
const DefaultElectionDelay = 3 * time.Second

// Broker names a broker and its two addresses.
type Broker struct {
	// Name is what Kill and Restart call it.
	Name string
	// Announced is the host:port that metadata tells clients, and that a client's dialler must know how to reach; empty means Name:9092,
	// and AsListening means Address, for clients that know no names.
	Announced string
	// Address is where it listens; empty means a free port on 127.0.0.1. It stays the same through Kill and Restart.
	Address string
}

// AsListening as Broker.Announced announces the broker's real address.
const AsListening = "as-listening"

// Cluster is a running cluster. It keeps one log per partition in memory and no replicas, so that it cannot show what becomes of
// records that only some replicas have: acks=1, replication factor 1 and min.insync.replicas all behave as acks=all.
// Clients can make further topics as long as the last broker has not been away for longer than the election delay.
type Cluster struct {
	delay time.Duration

	mu      sync.Mutex
	closed  bool
	fake    *kfake.Cluster
	brokers []*broker
	topics  topics
	joining []*broker // those that the fake is about to open listeners for
}

// Start runs a cluster.
func Start(config Config) (*Cluster, error) {
	c := &Cluster{delay: config.ElectionDelay, topics: topics{names: map[string]origin{}}}
	if c.delay == 0 {
		c.delay = DefaultElectionDelay
	}
	if len(config.Brokers) == 0 {
		config.Brokers = []Broker{{Name: "kafka-1"}, {Name: "kafka-2"}, {Name: "kafka-3"}}
	}
	for i, b := range config.Brokers {
		opened, err := openBroker(int32(i), b, config.Listen)
		if err != nil {
			c.closePorts()
			return nil, fmt.Errorf("start broker %s: %w", b.Name, err)
		}
		c.brokers = append(c.brokers, opened)
	}
	if err := c.start(config.Topics); err != nil {
		c.closePorts()
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	return c, nil
}

func (c *Cluster) start(topics map[string]int) error {
	c.joining = slices.Clone(c.brokers)
	options := []kfake.Opt{
		kfake.NumBrokers(len(c.brokers)),
		kfake.ListenFn(c.listen),
		kfake.GroupMinSessionTimeout(time.Second),
	}
	for name, partitions := range topics {
		c.topics.add(name, madeAtStart)
		options = append(options, kfake.SeedTopics(int32(partitions), name))
	}
	var err error
	if c.fake, err = kfake.NewCluster(options...); err != nil {
		return err
	}
	c.watchTopics()
	return c.lead(func(p place) *broker { return c.brokers[p.partition%len(c.brokers)] })
}

// listen gives the fake the listener of the broker that joins. The fake asks in its own goroutine, while ours waits for it.
func (c *Cluster) listen(string, string) (net.Listener, error) {
	b := c.joining[0]
	c.joining = c.joining[1:]
	b.member, b.inFake = true, true
	return lingering{b.port.Session()}, nil
}

// Close ends the cluster, its listeners and connections.
func (c *Cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	for _, b := range c.brokers {
		b.stopTimer()
	}
	c.fake.Close()
	c.closePorts()
	return nil
}

func (c *Cluster) closePorts() {
	for _, b := range c.brokers {
		_ = b.port.Close()
	}
}

// Brokers lists the brokers with all addresses filled in, dead ones too.
func (c *Cluster) Brokers() []Broker {
	all := make([]Broker, len(c.brokers))
	for i, b := range c.brokers {
		all[i] = Broker{Name: b.name, Announced: b.port.Addr().String(), Address: b.port.Address()}
	}
	return all
}

// Leader is the broker that leads a partition now, dead or alive.
func (c *Cluster) Leader(topic string, partition int) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return "", errClosed
	}
	info := c.fake.PartitionInfo(topic, int32(partition))
	if info == nil {
		return "", fmt.Errorf("find leader: no partition %d of topic %q", partition, topic)
	}
	return c.brokers[info.Leader].name, nil
}

// Lag is, for each partition of a topic, how many records the group has not yet committed: its end minus what the group
// committed, or minus its beginning if it never did. It reads the cluster's own state, at any rate and even while no broker can be reached.
func (c *Cluster) Lag(group, topic string) ([]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	partitions := c.fake.PartitionInfos(topic)
	if partitions == nil {
		return nil, fmt.Errorf("read lag: no topic %q", topic)
	}
	var commits map[int32]kfake.GroupCommit
	if info := c.fake.GroupInfo(group); info != nil {
		commits = info.Commits[topic]
	}
	lag := make([]int64, len(partitions))
	for i, p := range partitions {
		done := p.LogStartOffset
		if commit, ok := commits[p.Partition]; ok {
			done = max(done, commit.Offset)
		}
		lag[i] = p.HighWatermark - done
	}
	return lag, nil
}

// Ends is, for each partition of a topic, the offset that its next record gets.
func (c *Cluster) Ends(topic string) ([]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	partitions := c.fake.PartitionInfos(topic)
	if partitions == nil {
		return nil, fmt.Errorf("read ends: no topic %q", topic)
	}
	ends := make([]int64, len(partitions))
	for i, p := range partitions {
		ends[i] = p.HighWatermark
	}
	return ends, nil
}

var errClosed = errors.New("cluster is closed")

// announced is an address that exists only as a name which clients map to a real one.
type announced string

func (announced) Network() string  { return "tcp" }
func (a announced) String() string { return string(a) }

func openBroker(node int32, b Broker, listen func(network, address string) (net.Listener, error)) (*broker, error) {
	config := port.Config{Address: b.Address, Listen: listen}
	switch b.Announced {
	case AsListening:
	case "":
		config.Announced = announced(net.JoinHostPort(b.Name, "9092"))
	default:
		config.Announced = announced(b.Announced)
	}
	opened, err := port.Open(config)
	if err != nil {
		return nil, err
	}
	return &broker{name: b.Name, node: node, port: opened, alive: true}, nil
}
