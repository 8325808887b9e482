package message

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	simcassandra "github.com/chatlab/chatlab/sim/cassandra"
	simredis "github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// A conversation whose creation ended half-way, with entries of its members and no row of its own, costs them nothing.
func TestAnUnfinishedConversationIsInNobodysWay(t *testing.T) {
	s := reader(t)
	alice, bob := chat.NewID(), chat.NewID()
	made, err := s.CreateConversation(t.Context(), &pb.CreateConversationRequest{UserId: alice[:], Kind: chat.Direct, Members: wire.IDBytes(bob)})
	require.NoError(t, err)
	half := chat.NewID()
	place := chat.Place{Timestamp: order.TimeUUID(order.TicksOf(time.Now()), 0, 0)}
	require.NoError(t, s.cfg.Store.AddMembers(t.Context(), half, []chat.ID{alice}, place))

	list, err := s.ListConversations(t.Context(), &pb.ListConversationsRequest{UserId: alice[:], Limit: 20})
	require.NoError(t, err)
	require.Len(t, list.Conversations, 1)
	require.Equal(t, made.ConversationId, list.Conversations[0].ConversationId)
	known, err := s.Contacts(t.Context(), &pb.ContactsRequest{UserId: alice[:], Users: wire.IDBytes(bob)})
	require.NoError(t, err)
	require.Equal(t, wire.IDBytes(bob), known.Users)
	_, err = s.Typing(t.Context(), &pb.TypingRequest{ConversationId: half[:], UserId: alice[:]})
	require.Equal(t, chat.NotMember(half), chat.AsError(err))
}

// reader is a service that needs no log.
func reader(t *testing.T) *Service {
	s, _ := readerOver(t)
	return s
}

// readerOver also gives its storage.
func readerOver(t *testing.T) (*Service, *simcassandra.Cluster) {
	tables, err := simcassandra.New(simcassandra.Config{})
	require.NoError(t, err)
	t.Cleanup(tables.Close)
	mini, err := simredis.New(simredis.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { mini.Close() })
	names := tables.Routes()
	names["redis:6379"] = mini.Addr()
	net, quiet := transport.Network{Names: names}, slog.New(slog.DiscardHandler)
	cfg := cassandra.Config{Hosts: tables.Hosts(), Keyspace: "chat", Replicas: 3, Network: net, Log: quiet}
	require.NoError(t, cassandra.Migrate(t.Context(), cfg))
	store, err := cassandra.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	rc := redis.NewClient(redis.Config{Address: "redis:6379", Network: net})
	t.Cleanup(func() { rc.Close() })
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	s, err := New(Config{
		Switches: switches, Store: store, Cache: redis.NewCache(rc, 0), Reads: redis.NewReads(rc, 0),
		Now: time.Now, Logger: quiet, Metrics: prometheus.NewRegistry(),
	})
	require.NoError(t, err)
	return s, tables
}
