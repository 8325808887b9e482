package transport

import (
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/chatlab/chatlab/system/trace"
)

// clientTrace makes spans of calls and sends their context along.
func (n Network) clientTrace() []grpc.DialOption {
	if n.Tracer == nil {
		return nil
	}
	return []grpc.DialOption{grpc.WithStatsHandler(otelgrpc.NewClientHandler(n.traceOptions()...))}
}

func (n Network) serverTrace() []grpc.ServerOption {
	if n.Tracer == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.StatsHandler(otelgrpc.NewServerHandler(n.traceOptions()...))}
}

func (n Network) traceOptions() []otelgrpc.Option {
	return []otelgrpc.Option{
		otelgrpc.WithTracerProvider(n.Tracer.Provider()), otelgrpc.WithPropagators(trace.Propagator()), otelgrpc.WithFilter(ofMessage),
	}
}

// ofMessage leaves out what belongs to no message: signs of life, looks at each other, and the streams of deliveries,
// which live as long as their pods.
func ofMessage(call *stats.RPCTagInfo) bool {
	return strings.HasPrefix(call.FullMethodName, "/chatlab.v1.Messages/")
}
