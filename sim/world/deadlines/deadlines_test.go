// Package deadlines_test asks, in virtual time, whether each step of a send has the time that its caller left it.
package deadlines_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/network"
	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

const (
	message, log = "message-1", "kafka"

	hop  = 50 * time.Millisecond   // more than the way between pods costs
	slow = 1900 * time.Millisecond // nearly all of one attempt
)

// One function for the whole package: drivers keep timers for the life of a process, and these belong to one bubble.
func TestASendHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t)
		s.whoWaitedLongestStillGetsItsWrite()
		s.whoWaitedLongestHearsThatItsOutcomeIsUnknown()
		s.whatComesTooLateIsNotBegun()
	})
}

// story is a group that may send one message a second, and the members' phones, which send once and take what they hear.
type story struct {
	*testing.T
	lan     *network.Network
	latency atomic.Int64 // of each way between the message pod and the log
	world   *world.World
	phones  []*client.Client
	group   chat.ID
	said    int
}

func newStory(t *testing.T) *story {
	s := &story{T: t}
	s.lan = network.New(network.Config{Latency: func(g network.Segment) time.Duration {
		if g.From == message && g.To == log || g.From == log && g.To == message {
			return time.Duration(s.latency.Load())
		}
		return 0
	}})
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	switches.GroupLimit = 1
	host := func(name string) transport.Network {
		h := s.lan.Host(name)
		return transport.Network{DialFunc: h.DialContext, ListenFunc: h.Listen}
	}
	s.world, err = world.Start(t.Context(), world.Config{Host: host, Partitions: 1, Switches: switches, Nodes: 1, Pace: 10 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() {
		s.lan.HealAll()
		s.world.Close()
	})
	var users []chat.ID
	for i := range 5 {
		users = append(users, chat.NewID())
		s.phones = append(s.phones, s.phone(users[i], host(fmt.Sprintf("phone-%d", i))))
	}
	made, err := s.phones[0].CreateConversation(t.Context(), chat.Group, users[1:])
	require.NoError(t, err)
	s.group = made.ID
	return s
}

func (s *story) phone(user chat.ID, lan transport.Network) *client.Client {
	c, err := client.New(client.Config{
		EdgeURL: s.world.EdgeURL, UserID: user, Device: "phone", Network: lan, RetryRefusal: func(chat.Code) bool { return false },
		Token: func(context.Context) (string, error) { return s.world.Token(user, time.Hour) },
	})
	require.NoError(s, err)
	ctx, cancel := context.WithCancel(s.Context())
	var app sync.WaitGroup
	app.Go(func() { _ = c.Run(ctx) })
	s.Cleanup(func() { cancel(); app.Wait() })
	require.NoError(s, c.Sync(s.Context()))
	return c
}

// answer is what a phone heard of a send, and how long it waited for that.
type answer struct {
	text    string
	outcome client.Kind
	code    chat.Code
	again   time.Duration
	took    time.Duration
}

// send says something from a phone, without waiting for the answer. What is sent at once keeps its order.
func (s *story) send(phone int) <-chan answer {
	s.said++
	a, began, heard := answer{text: fmt.Sprint(s.said), outcome: client.Acked}, time.Now(), make(chan answer, 1)
	go func() {
		_, err := s.phones[phone].Send(s.Context(), s.group, a.text)
		var failed *client.SendError
		if errors.As(err, &failed) {
			a.outcome = failed.Outcome
			if failed.Refusal != nil {
				a.code, a.again = failed.Refusal.Code, failed.Refusal.RetryAfter
			}
		}
		a.took = time.Since(began)
		heard <- a
	}()
	<-time.After(time.Millisecond)
	return heard
}

// rush lets all phones send at once, after a time in which the limit has forgotten what was; meanwhile happens before the
// last one that waits has its turn. Who had to wait too long is refused at once.
func (s *story) rush(meanwhile func()) (last answer) {
	<-time.After(5 * time.Second)
	var heard []<-chan answer
	for phone := range s.phones {
		heard = append(heard, s.send(phone))
	}
	<-time.After(1500 * time.Millisecond)
	meanwhile()
	var answers []answer
	for _, h := range heard {
		answers = append(answers, <-h)
	}
	for _, a := range answers[:2] {
		require.Equal(s, client.Acked, a.outcome)
	}
	for _, a := range answers[3:] {
		require.Equal(s, chat.CodeGroupLimit, a.code)
		require.Positive(s, a.again)
		require.Less(s, a.took, hop)
	}
	s.lan.HealAll()
	s.latency.Store(0)
	s.honest(answers)
	return answers[2]
}

// The last one in the queue waits 2 s; the log then needs nearly all of its own time; and the phone hears its ack in time.
func (s *story) whoWaitedLongestStillGetsItsWrite() {
	a := s.rush(func() { s.latency.Store(int64(slow / 2)) })
	require.Equal(s, client.Acked, a.outcome, "%+v", a)
	require.InDelta(s, resilience.GroupTurn.Timeout()+slow, a.took, float64(hop))
	require.Less(s, a.took, resilience.GatewaySend.Timeout())
}

// A log that does not answer has all of its time, and the phone hears of it before it stops to wait.
func (s *story) whoWaitedLongestHearsThatItsOutcomeIsUnknown() {
	a := s.rush(func() { s.lan.Partition(message, log) })
	require.Equal(s, client.Unknown, a.outcome, "%+v", a)
	require.Equal(s, chat.CodeUnknownOutcome, a.code)
	require.InDelta(s, resilience.GroupTurn.Timeout()+resilience.LogWrite.Overall(), a.took, float64(hop))
	require.Less(s, a.took, resilience.DeviceSend.Timeout())
}

// What waited in its phone's lane behind a send that the log did not answer has too little time left: it is not begun.
func (s *story) whatComesTooLateIsNotBegun() {
	<-time.After(5 * time.Second)
	s.lan.Partition(message, log)
	first, second := s.send(0), s.send(0)
	answers := []answer{<-first, <-second}
	require.Equal(s, chat.CodeUnknownOutcome, answers[0].code)
	require.Equal(s, client.Refused, answers[1].outcome)
	require.Equal(s, chat.CodeUnavailable, answers[1].code)
	require.Positive(s, answers[1].again)
	require.Less(s, answers[1].took, resilience.DeviceSend.Timeout())
	s.lan.HealAll()
	s.honest(answers)
}

// honest compares answers with history, when whatever was on its way has arrived: what was acknowledged is there once,
// what was refused is not, what is unknown may be.
func (s *story) honest(answers []answer) {
	<-time.After(time.Minute)
	history, _, err := s.phones[0].History(s.Context(), s.group, client.Range{FromStart: true, Limit: chat.MaxHistoryLimit})
	require.NoError(s, err)
	stands := map[string]int{}
	for _, m := range history {
		stands[m.Content]++
	}
	for _, a := range answers {
		switch a.outcome {
		case client.Acked:
			require.Equal(s, 1, stands[a.text], "acknowledged: %+v", a)
		case client.Refused:
			require.Zero(s, stands[a.text], "refused: %+v", a)
		default:
			require.LessOrEqual(s, stands[a.text], 1, "unknown: %+v", a)
		}
	}
}
