package cluster

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/segmentio/kafka-go"
)

const brokerMemory = 512 << 20

type brokerConfig struct {
	Number    int
	IP        netip.Addr
	Peers     []netip.Addr
	Announced string
}

// brokers describes three brokers.
func brokers(image string, n *network) (out []*Server, err error) {
	peers := n.addresses(10, 3)
	for i, ip := range peers {
		cfg := brokerConfig{Number: i + 1, IP: ip, Peers: peers, Announced: fmt.Sprintf("kafka-%d:9092", i+1)}
		s := &Server{
			Kind: Kafka, Name: fmt.Sprintf("kafka-%d", i+1), Announced: cfg.Announced,
			ip: ip, image: image, user: "appuser", port: 9092, memory: brokerMemory,
			command: []string{"/chatlab/start-kafka.sh"},
			env: map[string]string{
				"KAFKA_HEAP_OPTS":            "-Xms256m -Xmx320m",
				"KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxDirectMemorySize=64m -Xss512k",
			},
		}
		if s.files, err = rendered(cfg, "server.properties", "start-kafka.sh"); err != nil {
			return nil, err
		}
		s.answers = s.brokerAnswers
		out = append(out, s)
	}
	return out, nil
}

// brokerAnswers asks one broker for the cluster's metadata: it must know all others and who controls them.
func (s *Server) brokerAnswers(ctx context.Context, c *Cluster) error {
	conn, err := (&kafka.Dialer{DialFunc: c.Dial}).DialContext(ctx, "tcp", s.Announced)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	known, err := conn.Brokers()
	if err == nil && len(known) < len(c.Of(Kafka)) {
		err = fmt.Errorf("it knows %d brokers", len(known))
	}
	if err == nil {
		_, err = conn.Controller()
	}
	return err
}

// logWorks asks for a group's offsets: the brokers then have made the topic for them, and its leader answers.
func (c *Cluster) logWorks(ctx context.Context) error {
	k, closeConnections := c.kafka()
	defer closeConnections()
	res, err := k.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: "chatlab-ready", Topics: map[string][]int{}})
	if err == nil {
		err = res.Error
	}
	return err
}

// kafka makes a client of all brokers.
func (c *Cluster) kafka() (k *kafka.Client, closeConnections func()) {
	transport := &kafka.Transport{Dial: c.Dial}
	var addresses []string
	for _, s := range c.Of(Kafka) {
		addresses = append(addresses, s.Announced)
	}
	return &kafka.Client{Addr: kafka.TCP(addresses...), Transport: transport}, transport.CloseIdleConnections
}
