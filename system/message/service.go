// Package message is the role that takes sends and serves history: it validates, moderates, limits, writes and
// acknowledges, and reads for those who may see.
package message

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/readiness"
	"github.com/chatlab/chatlab/system/recent"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// Config is what the role needs.
type Config struct {
	Switches chat.Switches
	Store    *cassandra.Store
	Cache    *redis.Cache
	Limits   *redis.Limits // on one user's sends, shared by all pods; nil: none
	Log      *kafka.Producer
	Receipts *kafka.Producer // to chat.delivery_receipt
	Reads    *redis.Reads
	Now      func() time.Time // the pod's wall clock: message times and the age of a client_msg_id
	Logger   *slog.Logger
	Metrics  prometheus.Registerer
	// Moderate refuses a text before anything is written. Nil lets everything pass.
	Moderate func(ctx context.Context, sender chat.ID, content string) error
}

// Service implements pb.MessagesServer.
type Service struct {
	pb.UnimplementedMessagesServer
	cfg           Config
	writer        writer
	users         *userLimit
	limiter       *groupLimiter
	stamps        *recent.Map[chat.ID, stamp]
	conversations *memo[chat.ID, chat.Conversation]
	memberships   *memo[memberKey, chat.Membership]
	heads         *memo[chat.ID, cassandra.Head]
	contacts      *memo[chat.ID, contactSet]
	places        *memo[chat.ID, []order.Row]
	progress      *memo[chat.ID, chat.Progress]
	pages         sharedPages
	metrics       metrics
}

// A writer is one write path: it returns nil when what the path calls durable is done.
type writer interface {
	write(ctx context.Context, m chat.Message, members []chat.ID) error
}

type memberKey struct{ user, conversation chat.ID }

// How long a pod trusts what it read. A change of members made through this system takes effect for sends within it;
// what a user may see is decided by places, not by this.
const memberTTL = time.Second

// New makes the role.
func New(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, metrics: newMetrics(cfg.Metrics), stamps: recent.New[chat.ID, stamp](maxStamps)}
	switch cfg.Switches.WritePath {
	case chat.WriteNaive:
		s.writer = naive{cfg}
	case chat.WriteParallel:
		s.writer = parallel{cfg}
	case chat.WriteLogFirst:
		s.writer = logFirst{cfg.Log}
	default:
		return nil, fmt.Errorf("write path %q is unknown", cfg.Switches.WritePath)
	}
	s.writer = withDefect(cfg.Switches.Mutant, s.writer)
	s.users = newUserLimit(cfg)
	s.limiter = newGroupLimiter(cfg.Switches.GroupLimit, cfg.Switches.GroupQueue, min(cfg.Switches.GroupWait, resilience.GroupTurn.Timeout()), s.metrics.queued)
	cfg.Metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chat_group_limit_longest_queue_length", Help: "Sends that wait for the limit of the group of this pod for which most wait.",
	}, func() float64 { return float64(s.limiter.longest()) }))
	s.conversations = newMemo(memberTTL, cfg.Store.Conversation)
	s.memberships = newMemo(memberTTL, func(ctx context.Context, k memberKey) (chat.Membership, error) {
		return cfg.Store.Membership(ctx, k.user, k.conversation)
	})
	s.heads = newMemo(chat.HeadTTL, cfg.Store.Head)
	s.contacts = newMemo(contactTTL, s.readContacts)
	s.contacts.most = maxContactSets
	s.places = newMemo(cursorTTL, func(ctx context.Context, conv chat.ID) ([]order.Row, error) {
		return cfg.Store.Places(ctx, conv, newestPlaces)
	})
	s.progress = newMemo(cursorTTL, s.loadProgress)
	s.places.most, s.progress.most = maxPlaces, maxPlaces
	return s, nil
}

// conversation says who is in one. One that does not exist has nobody in it, so all are strangers there; that is not
// remembered, for it may just be coming into being.
func (s *Service) conversation(ctx context.Context, id chat.ID) (chat.Conversation, error) {
	c, err := s.conversations.get(ctx, id)
	if err != nil && chat.AsError(err).Code == chat.CodeNotFound {
		return chat.Conversation{ID: id}, nil
	}
	return c, err
}

// Depends are a quorum of storage and the log. Without the cache history is slower, each pod limits users by itself, and
// sends go on.
func (s *Service) Depends() readiness.Dependencies {
	return readiness.Dependencies{readiness.Cassandra(s.cfg.Store.Ready), readiness.Kafka(s.cfg.Log.Ready), readiness.Cache(s.cfg.Cache.Ready)}
}

// logFirst acknowledges when the log has the record on all in-sync replicas; everything else follows from the log.
type logFirst struct{ log *kafka.Producer }

func (w logFirst) write(ctx context.Context, m chat.Message, _ []chat.ID) error {
	return produce(ctx, w.log, wire.RecordOf(m))
}

func produce(ctx context.Context, log *kafka.Producer, r wire.Record) error {
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	return log.Write(ctx, r.Key(), value)
}
