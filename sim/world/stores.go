package world

import (
	"fmt"
	"maps"

	"github.com/chatlab/chatlab/sim/cassandra"
	"github.com/chatlab/chatlab/sim/kafka"
	"github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// Names by which roles know each other and the stores: one pod a role, but for gateways.
const (
	messageRPC    = "message-1:7000"
	presenceRPC   = "presence-1:7000"
	cacheAddress  = "redis-cache:6379"
	onlineAddress = "redis-presence:6379"
	pushAddress   = "push-providers:443"
)

// Stores are the stand-ins, to look into them and to break them.
type Stores struct {
	Log             *kafka.Cluster
	Tables          *cassandra.Cluster
	Cache, Presence *redis.Server
	Network         transport.Network // on which an operator's drivers reach them
}

func (w *World) startStores() (node.Config, error) {
	var cfg node.Config
	log, err := kafka.Start(kafka.Config{
		Brokers: w.brokers(), Topics: wire.Topics(w.cfg.Partitions), Listen: w.cfg.Host("kafka").ListenFunc,
	})
	if err != nil {
		return cfg, fmt.Errorf("start log: %w", err)
	}
	w.onClose(log.Close)
	for _, b := range log.Brokers() {
		w.names[b.Announced] = b.Address
		cfg.Kafka = append(cfg.Kafka, b.Announced)
		w.Kafka = append(w.Kafka, b.Announced)
	}
	tables, err := cassandra.New(cassandra.Config{Nodes: cassandra.Nodes(w.cfg.Nodes), Listen: w.cfg.Host("cassandra").ListenFunc, Now: w.cfg.Now, Log: w.cfg.Log})
	if err != nil {
		return cfg, fmt.Errorf("start tables: %w", err)
	}
	w.closers = append(w.closers, tables.Close)
	maps.Copy(w.names, tables.Routes())
	cfg.Cassandra, cfg.RowReplicas = tables.Hosts(), min(3, w.cfg.Nodes)
	w.Stores.Log, w.Stores.Tables = log, tables
	for address, into := range map[string]**redis.Server{cacheAddress: &w.Stores.Cache, onlineAddress: &w.Stores.Presence} {
		r, err := redis.New(redis.Config{Listen: w.cfg.Host("redis").ListenFunc})
		if err != nil {
			return cfg, fmt.Errorf("start redis: %w", err)
		}
		w.onClose(r.Close)
		w.names[address], *into = r.Addr(), r
	}
	cfg.RedisCache, cfg.RedisPresence = cacheAddress, onlineAddress
	return cfg, nil
}

// brokers is one that strangers reach too, or the cluster's own choice.
func (w *World) brokers() []kafka.Broker {
	if w.cfg.KafkaListen == "" {
		return nil
	}
	return []kafka.Broker{{Name: "kafka-1", Address: w.cfg.KafkaListen, Announced: kafka.AsListening}}
}

func (w *World) onClose(end func() error) {
	w.closers = append(w.closers, func() { _ = end() })
}

// makeKeys completes what all roles are told.
func (w *World) makeKeys(cfg *node.Config) error {
	user, err := token.NewKey()
	if err != nil {
		return fmt.Errorf("make key of user tokens: %w", err)
	}
	ticket, err := token.NewKey()
	if err != nil {
		return fmt.Errorf("make key of tickets: %w", err)
	}
	w.users = token.NewIssuer(user, w.cfg.Now)
	w.userKeys = user.JWKS()
	cfg.UserKeys, cfg.TicketKey, cfg.TicketKeys = user.JWKS(), ticket.Private(), ticket.JWKS()
	cfg.Switches, cfg.Partitions, cfg.Now, cfg.Logger = w.cfg.Switches, w.cfg.Partitions, w.cfg.Now, w.cfg.Log
	cfg.Trace = w.cfg.Trace
	cfg.Pace, cfg.GroupSession, cfg.Drain = w.cfg.Pace, w.cfg.Session, drain
	cfg.Messages, cfg.Presences = []string{messageRPC}, []string{presenceRPC}
	cfg.Gateways = map[string]string{}
	for i := range w.cfg.Gateways {
		name := fmt.Sprintf("gateway-%d", i+1)
		cfg.Gateways[name] = name + ":7000"
	}
	cfg.Security.Secret, cfg.Security.TLSDev = transport.RandomSecret(), w.cfg.TLSDev
	if err := w.startPush(cfg); err != nil {
		return err
	}
	cfg.Network = w.from("operator") // migrates
	w.Stores.Network = cfg.Network
	return nil
}
