package relay_test

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos/relay"
)

func TestLatencyDelaysLivingStreamsAndEnds(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	require.Less(t, r.roundTrip(client, server), 20*time.Millisecond)

	r.link.SetLatency(30*time.Millisecond, 10*time.Millisecond)
	measured := r.roundTrip(client, server)
	require.GreaterOrEqual(t, measured, 40*time.Millisecond)
	require.Less(t, measured, 60*time.Millisecond)

	require.NoError(t, r.link.Heal())
	require.Less(t, r.roundTrip(client, server), 20*time.Millisecond)
}

func TestLatencyCostsANewConnectionOneRoundTrip(t *testing.T) {
	r := newRig(t)
	r.link.SetLatency(20*time.Millisecond, 20*time.Millisecond)
	start := time.Now()
	client := r.dial()
	r.send(client, "x")
	server := <-r.accepted
	defer func() { _ = server.Close() }()
	require.GreaterOrEqual(t, time.Since(start), 20*time.Millisecond, "the request to connect takes a trip")
	r.receive(server, "x")
	require.GreaterOrEqual(t, time.Since(start), 60*time.Millisecond, "the first byte follows a whole round trip")
}

func TestLatencyKeepsThroughput(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	r.link.SetLatency(50*time.Millisecond, 0)
	start := time.Now()
	for range 100 {
		r.send(client, "0123456789")
	}
	r.receive(server, strings.Repeat("0123456789", 100))
	require.Less(t, time.Since(start), time.Second, "delays add up")
}

func TestJitterKeepsOrder(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	r.link.SetJitter(5 * time.Millisecond)
	var sent strings.Builder
	for i := range 200 {
		line := strings.Repeat(string(rune('a'+i%26)), 1+i%7)
		sent.WriteString(line)
		r.send(client, line)
	}
	r.receive(server, sent.String())
}

func TestBandwidthLimitsAllConnectionsTogether(t *testing.T) {
	r := newRig(t)
	client1, server1 := r.connect()
	client2, server2 := r.connect()
	r.link.SetBandwidth(1 << 20)
	text := strings.Repeat("x", 100<<10)
	start := time.Now()
	r.send(client1, text)
	r.send(client2, text)
	r.receive(server1, text)
	r.receive(server2, text)
	require.GreaterOrEqual(t, time.Since(start), 180*time.Millisecond)
	require.Less(t, time.Since(start), time.Second)
}

func TestLiftingALimitDeliversAtOnce(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	r.link.SetBandwidth(10)
	r.link.SetLatency(time.Hour, 0)
	text := strings.Repeat("x", 10_000)
	r.send(client, text)
	r.silent(server)
	require.NoError(t, r.link.Heal())
	r.receive(server, text)
}

func TestCutHoldsBytesAndHealLosesNone(t *testing.T) {
	for _, direction := range []relay.Direction{relay.Both, relay.Forward, relay.Backward} {
		t.Run(direction.String(), func(t *testing.T) {
			r := newRig(t)
			client, server := r.connect()
			r.roundTrip(client, server)
			require.NoError(t, r.link.Cut(direction))
			r.send(client, "there")
			r.send(server, "back")
			if direction == relay.Backward {
				r.receive(server, "there")
			} else {
				r.silent(server)
			}
			if direction == relay.Forward {
				r.receive(client, "back")
			} else {
				r.silent(client)
			}
			require.NoError(t, r.link.Heal())
			if direction != relay.Backward {
				r.receive(server, "there")
			}
			if direction != relay.Forward {
				r.receive(client, "back")
			}
			r.roundTrip(client, server)
			require.Zero(t, r.link.Stats().Held)
			require.True(t, r.link.Healthy())
		})
	}
}

func TestCutHoldsEndsToo(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	client2, server2 := r.connect()
	require.NoError(t, r.link.Cut(relay.Both))
	r.send(client, "testament")
	require.NoError(t, client.Close())
	require.NoError(t, client2.SetLinger(0))
	require.NoError(t, client2.Close())
	r.silent(server)
	r.silent(server2)
	require.NoError(t, r.link.Heal())
	r.receive(server, "testament")
	require.ErrorIs(t, r.receiveError(server), io.EOF)
	require.ErrorIs(t, r.receiveError(server2), syscall.ECONNRESET)
}

func TestCutHoldsTheRestOfABlockedWrite(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	const size = 16 << 20
	sent := sha256.New()
	var written atomic.Int64
	done := make(chan error, 1)
	go func() { done <- pump(client, sent, size, &written) }()
	stalls(t, &written)

	require.NoError(t, r.link.Cut(relay.Forward))
	before := drain(t, server, 100*time.Millisecond)
	require.Less(t, len(before), size)
	r.silent(server)
	require.LessOrEqual(t, r.link.Stats().Held, int64(320<<10), "one window and one buffer at most")

	require.NoError(t, r.link.Heal())
	received := sha256.New()
	_, _ = received.Write(before)
	require.NoError(t, server.SetReadDeadline(time.Now().Add(patience)))
	_, err := io.CopyN(received, server, size-int64(len(before)))
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.Equal(t, sent.Sum(nil), received.Sum(nil))
}

