// Package trace follows one message through every hop: W3C trace context in frames, calls and Kafka headers, and spans
// that an OpenTelemetry collector can take.
package trace

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Header is the name under which the context travels in frames, HTTP and Kafka headers.
const Header = "traceparent"

// Config says who traces and where to.
type Config struct {
	Role, Pod string
	// Endpoint is the URL of an OTLP collector (gRPC), for example http://collector:4317. Empty: nothing is exported.
	Endpoint string
	// Ratio is the share of messages that start a trace here. One that comes with a context keeps that context's choice.
	Ratio float64
	// Exporter replaces the one that Endpoint names.
	Exporter sdktrace.SpanExporter
}

// Tracer makes spans. A nil Tracer makes none and costs nothing.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// New makes a tracer; nil if the config names nowhere to export to.
func New(ctx context.Context, cfg Config) (*Tracer, error) {
	exporter := cfg.Exporter
	if exporter == nil && cfg.Endpoint == "" {
		return nil, nil
	}
	if exporter == nil {
		var err error
		if exporter, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(cfg.Endpoint)); err != nil {
			return nil, fmt.Errorf("make trace exporter: %w", err)
		}
	}
	p := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(cfg.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.namespace", "chat"), attribute.String("service.name", "chat-"+cfg.Role),
			attribute.String("service.instance.id", cfg.Pod),
		)),
	)
	return &Tracer{p, p.Tracer("github.com/chatlab/chatlab/system")}, nil
}

// Close exports what is left.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Flush exports what has ended.
func (t *Tracer) Flush(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.ForceFlush(ctx)
}

// Provider is what instrumentation libraries take.
func (t *Tracer) Provider() trace.TracerProvider {
	if t == nil {
		return noop.NewTracerProvider()
	}
	return t.provider
}

// Start begins a span below the one that ctx carries.
func (t *Tracer) Start(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	ctx, s := t.tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	return ctx, &Span{s}
}

// Span is work under way. A nil Span is none.
type Span struct{ s trace.Span }

// End ends the span; an error marks it.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	if err != nil {
		s.s.SetStatus(codes.Error, err.Error())
	}
	s.s.End()
}

// Note records work that is done already, below the span that a traceparent names. Where many messages are worked on
// together, each that is traced gets its own span that way, and the others cost a comparison.
func (t *Tracer) Note(traceparent, name string, start time.Time, err error, attributes ...attribute.KeyValue) {
	if t == nil || traceparent == "" {
		return
	}
	_, s := t.tracer.Start(With(context.Background(), traceparent), name, trace.WithTimestamp(start), trace.WithAttributes(attributes...))
	(&Span{s}).End(err)
}

// Conversation names the conversation that a span is about.
func Conversation(id fmt.Stringer) attribute.KeyValue {
	return attribute.Stringer("chat.conversation.id", id)
}

// Message names the message that a span is about.
func Message(id fmt.Stringer) attribute.KeyValue {
	return attribute.Stringer("messaging.message.id", id)
}

// With returns ctx below the span that a traceparent names; one that cannot be read changes nothing.
func With(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return Propagator().Extract(ctx, propagation.MapCarrier{Header: traceparent})
}

// Of is the traceparent of ctx's span if it is sampled, or empty.
func Of(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	c := propagation.MapCarrier{}
	Propagator().Inject(ctx, c)
	return c[Header]
}

// Propagator is the W3C trace context.
func Propagator() propagation.TextMapPropagator { return propagation.TraceContext{} }
