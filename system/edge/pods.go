package edge

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/affinity"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

// podRetryAfter is when to come back if no pod could take a call.
const podRetryAfter = time.Second

// pods are the pods of one role. A pod that does not answer three calls in a row is left alone for a second, then
// tried by one call at a time.
type pods struct {
	addresses []string
	list      []pod
	turn      atomic.Uint64
	budgets   map[resilience.Call]*resilience.Budget
}

type pod struct {
	conn    *grpc.ClientConn
	breaker *gobreaker.CircuitBreaker[any]
}

func newPods(n transport.Network, role string, addresses []string, meter *resilience.Meter) (*pods, error) {
	p := &pods{addresses: addresses, budgets: map[resilience.Call]*resilience.Budget{
		resilience.EdgeOnce:   meter.Budget(resilience.EdgeOnce, role),
		resilience.EdgeRepeat: meter.Budget(resilience.EdgeRepeat, role),
	}}
	for _, a := range addresses {
		conn, err := n.Client(a)
		if err != nil {
			p.close()
			return nil, fmt.Errorf("make client of pod: %w", err)
		}
		p.list = append(p.list, pod{conn, resilience.NewBreaker[any](meter, a, gobreaker.Settings{
			IsSuccessful: func(err error) bool { return !silent(err) },
			IsExcluded:   func(err error) bool { return status.Code(err) == codes.Canceled },
		}, resilience.EdgeOnce, resilience.EdgeRepeat)})
	}
	return p, nil
}

func (p *pods) close() {
	if p == nil {
		return
	}
	for _, pod := range p.list {
		pod.conn.Close()
	}
}

// once and repeatable say what a call may suffer: a repeatable one changes nothing, or the same thing twice.
const (
	once       = false
	repeatable = true
)

// plan is the order in which pods are tried for one call.
type plan struct {
	*pods
	order      []int
	repeatable bool
}

// of prefers the pod of the conversation.
func (p *pods) of(conversation chat.ID, repeatable bool) plan {
	return plan{p, affinity.Rank(conversation, p.addresses), repeatable}
}

// any takes turns.
func (p *pods) any(repeatable bool) plan {
	first, order := int(p.turn.Add(1)%uint64(len(p.list))), make([]int, len(p.list))
	for i := range order {
		order[i] = (first + i) % len(order)
	}
	return plan{p, order, repeatable}
}

func (p plan) call() resilience.Call {
	if p.repeatable {
		return resilience.EdgeRepeat
	}
	return resilience.EdgeOnce
}

// do makes a call on the first pod of the plan that is healthy, and on the next if the call surely did nothing, or may
// be repeated. Its errors are chat errors.
func do[T any](ctx context.Context, p plan, call func(context.Context, *grpc.ClientConn, grpc.CallOption) (T, error)) (answer T, err error) {
	refusal := chat.Errorf(chat.CodeUnavailable, "no pod takes the call now").After(podRetryAfter)
	policy, budget, attempts := p.call().Policy(), p.budgets[p.call()], 0
	ctx, cancel := context.WithTimeout(ctx, policy.Cost())
	defer cancel()
	budget.Call()
	for _, i := range p.order {
		pod := p.list[i]
		if pod.conn.GetState() == connectivity.TransientFailure || pod.breaker.State() == gobreaker.StateOpen {
			continue
		}
		if attempts == policy.Attempts || attempts > 0 && !budget.Retry() {
			break
		}
		answer, sent, err := try(ctx, p, pod, call)
		if err == nil {
			return answer, nil
		}
		if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
			continue
		}
		attempts++
		var again bool
		if refusal, again = judge(err, sent, p.repeatable); !again || ctx.Err() != nil {
			break
		}
	}
	return answer, refusal
}

// try makes one call on one pod, and says whether anything of it was sent.
func try[T any](ctx context.Context, p plan, pod pod, call func(context.Context, *grpc.ClientConn, grpc.CallOption) (T, error)) (answer T, sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.call().Timeout())
	defer cancel()
	var reached peer.Peer // stays empty unless the call got a stream of a connection
	_, err = pod.breaker.Execute(func() (any, error) {
		var err error
		answer, err = call(ctx, pod.conn, grpc.Peer(&reached))
		return nil, err
	})
	return answer, reached.Addr != nil, err
}

// silent says whether the pod gave no answer at all: neither a result nor a refusal of its own.
func silent(err error) bool {
	st, ok := status.FromError(err)
	return ok && len(st.Details()) == 0 && (st.Code() == codes.Unavailable || st.Code() == codes.DeadlineExceeded)
}

// judge turns the error of a call into a refusal and says whether another pod may be asked.
func judge(err error, sent, repeatable bool) (refusal *chat.Error, again bool) {
	refusal = transport.Refusal(err)
	if silent(err) && (!sent || repeatable) {
		refusal = chat.Errorf(chat.CodeUnavailable, "the service does not answer").After(podRetryAfter)
	}
	return refusal, refusal.Code == chat.CodeUnavailable
}
