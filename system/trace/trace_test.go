package trace_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/chatlab/chatlab/system/trace"
)

const sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func tracer(t *testing.T, ratio float64) (*trace.Tracer, *tracetest.InMemoryExporter) {
	spans := tracetest.NewInMemoryExporter()
	tr, err := trace.New(t.Context(), trace.Config{Role: "gateway", Pod: "gateway-1", Exporter: spans, Ratio: ratio})
	require.NoError(t, err)
	return tr, spans
}

func TestAContextThatComesAlongDecides(t *testing.T) {
	for _, c := range []struct {
		parent  string
		ratio   float64
		sampled bool
	}{
		{sampled, 0, true},
		{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", 1, false},
		{"", 1, true},
		{"", 0, false},
		{"no trace context", 0, false},
		{"no trace context", 1, true},
	} {
		tr, _ := tracer(t, c.ratio)
		ctx, span := tr.Start(trace.With(t.Context(), c.parent), "send")
		require.Equal(t, c.sampled, trace.Of(ctx) != "", "%+v", c)
		if c.parent == sampled {
			require.Contains(t, trace.Of(ctx), "0af7651916cd43dd8448eb211c80319c")
		}
		span.End(nil)
	}
}

func TestWorkThatIsDoneIsNotedBelowItsMessage(t *testing.T) {
	tr, spans := tracer(t, 0)
	start := time.Now().Add(-time.Second)
	tr.Note(sampled, "store", start, errors.New("no quorum"))
	tr.Note("", "store", start, nil)
	require.NoError(t, tr.Flush(t.Context()))
	got := spans.GetSpans()
	require.Len(t, got, 1)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", got[0].SpanContext.TraceID().String())
	require.Equal(t, start.UnixNano(), got[0].StartTime.UnixNano())
	require.Equal(t, codes.Error, got[0].Status.Code)
}

func TestNoTracerCostsNothing(t *testing.T) {
	tr, err := trace.New(t.Context(), trace.Config{})
	require.NoError(t, err)
	require.Nil(t, tr)
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, span := tr.Start(ctx, "send")
		span.End(nil)
		tr.Note(sampled, "store", time.Time{}, nil)
	}))
	require.NoError(t, tr.Close(ctx))
}

func TestLogsNameTheTrace(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(trace.Logs(slog.NewTextHandler(&out, nil))).With("pod", "gateway-1")
	log.InfoContext(trace.With(t.Context(), sampled), "sent")
	log.Info("alone")
	require.Contains(t, out.String(), "trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331")
	require.Equal(t, 1, bytes.Count(out.Bytes(), []byte("trace_id")))
}
