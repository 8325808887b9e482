package presence

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

// Pods is a connection to all presence pods of a system, for pb.NewPresencesClient. Any pod answers for any user, so
// calls take turns. A pod whose connection is down is passed over; a call that one pod does not answer is repeated
// once on another, which every call of presence may be, within the retry budget.
type Pods struct {
	conns  []*grpc.ClientConn
	turn   atomic.Uint64
	budget *resilience.Budget
}

// Dial makes the connection; it dials when it is first used.
func Dial(n transport.Network, addresses []string, meter *resilience.Meter) (*Pods, error) {
	p := &Pods{budget: meter.Budget(resilience.GatewayPresence, "presence")}
	for _, a := range addresses {
		conn, err := n.Client(a)
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("make client of presence pod: %w", err)
		}
		p.conns = append(p.conns, conn)
	}
	if len(p.conns) == 0 {
		return nil, errors.New("make client of presence pods: no address")
	}
	return p, nil
}

// Close ends the connections.
func (p *Pods) Close() {
	for _, c := range p.conns {
		c.Close()
	}
}

// Invoke makes a call.
func (p *Pods) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(ctx, resilience.GatewayPresence.Overall())
	defer cancel()
	err := status.Error(codes.Unavailable, "no presence pod can be reached")
	up := p.up()
	p.budget.Call()
	for i, conn := range up {
		if i > 0 && !p.budget.Retry() {
			return err
		}
		err = attempt(ctx, conn, i+1 < len(up), method, args, reply, opts)
		if err == nil || ctx.Err() != nil || !repeat(err) {
			return err
		}
	}
	return err
}

// up are the pods to try, in turn.
func (p *Pods) up() (conns []*grpc.ClientConn) {
	first := int(p.turn.Add(1) % uint64(len(p.conns)))
	for i := range p.conns {
		c := p.conns[(first+i)%len(p.conns)]
		if c.GetState() != connectivity.TransientFailure {
			conns = append(conns, c)
		}
	}
	return conns[:min(len(conns), resilience.GatewayPresence.Policy().Attempts)]
}

// attempt makes a call on one pod. When another could be asked after it, it gets half of the time: a frozen pod must
// not cost the call its second chance.
func attempt(ctx context.Context, conn *grpc.ClientConn, others bool, method string, args, reply any, opts []grpc.CallOption) error {
	if end, ok := ctx.Deadline(); ok && others {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	return conn.Invoke(ctx, method, args, reply, opts...)
}

// repeat says whether another pod may do better: this one, or its way to the store, is silent.
func repeat(err error) bool {
	code := transport.Refusal(err).Code
	return code == chat.CodeUnavailable || code == chat.CodeUnknownOutcome
}

// NewStream is refused: presence has no streams.
func (p *Pods) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "presence has no streams")
}
