package fanout_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	simpush "github.com/chatlab/chatlab/sim/push"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/push"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// poisoned is a conversation of three, of whom the last is offline, and one of the loops that read its partition.
type poisoned struct {
	*rig
	conv    chat.ID
	a, b, c chat.ID
	phones  *simpush.Server
}

// reader is a loop that must survive poison.
type reader struct {
	profile, topic, group string
	start                 func(*poisoned) (stop func())
	record                func(*poisoned) any // a good one, to be spoiled
	neighbour             func(*poisoned)
	handled               func(*poisoned) int // neighbours
}

func messages(profile string) reader {
	return reader{
		profile: profile, topic: wire.TopicMessages, group: wire.GroupFanout,
		start:     func(p *poisoned) func() { return p.work() },
		record:    func(p *poisoned) any { return p.record() },
		neighbour: func(p *poisoned) { p.send(p.a, p.conv, chat.NewClientMsgID(time.Now()), "neighbour") },
		handled:   func(p *poisoned) int { return len(p.gateway.frames(p.b)) },
	}
}

func readers() map[string]reader {
	receipts := reader{
		profile: chat.ProfileHardened, topic: wire.TopicReceipts, group: wire.GroupReceipts,
		start:     func(p *poisoned) func() { return p.work() },
		record:    func(p *poisoned) any { return p.receipt() },
		neighbour: func(p *poisoned) { p.put(wire.TopicReceipts, encoded(p.t, p.receipt())) },
		handled:   func(p *poisoned) int { return len(p.gateway.frames(p.a)) },
	}
	pushed := messages(chat.ProfileHardened)
	pushed.group, pushed.handled = wire.GroupPush, (*poisoned).told
	pushed.start = func(p *poisoned) func() {
		stop, end := p.work(), p.notify()
		return func() { end(); stop() }
	}
	return map[string]reader{
		"naive": messages(chat.ProfileDocument), "parallel": messages(chat.ProfileMitigated), "logfirst": messages(chat.ProfileHardened),
		"receipts": receipts, "push": pushed,
	}
}

// A poison record never stops its partition: its letter keeps it as it was, and what stands around it is handled.
func TestAPoisonRecordNeverStopsItsPartition(t *testing.T) {
	t.Parallel()
	for name, reader := range readers() {
		t.Run(name, func(t *testing.T) {
			p := begin(t, reader.profile)
			poison := spoiled(t, reader.record(p))
			for _, value := range poison {
				reader.neighbour(p)
				p.put(reader.topic, value)
			}
			reader.neighbour(p)
			defer reader.start(p)()
			require.Eventually(t, func() bool { return reader.handled(p) == len(poison)+1 }, 30*time.Second, 20*time.Millisecond, "neighbours")
			letters := p.lettersOf(reader.group, len(poison))
			for kind, value := range poison {
				l, ok := letters[string(value)]
				require.True(t, ok, "no letter of the record with %s", kind)
				require.Equal(t, reader.topic, l.Origin.Topic)
				require.Equal(t, p.conv.String(), string(l.Key))
				require.Equal(t, []kafka.Header{{Key: "kept", Value: []byte("as it was")}}, l.Headers)
				require.NotEmpty(t, l.Error)
			}
			if reader.group != wire.GroupPush { // which has metrics of its own
				require.Equal(t, map[string]float64{reader.group: float64(len(poison))}, p.counted(), "letters by the group that could not process them")
			}
		})
	}
}

