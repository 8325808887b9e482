package transport

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	old   = "old-0123456789abcdefghijklmnopqrstuv"
	fresh = "new-0123456789abcdefghijklmnopqrstuv"
)

func secret(t *testing.T, text string) *Secret {
	s, err := NewSecret([]byte(text), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	return s
}

// answering is a gateway that answers everything.
type answering struct{ pb.UnimplementedGatewayServer }

func (answering) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	return &pb.StatusResponse{Connections: 7}, nil
}

func (answering) Deliver(s pb.Gateway_DeliverServer) error {
	return s.Send(&pb.DeliverResponse{Number: 7})
}

func serve(t *testing.T, s *Secret) string {
	n := Network{Secret: s}
	l, err := n.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := n.Server()
	pb.RegisterGatewayServer(server, answering{})
	go server.Serve(l)
	t.Cleanup(server.Stop)
	return l.Addr().String()
}

// call makes a unary call and opens a stream, which must end alike.
func call(t *testing.T, n Network, address string, with ...string) codes.Code {
	conn, err := n.Client(address)
	require.NoError(t, err)
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(t.Context(), with...)
	c := pb.NewGatewayClient(conn)
	_, unary := c.Status(ctx, &pb.StatusRequest{})
	stream, err := c.Deliver(ctx, grpc.WaitForReady(true))
	require.NoError(t, err)
	_, streamed := stream.Recv()
	require.Equal(t, status.Code(unary), status.Code(streamed))
	if unary != nil {
		require.Equal(t, chat.CodeUnavailable, Refusal(unary).Code, "it surely did nothing")
	}
	return status.Code(unary)
}

func TestCallsBringTheSecret(t *testing.T) {
	for _, c := range []struct {
		name, server, client string
		with                 []string
		want                 codes.Code
	}{
		{"none asked", "", "", nil, codes.OK},
		{"the same", old, old, nil, codes.OK},
		{"none", old, "", nil, codes.Unauthenticated},
		{"another", old, fresh, nil, codes.Unauthenticated},
		{"a beginning", old, "", []string{secretKey, old[:32]}, codes.Unauthenticated},
		{"empty", old, "", []string{secretKey, ""}, codes.Unauthenticated},
		{"two guesses", old, "", []string{secretKey, old, secretKey, fresh}, codes.Unauthenticated},
		{"rotation: servers first", old + "\n" + fresh, old, nil, codes.OK},
		{"rotation: clients change", old + "\n" + fresh + "\n", fresh + "\r\n" + old, nil, codes.OK},
		{"rotation: over", fresh, old + "\n" + fresh, nil, codes.Unauthenticated},
	} {
		t.Run(c.name, func(t *testing.T) {
			var server, client *Secret
			if c.server != "" {
				server = secret(t, c.server)
			}
			if c.client != "" {
				client = secret(t, c.client)
			}
			require.Equal(t, c.want, call(t, Network{Secret: client}, serve(t, server), c.with...))
			if server != nil {
				want := 0.0
				if c.want != codes.OK {
					want = 2
				}
				require.Equal(t, want, testutil.ToFloat64(server.refused))
			}
		})
	}
}

func TestASecretIsReplacedWhileCallsGoOn(t *testing.T) {
	server, client := secret(t, old), secret(t, old)
	at := serve(t, server)
	require.Equal(t, codes.OK, call(t, Network{Secret: client}, at))
	require.NoError(t, server.Replace([]byte(fresh)))
	require.Equal(t, codes.Unauthenticated, call(t, Network{Secret: client}, at))
	require.NoError(t, client.Replace([]byte(fresh)))
	require.Equal(t, codes.OK, call(t, Network{Secret: client}, at))
}

func TestTheSecretIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	s, err := NewSecret([]byte(old), slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry())
	require.NoError(t, err)
	at := serve(t, s)
	require.Equal(t, codes.Unauthenticated, call(t, Network{}, at, secretKey, fresh))
	require.Contains(t, log.String(), "/chatlab.v1.Gateway/Status")
	require.NotContains(t, log.String(), old)
	require.NotContains(t, log.String(), fresh)
}

func TestBadSecrets(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "blank": " \n\n", "short": strings.Repeat("x", MinSecret-1), "three": old + "\n" + fresh + "\n" + old,
		"second short": old + "\nx", "binary": strings.Repeat("\x00", 40), "long": strings.Repeat("x", maxSecret+1),
	} {
		_, err := NewSecret([]byte(text), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		require.ErrorContains(t, err, "read cluster secret", name)
		if text != "" {
			require.NotContains(t, err.Error(), strings.TrimSpace(text)+"\"", name)
		}
	}
	require.NoError(t, secret(t, old).Replace(RandomSecret()))
}
