package node

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/affinity"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/edge"
	"github.com/chatlab/chatlab/system/fanout"
	"github.com/chatlab/chatlab/system/gateway"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/limit"
	"github.com/chatlab/chatlab/system/message"
	"github.com/chatlab/chatlab/system/presence"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

func (n *Node) redis(address string) *redis.Client {
	c := redis.NewClient(redis.Config{Address: address, Network: n.cfg.Network})
	n.onClose(func() { _ = c.Close() })
	return c
}

func (n *Node) log() *kafka.Client {
	cfg := n.cfg.kafka()
	cfg.Metrics = n.registry
	c := kafka.NewClient(cfg)
	n.onClose(c.Close)
	return c
}

func (n *Node) buildMessage(ctx context.Context) error {
	store, err := n.openStore(ctx)
	if err != nil {
		return err
	}
	log, cache := n.log(), n.redis(n.cfg.RedisCache)
	producer, receipts := log.Producer(wire.TopicMessages), log.Producer(wire.TopicReceipts)
	n.onClose(func() { _ = producer.Close() })
	n.onClose(func() { _ = receipts.Close() })
	s, err := message.New(message.Config{
		Switches: n.cfg.Switches, Store: store, Cache: redis.NewCache(cache, 0), Log: producer, Receipts: receipts, Reads: redis.NewReads(cache, 0),
		Limits: redis.NewLimits(cache, limit.SendsPerMinute/60.0, limit.SendsBurst),
		Now:    n.cfg.Now, Logger: n.cfg.Logger, Metrics: n.registry,
		Moderate: n.cfg.Moderate,
	})
	if err != nil {
		return err
	}
	n.depends = s.Depends()
	return n.serveRPC(func(g *grpc.Server) { pb.RegisterMessagesServer(g, s) })
}

func (n *Node) buildPresence() error {
	s, err := presence.New(presence.Config{
		Store: redis.NewPresence(n.redis(n.cfg.RedisPresence), n.cfg.PresenceTTL), Log: n.cfg.Logger, Metrics: n.registry,
	})
	if err != nil {
		return err
	}
	n.depends = s.Depends()
	return n.serveRPC(func(g *grpc.Server) { pb.RegisterPresencesServer(g, s) })
}

func (n *Node) buildFanout(ctx context.Context) error {
	store, err := n.openStore(ctx)
	if err != nil {
		return err
	}
	cache := n.redis(n.cfg.RedisCache)
	w, err := fanout.New(fanout.Config{
		Name: n.cfg.Name, Switches: n.cfg.Switches, Log: n.log(), Store: store, Cache: redis.NewCache(cache, 0), Reads: redis.NewReads(cache, 0),
		Presence: redis.NewPresence(n.redis(n.cfg.RedisPresence), n.cfg.PresenceTTL), Gateways: n.cfg.Gateways,
		Network: n.cfg.Network, Now: n.cfg.Now, Logger: n.cfg.Logger, Metrics: n.registry, Session: n.cfg.GroupSession,
	})
	if err != nil {
		return err
	}
	n.depends = w.Depends()
	n.run(w.Run)
	return nil
}

// presence makes a client of all presence pods.
func (n *Node) presence() (pb.PresencesClient, error) {
	pods, err := presence.Dial(n.cfg.Network, n.cfg.Presences, resilience.NewMeter(n.registry))
	if err != nil {
		return nil, err
	}
	n.onClose(pods.Close)
	return pb.NewPresencesClient(pods), nil
}

