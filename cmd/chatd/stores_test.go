package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	simcassandra "github.com/chatlab/chatlab/sim/cassandra"
	simkafka "github.com/chatlab/chatlab/sim/kafka"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// TestScriptsWithStores plays what operators type where stores run, each script with stores of its own.
func TestScriptsWithStores(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/stores", RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error { return startStores(t, e) },
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "letter": letter},
	})
}

const theLog = "log" // in a script's values

func startStores(t *testing.T, e *testscript.Env) error {
	log, err := simkafka.Start(simkafka.Config{})
	require.NoError(t, err)
	e.Defer(func() { log.Close() })
	tables, err := simcassandra.New(simcassandra.Config{})
	require.NoError(t, err)
	e.Defer(tables.Close)
	names, brokers := maps.Clone(tables.Routes()), []string{}
	for _, b := range log.Brokers() {
		names[b.Announced] = b.Address
		brokers = append(brokers, b.Announced)
	}
	var pairs []string
	for from, to := range names {
		pairs = append(pairs, from+"="+to)
	}
	client := kafka.NewClient(kafka.Config{Brokers: brokers, Network: transport.Network{Names: names}, Log: slog.New(slog.DiscardHandler)})
	e.Defer(client.Close)
	e.Values[theLog] = client
	e.Setenv(asCommand, "1")
	e.Setenv("CHATD_KAFKA", strings.Join(brokers, ","))
	e.Setenv("CHATD_CASSANDRA", strings.Join(tables.Hosts(), ","))
	e.Setenv("CHATD_NAMES", strings.Join(pairs, ";"))
	return nil
}

// letter AGE TEXT: a worker passes over a message of that age; AGE "unreadable" makes a record that is none.
func letter(ts *testscript.TestScript, _ bool, args []string) {
	value := []byte(args[1])
	if age, err := time.ParseDuration(args[0]); err == nil {
		value, err = json.Marshal(wire.Record{
			MessageID: chat.NewID(), ConversationID: chat.NewID(), SenderID: chat.NewID(), Content: args[1], MessageType: chat.TypeText,
			ClientMsgID: chat.NewClientMsgID(time.Now().Add(-age)),
		})
		ts.Check(err)
	}
	desk := deadletter.NewDesk(deadletter.Config{
		Log: ts.Value(theLog).(*kafka.Client), Group: wire.GroupFanout, Pod: "fanout-1", Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	defer desk.Close()
	r := kafka.Record{Offset: 7, Time: time.Now(), Key: []byte("key"), Value: value}
	ts.Check(desk.PassOver(context.Background(), wire.TopicMessages, 2, r, errors.New("no worker bears it")))
}
