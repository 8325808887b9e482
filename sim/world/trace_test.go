package world_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/trace"
)

// kept is an exporter that keeps its spans when a role shuts it down.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }

// spans groups the names of spans by trace and service.
func spans(stubs tracetest.SpanStubs) map[string][]string {
	out := map[string][]string{}
	for _, s := range stubs {
		id := s.SpanContext.TraceID().String()
		out[id] = append(out[id], serviceOf(s)+" "+s.Name)
	}
	return out
}

func serviceOf(s tracetest.SpanStub) string {
	for _, a := range s.Resource.Attributes() {
		if a.Key == "service.name" {
			return a.Value.AsString()
		}
	}
	return ""
}

var _ sdktrace.SpanExporter = kept{}

// TestOneTraceFollowsAMessageThroughEveryHop: from the gateway that takes it, through message pod, log and worker, to
// the gateway that pushes it, and into the frame.
func TestOneTraceFollowsAMessageThroughEveryHop(t *testing.T) {
	exporter := kept{tracetest.NewInMemoryExporter()}
	sw, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	w, err := world.Start(t.Context(), world.Config{Partitions: 2, Switches: sw, Trace: trace.Config{Exporter: exporter, Ratio: 1}})
	require.NoError(t, err)
	var end sync.Once
	stop := func() { end.Do(w.Close) }
	t.Cleanup(stop)

	shown := make(chan client.Event, 8)
	user := chat.NewID()
	c, err := client.New(client.Config{
		EdgeURL: w.EdgeURL, UserID: user, Device: "phone",
		Token: func(context.Context) (string, error) { return w.Token(user, time.Hour) },
		Observe: func(e client.Event) {
			if e.Kind == client.Shown {
				shown <- e
			}
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var app sync.WaitGroup
	app.Go(func() { _ = c.Run(ctx) })
	conv, err := c.CreateConversation(ctx, chat.Group, []chat.ID{user})
	require.NoError(t, err)
	_, err = c.Send(ctx, conv.ID, "hello")
	require.NoError(t, err)
	select {
	case <-shown:
	case <-ctx.Done():
		t.Fatal("the message did not arrive")
	}
	cancel()
	app.Wait()
	stop() // exports what is left

	want := []string{
		"chat-gateway gateway send", "chat-gateway chatlab.v1.Messages/Send", "chat-message chatlab.v1.Messages/Send",
		"chat-fanout fanout store", "chat-fanout fanout push", "chat-gateway gateway push",
	}
	var all []string
	for _, names := range spans(exporter.GetSpans()) {
		all = append(all, names...)
		if slices.Contains(names, want[0]) {
			require.Subset(t, names, want)
			return
		}
	}
	t.Fatalf("no trace begins at the gateway: %v", all)
}
