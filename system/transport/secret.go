package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

const (
	// MinSecret is the least length of a secret, in bytes.
	MinSecret = 32
	maxSecret = 4 << 10
	// secretKey is the metadata of a call that carries the secret.
	secretKey = "chat-cluster-secret"
)

// Secret is what the roles share, so that nobody else's calls are answered. It keeps out who reaches a port; it does not
// hide calls from who reads the wire, which is for the network to prevent.
//
// Two secrets may stand at a time: the first is sent, both are taken. To change it without a break, let all pods have
// old and new, then new and old, then new.
type Secret struct {
	now     atomic.Pointer[secrets]
	refused prometheus.Counter
	warn    rate.Sometimes
	log     *slog.Logger
}

type secrets struct {
	first string
	sums  [][sha256.Size]byte // of equal length, so that a comparison tells nothing
}

// NewSecret reads a secret, or two of them in lines of their own.
func NewSecret(text []byte, log *slog.Logger, r prometheus.Registerer) (*Secret, error) {
	s := &Secret{log: log, warn: rate.Sometimes{First: 1, Interval: 10 * time.Second}, refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "chat_rpc_refused_total", Help: "Calls of others refused, because they did not bring the cluster's secret.",
	})}
	if err := s.Replace(text); err != nil {
		return nil, err
	}
	if err := r.Register(s.refused); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return s, nil
}

// RandomSecret makes a secret for a cluster that lives and dies with its maker.
func RandomSecret() []byte {
	return []byte(hex.EncodeToString([]byte(rand.Text() + rand.Text())))
}

// Replace changes the secret, for the next call each way.
func (s *Secret) Replace(text []byte) error {
	next := &secrets{}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
			continue
		case len(line) < MinSecret || len(line) > maxSecret:
			return fmt.Errorf("read cluster secret: a line of %d bytes: want %d to %d", len(line), MinSecret, maxSecret)
		case bytes.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }):
			return fmt.Errorf("read cluster secret: want printable ASCII, as in base64")
		}
		if next.first == "" {
			next.first = string(line)
		}
		next.sums = append(next.sums, sha256.Sum256(line))
	}
	if n := len(next.sums); n == 0 || n > 2 {
		return fmt.Errorf("read cluster secret: %d lines: want one secret, or two while it changes", n)
	}
	s.now.Store(next)
	return nil
}

// GetRequestMetadata sends the secret with a call.
func (s *Secret) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{secretKey: s.now.Load().first}, nil
}

// RequireTransportSecurity lets the secret go over plain connections: those of a cluster's own network.
func (s *Secret) RequireTransportSecurity() bool { return false }

// check refuses a call that does not bring the secret. What it brought instead is told to nobody.
func (s *Secret) check(ctx context.Context, method string) error {
	if s == nil || s.holds(metadata.ValueFromIncomingContext(ctx, secretKey)) {
		return nil
	}
	s.refused.Inc()
	from := "unknown"
	if p, ok := peer.FromContext(ctx); ok {
		from = p.Addr.String()
	}
	s.warn.Do(func() {
		s.log.Warn("call refused: it does not bring the cluster's secret", "method", method, "from", from)
	})
	return status.Error(codes.Unauthenticated, "the call does not bring the cluster's secret")
}

func (s *Secret) holds(brought []string) bool {
	if len(brought) != 1 {
		return false
	}
	sum, same := sha256.Sum256([]byte(brought[0])), 0
	for _, mine := range s.now.Load().sums {
		same |= subtle.ConstantTimeCompare(sum[:], mine[:])
	}
	return same == 1
}

func (s *Secret) unary(ctx context.Context, req any, i *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := s.check(ctx, i.FullMethod); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (s *Secret) stream(srv any, stream grpc.ServerStream, i *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := s.check(stream.Context(), i.FullMethod); err != nil {
		return err
	}
	return next(srv, stream)
}

// credentials are what a client of this network sends.
func (n Network) credentials() []grpc.DialOption {
	if n.Secret == nil {
		return nil
	}
	return []grpc.DialOption{grpc.WithPerRPCCredentials(n.Secret)}
}
