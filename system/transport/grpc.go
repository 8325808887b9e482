package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// maxMessage bounds a gRPC message: a page of history at its largest is 200 x 32 KiB.
const maxMessage = 8 << 20

// Client makes a gRPC connection that dials lazily through the network and comes back within a second.
func (n Network) Client(address string) (*grpc.ClientConn, error) {
	policy := resilience.Connect.Policy()
	c, err := grpc.NewClient("passthrough:///"+address, append(append(n.clientTrace(), n.credentials()...),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, a string) (net.Conn, error) { return n.Dial(ctx, "tcp", a) }),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: policy.Backoff.First, Multiplier: 1.6, Jitter: 0.2, MaxDelay: policy.Backoff.Max},
			MinConnectTimeout: policy.Timeout,
		}),
		// A frozen or unreachable peer is noticed by pings, not by TCP's minutes.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: policy.Ping.Every, Timeout: policy.Ping.Within}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithDisableServiceConfig(),
	)...)
	if err != nil {
		return nil, fmt.Errorf("make client of %s: %w", address, err)
	}
	return c, nil
}

// Server makes a gRPC server whose handlers return chat errors.
func (n Network) Server() *grpc.Server {
	return grpc.NewServer(append(n.serverTrace(),
		grpc.ChainUnaryInterceptor(n.Secret.unary, refuse),
		grpc.StreamInterceptor(n.Secret.stream),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: resilience.Connect.Policy().Ping.Every / 2, PermitWithoutStream: true}),
	)...)
}

func refuse(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	res, err := next(ctx, req)
	if err != nil {
		return nil, toStatus(err)
	}
	return res, nil
}

func toStatus(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	e := chat.AsError(err)
	if e.Code == chat.CodeInternal && errors.Is(err, context.DeadlineExceeded) {
		e = chat.Errorf(chat.CodeUnknownOutcome, "deadline passed before an answer was known")
	}
	st, detailErr := status.New(codes.Aborted, e.Message).WithDetails(&pb.Refusal{
		Code: string(e.Code), Message: e.Message, RetryAfterMs: e.RetryAfter.Milliseconds(),
	})
	if detailErr != nil {
		return status.Error(codes.Internal, e.Message)
	}
	return st.Err()
}

// Refusal turns the error of a call back into the chat error that the other side returned. A call whose outcome is
// not known is CodeUnknownOutcome, one that surely did nothing is CodeUnavailable.
func Refusal(err error) *chat.Error {
	st, ok := status.FromError(err)
	if !ok {
		return chat.AsError(err)
	}
	for _, d := range st.Details() {
		if r, ok := d.(*pb.Refusal); ok {
			return chat.Errorf(chat.Code(r.Code), "%s", r.Message).After(time.Duration(r.RetryAfterMs) * time.Millisecond)
		}
	}
	switch st.Code() {
	case codes.ResourceExhausted, codes.Unimplemented, codes.Unauthenticated:
		return chat.Errorf(chat.CodeUnavailable, "service refused the call").After(time.Second)
	}
	return chat.Errorf(chat.CodeUnknownOutcome, "no answer from the service").After(200 * time.Millisecond)
}

// CallOf names the call that a server does in a context; "none": it does none.
func CallOf(ctx context.Context) string {
	if method, ok := grpc.Method(ctx); ok {
		return path.Base(method)
	}
	return "none"
}
