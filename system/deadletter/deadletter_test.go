package deadletter_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	simkafka "github.com/chatlab/chatlab/sim/kafka"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

func start(t *testing.T) (*simkafka.Cluster, *kafka.Client) {
	log, err := simkafka.Start(simkafka.Config{Topics: wire.Topics(4)})
	require.NoError(t, err)
	t.Cleanup(func() { log.Close() })
	names, brokers := map[string]string{}, []string{}
	for _, b := range log.Brokers() {
		names[b.Announced] = b.Address
		brokers = append(brokers, b.Announced)
	}
	c := kafka.NewClient(kafka.Config{Brokers: brokers, Network: transport.Network{Names: names}, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(c.Close)
	return log, c
}

func desk(t *testing.T, c *kafka.Client, within time.Duration) (*deadletter.Desk, *prometheus.Registry) {
	r := prometheus.NewRegistry()
	d := deadletter.NewDesk(deadletter.Config{Log: c, Group: "g", Pod: "p", Logger: slog.New(slog.DiscardHandler), Metrics: r, Within: within})
	t.Cleanup(func() { _ = d.Close() })
	return d, r
}

func count(t *testing.T, r *prometheus.Registry, name string) int {
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return len(f.GetMetric())
		}
	}
	return 0
}

func TestALetterKeepsItsRecord(t *testing.T) {
	_, c := start(t)
	d, metrics := desk(t, c, 0)
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	r := kafka.Record{Offset: 9, Time: at, Key: []byte("k"), Value: []byte{0xff, 0}, Headers: []kafka.Header{{Key: "traceparent", Value: []byte("00-1")}}}
	require.NoError(t, d.PassOver(t.Context(), "some.topic", 3, r, errors.New(strings.Repeat("long", 5000))))
	got, err := deadletter.List(t.Context(), c)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, deadletter.Origin{Topic: "some.topic", Partition: 3, Offset: 9, Time: at, Group: "g"}, got[0].Origin)
	require.Equal(t, r.Key, got[0].Key)
	require.Equal(t, r.Value, got[0].Value)
	require.Equal(t, r.Headers, got[0].Headers)
	require.Len(t, got[0].Error, 4096)
	require.Equal(t, 1, count(t, metrics, "chat_dead_letters_total"))
	require.Zero(t, count(t, metrics, "chat_dead_letters_lost_total"))
}

// A log that takes no letters holds up a partition for the stated time, and for less while that lasts.
func TestAPartitionGoesOnWithoutItsLetter(t *testing.T) {
	log, c := start(t)
	for _, b := range log.Brokers() {
		require.NoError(t, log.Kill(b.Name))
	}
	d, metrics := desk(t, c, time.Second)
	began := time.Now()
	require.NoError(t, d.PassOver(t.Context(), "some.topic", 0, kafka.Record{}, errors.New("poison")))
	first := time.Since(began)
	require.Less(t, first, 3*time.Second)
	require.NoError(t, d.PassOver(t.Context(), "some.topic", 0, kafka.Record{}, errors.New("poison")))
	require.Less(t, time.Since(began)-first, 800*time.Millisecond)
	require.Equal(t, 1, count(t, metrics, "chat_dead_letters_lost_total"))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, d.PassOver(ctx, "some.topic", 0, kafka.Record{}, errors.New("poison")), context.Canceled, "a worker that ends does not commit")
}

func TestGuard(t *testing.T) {
	plain := errors.New("away for now")
	require.NoError(t, deadletter.Guard(func() error { return nil }))
	require.False(t, deadletter.IsRefused(deadletter.Guard(func() error { return plain })))
	panicked := deadletter.Guard(func() error { panic("no") })
	require.True(t, deadletter.IsRefused(panicked))
	require.ErrorContains(t, panicked, "handling panics: no")
	require.ErrorIs(t, deadletter.Refuse(plain), plain)
}

// The push group's letter of a record brings nothing that the fan-out's does not.
func TestALetterOfThePushGroupIsNotSentAgain(t *testing.T) {
	_, c := start(t)
	l := deadletter.Letter{Origin: deadletter.Origin{Topic: wire.TopicMessages, Group: wire.GroupPush}, Key: []byte("k"), Value: []byte("v")}
	r := deadletter.NewReplayer(c, time.Now)
	var refused *deadletter.RefusedReplay
	require.ErrorAs(t, r.Replay(t.Context(), l), &refused)
	r.Force = true
	require.NoError(t, r.Replay(t.Context(), l))
}