// counted are the worker's letters by its groups.
func (p *poisoned) counted() map[string]float64 {
	families, err := p.metrics.Gather()
	require.NoError(p.t, err)
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, label := range m.GetLabel() {
				if f.GetName() == "chat_dead_letters_total" && label.GetName() == "group" {
					out[label.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
	return out
}

func begin(t *testing.T, profile string) *poisoned {
	p := &poisoned{rig: newRig(t, profile), a: chat.NewID(), b: chat.NewID(), c: chat.NewID()}
	p.switches.Mutant = "handling_panics"
	p.conv = p.conversation(p.a, p.b, p.c)
	require.NoError(t, p.presence.Leave(t.Context(), redis.Device{User: p.c, Name: "phone", Gateway: "gateway-1", Epoch: 3}))
	return p
}

// spoiled makes of a good record what nobody can process.
func spoiled(t *testing.T, good any) map[string][]byte {
	out := map[string][]byte{"nothing in it": nil, "no JSON": []byte(`{"conversation_id":`), "another type": []byte(`"text"`)}
	change := func(kind string, with func(fields map[string]any)) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal(encoded(t, good), &fields))
		with(fields)
		out[kind] = encoded(t, fields)
	}
	change("a missing field", func(f map[string]any) { delete(f, "conversation_id") })
	if recipients, ok := recipientsOf(t, good); ok {
		change("a missing field inside", func(f map[string]any) { delete(recipients, "recipient_id"); f["recipients"] = []any{recipients} })
		change("an invalid TIMEUUID", func(f map[string]any) { f["recipients"] = []any{with(recipients, "place", chat.NewID())} })
		change("a panic", func(f map[string]any) { f["recipients"] = []any{with(recipients, "device", "panic")} })
		return out
	}
	change("another missing field", func(f map[string]any) { delete(f, "message_id") })
	change("an invalid TIMEUUID", func(f map[string]any) { f["timestamp"] = chat.NewID() })
	change("a panic", func(f map[string]any) { f["content"] = "panic" })
	return out
}

func recipientsOf(t *testing.T, good any) (map[string]any, bool) {
	r, ok := good.(wire.ReceiptRecord)
	if !ok {
		return nil, false
	}
	var fields map[string]any
	require.NoError(t, json.Unmarshal(encoded(t, r.Recipients[0]), &fields))
	return fields, true
}

func with(fields map[string]any, name string, value any) map[string]any {
	out := maps.Clone(fields)
	out[name] = value
	return out
}

func encoded(t *testing.T, v any) []byte {
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return out
}

func (p *poisoned) record() wire.Record {
	m := chat.Message{ConversationID: p.conv, SenderID: p.a, ClientMsgID: chat.NewClientMsgID(time.Now()), Type: chat.TypeText, Content: "good", CreatedAt: time.Now()}
	m.ID = chat.MessageID(p.a, m.ClientMsgID)
	return wire.RecordOf(m)
}

// receipt is one that shows at once: b types.
func (p *poisoned) receipt() wire.ReceiptRecord {
	return wire.ReceiptRecord{ConversationID: p.conv, Status: wire.StatusTyping, Timestamp: time.Now().Add(time.Minute), Recipients: []wire.ReceiptCursor{{RecipientID: p.b, Device: "phone"}}}
}

func (p *poisoned) put(topic string, value []byte) {
	producer := p.client.Producer(topic)
	defer producer.Close()
	require.NoError(p.t, producer.Write(p.t.Context(), []byte(p.conv.String()), value, kafka.Header{Key: "kept", Value: []byte("as it was")}))
}

// lettersOf waits for the letters of a group, by the record's value.
func (p *poisoned) lettersOf(group string, want int) map[string]deadletter.Letter {
	got := map[string]deadletter.Letter{}
	require.Eventually(p.t, func() bool {
		all, err := deadletter.List(p.t.Context(), p.client)
		for _, l := range all {
			if l.Origin.Group == group {
				got[string(l.Value)] = l
			}
		}
		return err == nil && len(got) >= want
	}, 20*time.Second, 20*time.Millisecond)
	require.Len(p.t, got, want)
	return got
}

// notify runs a push pod, and gives c a phone.
func (p *poisoned) notify() (stop func()) {
	var err error
	p.phones, err = simpush.Start(simpush.Config{Name: "providers:443"})
	require.NoError(p.t, err)
	p.t.Cleanup(func() { require.NoError(p.t, p.phones.Close()) })
	credentials, err := p.phones.FCMCredentials()
	require.NoError(p.t, err)
	require.NoError(p.t, p.store.PutDevice(p.t.Context(), chat.PushDevice{User: p.c, Device: "phone", Provider: chat.ProviderFCM, Token: "token"}))
	names := maps.Clone(p.net.Names)
	names["providers:443"] = p.phones.Addr()
	role, err := push.New(push.Config{
		Switches: p.switches, Name: "push-1", Log: p.client, Store: p.store, Presence: p.presence, Now: time.Now, Network: transport.Network{Names: names},
		Providers: push.Providers{FCMCredentials: credentials, FCMURL: p.phones.URL(), CA: p.phones.Authority()},
		Logger:    slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: prometheus.NewRegistry(), Session: 6 * time.Second, PresenceTTL: time.Second,
	})
	require.NoError(p.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(p.t, <-done)
	}
}

// told counts the messages that c's phone was notified of.
func (p *poisoned) told() (n int) {
	for _, shown := range p.phones.Notifications() {
		n += shown.Unread
	}
	return n
}
