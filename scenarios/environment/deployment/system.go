package deployment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	simpush "github.com/chatlab/chatlab/sim/push"
	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// Config says how to deploy.
type Config struct {
	// LastWords, if set, hears of every pod that had something to say, or ended by itself, before a fault or Close ends it.
	LastWords func(LastWords)
}

// LastWords are the end of a pod's log.
type LastWords struct {
	Pod, Log string
	Ended    string // how it ended by itself; empty for one that ran on
}

// Start brings up links and pods around stores that have their tables and topics, and waits until every pod can work.
// The system owns the stores from then on, also if it fails.
func Start(ctx context.Context, spec scenarios.Spec, stores Stores, cfg Config) (*System, error) {
	if spec.PresenceTTL == 0 {
		spec.PresenceTTL, spec.Heartbeat = time.Minute, 30*time.Second
	}
	if spec.Log == nil {
		spec.Log = slog.New(slog.DiscardHandler)
	}
	s := &System{spec: spec, stores: stores, lastWords: cfg.LastWords, links: newLinks(spec.Direct), pods: newPods()}
	if err := s.start(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// System is one running system. It implements scenarios.System.
type System struct {
	spec      scenarios.Spec
	lastWords func(LastWords)
	keys      *keys
	stores    Stores
	push      *simpush.Server // nil: nobody is notified
	links     *links
	pods      *pods
	log       *kafka.Client
	rows      *cassandra.Store
	past      past
	asking    sync.WaitGroup // calls that pods answer when they like; none outlives its pod
}

func (s *System) start(ctx context.Context) (err error) {
	if s.keys, err = makeKeys(); err != nil {
		return err
	}
	if err = s.startProviders(); err != nil {
		return err
	}
	if err = s.links.build(s.spec.Topology, s.endpoints()); err != nil {
		return err
	}
	if s.pods.args, err = s.arguments(); err != nil {
		return err
	}
	if err = s.startAll(ctx); err != nil {
		return err
	}
	direct := Direct(s.stores)
	s.log = kafka.NewClient(kafka.Config{Brokers: s.announced(Log), ClientID: "lab", Network: direct, Log: s.spec.Log})
	s.rows, err = cassandra.Open(cassandra.Config{Hosts: s.announced(Tables), Keyspace: Keyspace, Network: direct, Log: s.spec.Log})
	return err
}

// Close stops the pods, then the links, then the stores.
func (s *System) Close() error {
	live := s.livePods()
	for name, p := range live {
		s.hear(name, p) // of all before the first dies, or the others would complain about that
	}
	s.pods.unlimited()
	for _, p := range live {
		p.Kill() // a run's end is no test of a graceful stop, and a kill leaves nothing behind
	}
	s.asking.Wait()
	s.links.close()
	if s.rows != nil {
		s.rows.Close()
	}
	if s.log != nil {
		s.log.Close()
	}
	if s.push != nil {
		_ = s.push.Close()
	}
	return errors.Join(s.stores.Close(), s.keys.remove())
}

// hear passes on what a pod said last, if that is news.
func (s *System) hear(name string, p *pod.Pod) {
	w := LastWords{Pod: name, Log: p.Log(), Ended: p.Ended()}
	if s.lastWords != nil && w.Log+w.Ended != "" {
		s.lastWords(w)
	}
}

// EdgeURL is where devices begin.
func (s *System) EdgeURL() string { return "http://" + public("edge-1") }

// Network leads devices through their relays.
func (s *System) Network() transport.Network {
	return transport.Network{Names: s.links.names[clients]}
}

// Token makes a user's token.
func (s *System) Token(user chat.ID) (string, error) { return s.keys.userToken(user) }

// PartitionOf says where a conversation's records go.
func (s *System) PartitionOf(conv chat.ID) int {
	return kafka.PartitionOf(wire.Record{ConversationID: conv}.Key(), s.spec.Topology.Partitions)
}

// Lag is how many records the fan-out group has not committed, by partition.
func (s *System) Lag(ctx context.Context) (map[int]int64, error) {
	all := make([]int, s.spec.Topology.Partitions)
	for i := range all {
		all[i] = i
	}
	return s.log.Lag(ctx, wire.GroupFanout, wire.TopicMessages, all)
}

var _ scenarios.System = (*System)(nil)

func (s *System) exists(name string) error {
	if _, ok := s.pods.args[name]; !ok {
		names := slices.Sorted(maps.Keys(s.pods.args))
		for _, e := range s.stores.Endpoints() {
			names = append(names, e.Name)
		}
		return fmt.Errorf("there is no %q: there are %s", name, strings.Join(names, ", "))
	}
	return nil
}
