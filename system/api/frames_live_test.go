package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/trace"
	"github.com/chatlab/chatlab/system/wire"
)

// busy is a world where a group is soon too busy, and every message is traced.
func busy(cfg *world.Config) {
	cfg.Switches.GroupLimit, cfg.Switches.GroupQueue, cfg.Switches.GroupWait = 5, 1, 100*time.Millisecond
	cfg.Trace = trace.Config{Exporter: tracetest.NewInMemoryExporter(), Ratio: 1}
	cfg.Pace = 100 * time.Millisecond
}

// TestFramesAndRecordsAreAsDescribed makes two devices say everything that a device may say, and judges all that they
// hear and all that the log holds then. Only resync is missing, which takes a broken gateway.
func TestFramesAndRecordsAreAsDescribed(t *testing.T) {
	l := startLive(t, busy)
	group := l.group()
	alice, bob := l.connect("alice", "phone"), l.connect("bob", "phone")
	alice.talk(bob, group)
	alice.flood(group)
	bob.await(wire.TypeThrottled, nil)
	l.drain()
	for _, d := range []*device{alice, bob} {
		d.await(wire.TypeDraining, nil)
		d.hangUp()
	}

	sent, heard := maps.Clone(alice.sent), map[string]bool{wire.TypeResync: true}
	maps.Copy(sent, bob.sent)
	for _, f := range slices.Concat(alice.kept, bob.kept) {
		heard[f.Type] = true
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(l.async.frames(t, "client"))), slices.Collect(maps.Keys(sent)))
	require.ElementsMatch(t, slices.Collect(maps.Keys(l.async.frames(t, "server"))), slices.Collect(maps.Keys(heard)))
	l.judgeLog(group)
}

// talk lets a device say everything, and hear what the other one says.
func (d *device) talk(other *device, group string) {
	token, err := d.world.Token(d.users["alice"], 2*time.Hour)
	require.NoError(d, err)
	d.say(`{"type":"auth","token":%q}`, token)
	d.await(wire.TypeAuth, nil)
	d.say(`{"type":"subscribe","users":[%q]}`, d.users["bob"])
	d.await(wire.TypePresence, func(f wire.ServerFrame) bool { return f.Presence[0].Online })

	d.send(group, "hello")
	d.await(wire.TypeAck, nil)
	hello := other.await(wire.TypeMessage, func(f wire.ServerFrame) bool { return f.Content == "hello" })
	other.say(`{"type":"typing","conversation_id":%q}`, group)
	d.await(wire.TypeTyping, nil)
	other.say(`{"type":"received","conversation_id":%q,"seq":%d}`, group, hello.Seq)
	d.await(wire.TypeReceipt, func(f wire.ServerFrame) bool { return f.Receipts[0].Delivered == 1 })
	other.say(`{"type":"read","conversation_id":%q,"timestamp":%q,"seq":%d}`, group, hello.Timestamp, hello.Seq)
	d.await(wire.TypeReceipt, func(f wire.ServerFrame) bool { return f.Receipts[0].Read == 1 })
	d.say(`{"type":"heartbeat","positions":[{"conversation_id":%q,"seq":0,"timestamp":%q}]}`, group, chat.ID{})
	d.await(wire.TypeHeartbeat, func(f wire.ServerFrame) bool { return len(f.Newer) == 1 })
	d.send(chat.NewID().String(), "to nobody")
	d.await(wire.TypeError, nil)
}

// flood sends until the group's limit refuses.
func (d *device) flood(group string) {
	for i := range 12 {
		d.send(group, fmt.Sprint("more of it: ", i))
	}
	refused := d.await(wire.TypeError, func(f wire.ServerFrame) bool { return f.Code == chat.CodeGroupLimit })
	require.Positive(d, refused.RetryAfterMS)
}

// drain asks the gateway to let its sockets go, and does not wait until it has.
func (l *live) drain() {
	for _, a := range l.world.Addresses() {
		if a.Role == node.Gateway {
			go func() {
				if res, err := http.Post("http://"+a.Admin+"/drain?window=1s", "", nil); err == nil {
					_ = res.Body.Close()
				}
			}()
		}
	}
}

// judgeLog puts a record into the log that no worker can process, and judges everything that the topics hold.
func (l *live) judgeLog(group string) {
	log := kafka.NewClient(kafka.Config{Brokers: l.world.Kafka})
	l.Cleanup(log.Close)
	p := log.Producer(wire.TopicMessages)
	require.NoError(l, p.Write(l.ctx, []byte(group), []byte(`{"half`), kafka.Header{Key: "of", Value: []byte("somebody")}))
	require.NoError(l, p.Close())
	var letters []deadletter.Letter
	require.Eventually(l, func() bool {
		var err error
		letters, err = deadletter.List(l.ctx, log)
		return err == nil && len(letters) >= 2 // of the workers and of those who notify
	}, patience, 50*time.Millisecond)
	replay := deadletter.NewReplayer(log, time.Now)
	replay.Force = true
	require.NoError(l, replay.Replay(l.ctx, letters[len(letters)-1]))

	counts := map[string]int{}
	for _, r := range l.records(log) {
		message := map[string]string{wire.TopicMessages: "record", wire.TopicReceipts: "receipts", wire.TopicDeadLetters: "dead_letter"}[r.topic]
		switch {
		case r.headers["replay-of"] != "":
			message = "replay"
		case string(r.value) == `{"half` && r.topic == wire.TopicMessages:
			continue // ours
		}
		r.judge(l.T, l.async, message)
		require.NoError(l, l.async.validate(l.T, "schemas/ID", fmt.Appendf(nil, "%q", r.key)))
		counts[message]++
		if r.headers["traceparent"] != "" {
			counts["traced"]++
		}
		if strings.Contains(string(r.value), `"throttled"`) {
			counts["throttled"]++
		}
	}
	for _, kind := range []string{"record", "receipts", "dead_letter", "replay", "traced", "throttled"} {
		require.Positive(l, counts[kind], kind)
	}
}

func (l *live) records(log *kafka.Client) (all []record) {
	for topic := range wire.Topics(4) {
		require.NoError(l, log.Scan(l.ctx, topic, func(_ int, r kafka.Record) error {
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			all = append(all, record{topic, string(r.Key), headers, r.Value})
			return nil
		}))
	}
	return all
}