func (n *Node) buildGateway() error {
	users, err := n.userVerifier()
	if err != nil {
		return err
	}
	tickets, err := n.verifier("ticket_keys", n.cfg.TicketKeys, n.cfg.KeyFiles.Tickets)
	if err != nil {
		return err
	}
	messages, err := affinity.New(n.cfg.Network, n.cfg.Messages)
	if err != nil {
		return err
	}
	n.onClose(messages.Close)
	online, err := n.presence()
	if err != nil {
		return err
	}
	addresses, err := n.addresses()
	if err != nil {
		return err
	}
	limits := n.cfg.GatewayLimits
	def(&limits.AcceptRate, n.cfg.Security.AcceptRate)
	sends := limit.Sends(n.cfg.Now)
	g, err := gateway.New(gateway.Config{
		Name: n.cfg.Name, Switches: n.cfg.Switches, Now: n.cfg.Now, Log: n.cfg.Logger, Metrics: n.registry, Tracer: n.cfg.Network.Tracer,
		VerifyTicket: tickets.Ticket, VerifyUser: users.User, MessagesFor: messages.For, Presence: online,
		Limiter: func(u chat.ID) (bool, time.Duration) {
			after, ok := sends.Allow(u)
			return ok, after
		},
		Limits: limits, Admit: addresses.Admit, Memory: n.cfg.Memory, PresenceTTL: n.cfg.PresenceTTL,
	})
	if err != nil {
		return err
	}
	n.depends = g.Depends()
	n.hangUp = g.Close
	n.drain = func(ctx context.Context, window time.Duration) {
		ctx, cancel := context.WithTimeout(ctx, window)
		defer cancel()
		g.Drain(ctx)
	}
	if err := n.serveRPC(func(s *grpc.Server) { pb.RegisterGatewayServer(s, g) }); err != nil {
		return err
	}
	return n.servePublic(g)
}

// verifier judges tokens by a key set, which follows its file.
func (n *Node) verifier(what string, jwks []byte, file string) (*token.Verifier, error) {
	keys, err := token.ParseKeys(jwks)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	v := token.NewVerifier(keys, n.cfg.Now)
	n.watch(what, [][]byte{jwks}, func(data [][]byte) error {
		keys, err := token.ParseKeys(data[0])
		if err == nil {
			v.Replace(keys)
		}
		return err
	}, file)
	return v, nil
}

func (n *Node) userVerifier() (*token.Verifier, error) {
	v, err := n.verifier("user_keys", n.cfg.UserKeys, n.cfg.KeyFiles.User)
	if err != nil {
		return nil, err
	}
	return v.Expecting(n.cfg.Security.TokenIssuer, n.cfg.Security.TokenAudience), nil
}

// issuer signs tickets with a key that follows its file.
func (n *Node) issuer() (*token.Issuer, error) {
	key, err := token.ParseKey(n.cfg.TicketKey)
	if err != nil {
		return nil, fmt.Errorf("read ticket key: %w", err)
	}
	i := token.NewIssuer(key, n.cfg.Now)
	n.watch("ticket_key", [][]byte{n.cfg.TicketKey}, func(data [][]byte) error {
		key, err := token.ParseKey(data[0])
		if err == nil {
			i.Replace(key)
		}
		return err
	}, n.cfg.KeyFiles.Ticket)
	return i, nil
}

func (n *Node) buildEdge() error {
	users, err := n.userVerifier()
	if err != nil {
		return err
	}
	tickets, err := n.issuer()
	if err != nil {
		return err
	}
	addresses, err := n.addresses()
	if err != nil {
		return err
	}
	var gateways []edge.Gateway
	for name, rpc := range n.cfg.Gateways {
		public, url, err := n.cfg.Security.gatewayURL(n.cfg.GatewayPublic[name])
		if err != nil {
			return err
		}
		gateways = append(gateways, edge.Gateway{Name: name, RPC: rpc, Public: public, URL: url})
	}
	e, err := edge.New(edge.Config{
		Network: n.cfg.Network, Gateways: gateways, Messages: n.cfg.Messages, Presence: n.cfg.Presences,
		Users: users, Tickets: tickets, Admit: addresses.Admit, Heartbeat: n.cfg.Heartbeat, Poll: n.cfg.Pace,
		Now: n.cfg.Now, Log: n.cfg.Logger, Metrics: n.registry,
	})
	if err != nil {
		return err
	}
	n.onClose(e.Close)
	n.depends = e.Depends()
	return n.servePublic(e)
}