// pump writes size random bytes.
func pump(to io.Writer, copied io.Writer, size int, written *atomic.Int64) error {
	random := rand.NewChaCha8([32]byte{1})
	buffer := make([]byte, 10_007)
	for size > 0 {
		chunk := buffer[:min(size, len(buffer))]
		_, _ = random.Read(chunk)
		_, _ = copied.Write(chunk)
		if _, err := to.Write(chunk); err != nil {
			return err
		}
		size -= len(chunk)
		written.Add(int64(len(chunk)))
	}
	return nil
}

// stalls waits until a counter stands still: the writer is blocked.
func stalls(t *testing.T, written *atomic.Int64) {
	last := int64(-1)
	require.Eventually(t, func() bool {
		now := written.Load()
		still := now > 0 && now == last
		last = now
		return still
	}, patience, 50*time.Millisecond)
}

// drain reads until nothing has come for the given time.
func drain(t *testing.T, conn net.Conn, quiet time.Duration) []byte {
	var all []byte
	buffer := make([]byte, 64<<10)
	for {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(quiet)))
		n, err := conn.Read(buffer)
		all = append(all, buffer[:n]...)
		if err != nil {
			require.ErrorIs(t, err, errTimeout)
			return all
		}
	}
}

func TestNothingIsLostWhileFaultsComeAndGo(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	const size = 32 << 20
	there, back := transfer(client, server, size), transfer(server, client, size)
	stop := make(chan struct{})
	faults := make(chan struct{})
	go func() { defer close(faults); r.disturb(stop) }()
	require.NoError(t, <-there)
	require.NoError(t, <-back)
	close(stop)
	<-faults
	require.Eventually(t, func() bool { return r.link.Stats().Held == 0 }, patience, time.Millisecond)
}

// transfer sends random bytes one way and compares what arrives.
func transfer(from io.Writer, to io.Reader, size int) <-chan error {
	done := make(chan error, 1)
	sent := sha256.New()
	wrote := make(chan error, 1)
	go func() { wrote <- pump(from, sent, size, new(atomic.Int64)) }()
	go func() {
		received := sha256.New()
		_, err := io.CopyN(received, to, int64(size))
		if failed := <-wrote; failed != nil {
			err = failed
		}
		if err == nil && string(received.Sum(nil)) != string(sent.Sum(nil)) {
			err = io.ErrUnexpectedEOF
		}
		done <- err
	}()
	return done
}

// disturb sets one fault after another, a few milliseconds each, and heals at the end.
func (r *rig) disturb(stop <-chan struct{}) {
	random := rand.New(rand.NewPCG(2, 3))
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			_ = r.link.Heal()
			return
		case <-tick.C:
		}
		switch random.IntN(6) {
		case 0:
			r.link.SetLatency(time.Duration(random.IntN(3))*time.Millisecond, time.Millisecond)
		case 1:
			r.link.SetBandwidth(int64(1+random.IntN(20)) << 20)
		case 2:
			r.link.SetJitter(time.Millisecond)
		case 3:
			_ = r.link.Cut(relay.Direction(random.IntN(3)))
		default:
			_ = r.link.Heal()
		}
	}
}

func TestRefuseResetsAndRefusesUntilHealed(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	r.roundTrip(client, server)
	require.NoError(t, r.link.Refuse())
	require.ErrorIs(t, r.receiveError(client), syscall.ECONNRESET)
	require.ErrorIs(t, r.receiveError(server), syscall.ECONNRESET)
	for range 3 {
		_, err := net.Dial("tcp", r.link.Addr())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
	_, err := net.Listen("tcp", r.link.Addr())
	require.ErrorIs(t, err, syscall.EADDRINUSE, "the port is kept")
	require.NoError(t, r.link.Heal())
	client, server = r.connect()
	r.roundTrip(client, server)
}

func TestFaultsFollowOneAnother(t *testing.T) {
	r := newRig(t)
	for range 3 {
		require.NoError(t, r.link.Cut(relay.Both))
		require.NoError(t, r.link.Refuse())
		require.NoError(t, r.link.Cut(relay.Forward))
		_, err := net.Dial("tcp", r.link.Addr())
		require.ErrorIs(t, err, syscall.ECONNREFUSED, "refusing outlasts a cut")
		require.NoError(t, r.link.Heal())
		client, server := r.connect()
		r.roundTrip(client, server)
	}
	require.NoError(t, r.link.Heal())
	require.True(t, r.link.Healthy())
}

func TestImposedFaultsStackAndAreLiftedOneByOne(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	r.link.SetLatency(10*time.Millisecond, 0)
	liftLatency, err := r.link.Impose(relay.Fault{ForwardLatency: 10 * time.Millisecond, BackwardLatency: 10 * time.Millisecond})
	require.NoError(t, err)
	require.GreaterOrEqual(t, r.roundTrip(client, server), 30*time.Millisecond)

	liftCut, err := r.link.Impose(relay.Fault{CutForward: true})
	require.NoError(t, err)
	liftSame, err := r.link.Impose(relay.Fault{CutForward: true})
	require.NoError(t, err)
	r.send(client, "held")
	require.NoError(t, liftCut())
	require.NoError(t, liftCut(), "lifting twice is lifting once")
	r.silent(server)
	require.NoError(t, liftSame())
	r.receive(server, "held")

	require.NoError(t, liftLatency())
	require.False(t, r.link.Healthy())
	measured := r.roundTrip(client, server)
	require.GreaterOrEqual(t, measured, 10*time.Millisecond)
	require.Less(t, measured, 30*time.Millisecond)
	require.NoError(t, r.link.Heal())
	require.True(t, r.link.Healthy())
}
