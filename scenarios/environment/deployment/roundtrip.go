package deployment

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// RoundTrip measures what an awaited call from a worker to a gateway costs on their link as it is now: the median of
// some empty calls, the network's share and grpc's own.
func (s *System) RoundTrip(ctx context.Context, from, to string) (time.Duration, error) {
	found := s.links.between(from, to)
	if len(found) == 0 {
		return 0, fmt.Errorf("measure round trip: no link leads from %s to %s", from, to)
	}
	text, err := os.ReadFile(s.keys.secret)
	if err != nil {
		return 0, fmt.Errorf("measure round trip: %w", err)
	}
	secret, err := transport.NewSecret(text, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		return 0, fmt.Errorf("measure round trip: %w", err)
	}
	conn, err := transport.Network{Secret: secret}.Client(found[0].Addr())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	gateway := pb.NewGatewayClient(conn)
	var took []time.Duration
	for range 22 {
		start := time.Now()
		if _, err := gateway.Status(ctx, &pb.StatusRequest{}); err != nil {
			return 0, fmt.Errorf("measure round trip: %w", err)
		}
		took = append(took, time.Since(start))
	}
	took = took[2:] // the first ones dial
	slices.Sort(took)
	return took[len(took)/2], nil
}
