package fanout

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	simkafka "github.com/chatlab/chatlab/sim/kafka"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// What panics when it is told does not hold the offset for ever: the record that began it is a letter.
func TestAConversationThatCannotBeToldIsPassedOver(t *testing.T) {
	log, err := simkafka.Start(simkafka.Config{Topics: wire.Topics(1)})
	require.NoError(t, err)
	t.Cleanup(func() { log.Close() })
	names, brokers := map[string]string{}, []string{}
	for _, b := range log.Brokers() {
		names[b.Announced], brokers = b.Address, append(brokers, b.Announced)
	}
	client := kafka.NewClient(kafka.Config{Brokers: brokers, Network: transport.Network{Names: names}, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(client.Close)
	cfg := Config{Name: "fanout-1", Log: client, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Now: time.Now}
	w := &Worker{cfg: cfg, letters: newDesks(cfg)} // without a store, which panics
	t.Cleanup(w.letters.close)

	all := &tallies{byID: map[chat.ID]*tally{}, changed: map[chat.ID]*tally{}, next: 8}
	rec := wire.ReceiptRecord{ConversationID: chat.NewID(), Status: wire.StatusRead, Recipients: []wire.ReceiptCursor{{RecipientID: chat.NewID(), Seq: 4}}}
	all.note(rec, kafka.Record{Offset: 7, Key: rec.Key(), Value: []byte("the first")})
	all.settle()
	require.EqualValues(t, 7, all.committed())
	w.tellSenders(t.Context(), 0, all.due(time.Now()))
	all.settle()
	require.EqualValues(t, 8, all.committed())
	letters, err := deadletter.List(t.Context(), client)
	require.NoError(t, err)
	require.Len(t, letters, 1)
	require.Equal(t, "the first", string(letters[0].Value))
	require.Equal(t, wire.GroupReceipts, letters[0].Origin.Group)
	require.EqualValues(t, 7, letters[0].Origin.Offset)
}
