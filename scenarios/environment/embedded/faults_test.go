package embedded_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/chaos/relay"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
	"github.com/chatlab/chatlab/system/chat"
)

// patience is longer than anything takes on a slow machine.
const patience = 60 * time.Second

// hits is a fault and how one sees that it is there and that it is over. See is called before it begins.
type hits struct {
	fault string
	see   func(*site) sight
}

// sight looks at a fault while it lasts, and after it.
type sight struct{ during, after func() }

// TestEveryKindOfFaultIsSeenAndHeals plays each kind against one small world. That it heals is what chaos.Run has proved when
// it returns; a connection that lived through a fault proves it once more.
func TestEveryKindOfFaultIsSeenAndHeals(t *testing.T) {
	sw, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	sys, err := embedded.Environment{Reason: "test"}.Start(t.Context(), scenarios.Spec{
		Switches: sw, Topology: scenarios.Topology{Gateways: 2, Messages: 1, Workers: 1, Presences: 1, Partitions: 3},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sys.Close()) })
	seen := map[string]bool{}
	for _, h := range append(hitsOfProcesses(), hitsOfLinks()...) {
		seen[strings.Fields(h.fault)[0]] = true
		t.Run(h.fault, func(t *testing.T) { (&site{T: t, sys: sys}).play(h) })
	}
	for _, k := range chaos.Kinds() {
		require.True(t, seen[k.Verb], "no test of %s", k.Verb)
	}
	t.Run("refusals", func(t *testing.T) { refusals(t, sys) })
}

func hitsOfProcesses() []hits {
	return []hits{
		{"kill gateway-1", ends("clients", "gateway-1")},
		{"stop presence-1", ends("gateway-1", "presence-1")},
		{"restart gateway-2", ends("clients", "gateway-2")},
		{"drain gateway-1 over 100ms", ends("clients", "gateway-1")},
		{"freeze edge-1", silent("clients", "edge-1")},
		{"skew edge-1 20m0s", (*site).wrongClock},
		{"memory gateway-1 1MB", ends("clients", "gateway-1")},
		{"evict redis-cache 100%", forgets("redis-cache")},
		{"kill redis-presence", forgets("redis-presence")},
		{"stop redis-cache", ends("fanout-1", "redis-cache")},
		{"freeze redis-cache", silent("fanout-1", "redis-cache")},
		{"kill kafka-1", ends("message-1", "kafka-1")},
		{"stop kafka-2", ends("message-1", "kafka-2")},
		{"freeze kafka-3", silent("message-1", "kafka-3")},
		{"kill cassandra-1", ends("message-1", "cassandra-1")},
		{"restart cassandra-2", ends("message-1", "cassandra-2")},
		{"freeze cassandra-3", silent("message-1", "cassandra-3")},
	}
}

func hitsOfLinks() []hits {
	return []hits{
		{"cut clients<->edge-1", silent("clients", "edge-1")},
		{"cut clients->edge-1", silent("clients", "edge-1")},
		{"cut edge-1->clients", silent("clients", "edge-1")},
		{"latency clients->edge-1 300ms", slow("clients", "edge-1", 300*time.Millisecond)},
		{"latency fanout-*<->redis-* 200ms jitter 1ms", slow("fanout-1", "redis-cache", 400*time.Millisecond)},
		{"bandwidth clients<->edge-1 100B/s", slow("clients", "edge-1", 300*time.Millisecond)},
		{"refuse message-1<->kafka-*", ends("message-1", "kafka-1")},
		{"reset *<->cassandra-1", ends("message-1", "cassandra-1")},
	}
}

// site is where one fault is played.
type site struct {
	*testing.T
	sys scenarios.System

	mu    sync.Mutex
	heard []chaos.EventKind
	begun chan struct{}
}

func (s *site) observe(e chaos.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, e.Kind)
	if e.Kind == chaos.Begun {
		close(s.begun)
	}
}

func (s *site) play(h hits) {
	s.begun = make(chan struct{})
	look := h.see(s)
	schedule, err := chaos.Parse("at 0s " + h.fault)
	require.NoError(s, err)
	ctx, end := context.WithCancel(s.Context())
	defer end()
	over := make(chan error, 1)
	go func() { over <- chaos.Run(ctx, schedule, s.sys, chaos.Lab{Observe: s.observe}) }()
	select {
	case <-s.begun:
	case err := <-over:
		require.FailNow(s, "the fault did not begin", "%v", err)
	}
	look.during()
	end()
	require.NoError(s, <-over)
	if look.after != nil {
		look.after()
	}
	want := []chaos.EventKind{chaos.Begun, chaos.Ended, chaos.Healed}
	if strings.HasPrefix(h.fault, "memory ") {
		want = []chaos.EventKind{chaos.Begun, chaos.Noted, chaos.Ended, chaos.Healed}
	}
	require.Equal(s, want, s.heard)
}

func (s *site) link(from, to string) *relay.Link {
	found := s.sys.Links(from, to)
	require.Len(s, found, 1)
	return found[0]
}

// dial opens a connection over a link on which the far end has answered.
func (s *site) dial(from, to string) net.Conn {
	conn, err := net.Dial("tcp", s.link(from, to).Addr())
	require.NoError(s, err)
	s.Cleanup(func() { _ = conn.Close() })
	require.NoError(s, ask(conn, to, patience))
	return conn
}

// ask sends what the far end answers at once, and waits for the beginning of the answer.
func ask(conn net.Conn, to string, within time.Duration) error {
	if _, err := conn.Write(question(to)); err != nil {
		return err
	}
	return answer(conn, within)
}

func question(to string) []byte {
	switch to, _, _ := strings.Cut(to, "-"); to {
	case "kafka": // ApiVersions, version 0
		return []byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff}
	case "cassandra": // OPTIONS
		return []byte{4, 0, 0, 0, 5, 0, 0, 0, 0}
	case "redis":
		return []byte("*1\r\n$4\r\nPING\r\n")
	case "presence": // HTTP/2: preface and an empty SETTINGS
		return append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0, 0, 0, 4, 0, 0, 0, 0, 0)
	}
	return []byte("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
}

func answer(conn net.Conn, within time.Duration) error {
	_ = conn.SetReadDeadline(time.Now().Add(within))
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, _ = io.Copy(io.Discard, conn) // the rest, so that the next answer is the next
	return nil
}

// ends sees a living connection break.
func ends(from, to string) func(*site) sight {
	return func(s *site) sight {
		conn := s.dial(from, to)
		return sight{during: func() {
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			_, err := io.Copy(io.Discard, conn)
			require.NotErrorIs(s, err, os.ErrDeadlineExceeded, "the connection lives on")
		}, after: func() { s.dial(from, to) }}
	}
}

// silent sees that nobody answers on a living connection, and that the answer comes when the fault is over.
func silent(from, to string) func(*site) sight {
	return func(s *site) sight {
		conn := s.dial(from, to)
		return sight{during: func() {
			require.ErrorIs(s, ask(conn, to, 150*time.Millisecond), os.ErrDeadlineExceeded, "somebody answered")
		}, after: func() { require.NoError(s, answer(conn, patience)) }}
	}
}

// slow sees that an answer takes at least so long.
func slow(from, to string, least time.Duration) func(*site) sight {
	return func(s *site) sight {
		conn := s.dial(from, to)
		return sight{during: func() {
			asked := time.Now()
			require.NoError(s, ask(conn, to, patience))
			require.GreaterOrEqual(s, time.Since(asked), least)
		}}
	}
}

// forgets sees that a key of a Redis is gone.
func forgets(name string) func(*site) sight {
	command := func(s *site, words ...string) string {
		conn := s.dial("fanout-1", name)
		var text bytes.Buffer
		fmt.Fprintf(&text, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&text, "$%d\r\n%s\r\n", len(w), w)
		}
		_, err := conn.Write(text.Bytes())
		require.NoError(s, err)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		reply := make([]byte, 64)
		n, err := conn.Read(reply)
		require.NoError(s, err)
		return string(reply[:n])
	}
	return func(s *site) sight {
		require.Equal(s, "+OK\r\n", command(s, "SET", "chatlab-test", "here"))
		return sight{during: func() {}, after: func() { require.Equal(s, "$-1\r\n", command(s, "GET", "chatlab-test")) }}
	}
}

// wrongClock sees what time the edge says it is.
func (s *site) wrongClock() sight {
	told := func() time.Time {
		token, err := s.sys.Token(chat.NewID())
		require.NoError(s, err)
		req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://"+s.link("clients", "edge-1").Addr()+"/api/v1/sessions", strings.NewReader(`{"device":"phone"}`))
		require.NoError(s, err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		require.NoError(s, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(s, err)
		var session struct {
			ServerTime time.Time `json:"server_time"`
		}
		require.Equal(s, http.StatusCreated, res.StatusCode, string(body))
		require.NoError(s, json.Unmarshal(body, &session), string(body))
		return session.ServerTime
	}
	return sight{
		during: func() { require.WithinDuration(s, time.Now().Add(20*time.Minute), told(), time.Minute) },
		after:  func() { require.WithinDuration(s, time.Now(), told(), time.Minute) },
	}
}

// refusals holds the world to the list of what it cannot do, and to names that nobody has.
func refusals(t *testing.T, sys scenarios.System) {
	for _, r := range embedded.Limits().Refusals {
		for _, verb := range r.Verbs {
			for _, name := range r.Names {
				schedule, err := chaos.Parse("at 0s " + sample(verb, strings.ReplaceAll(name, "*", "1")))
				require.NoError(t, err)
				var unavailable *chaos.Unavailable
				require.ErrorAs(t, sys.Available(schedule[0].Fault), &unavailable, schedule.String())
				require.Equal(t, r.Why, unavailable.Why)
			}
		}
	}
	for fault, want := range map[string]string{
		"kill gateway-9":            `there is no "gateway-9": there are edge-1, fanout-1, gateway-1`,
		"drain message-1 over 1s":   "only gateways hold sockets",
		"cut gateway-1<->kafka-1":   "no link between gateway-1 and kafka-1",
		"kill push-providers":       `there is no "push-providers"`,
		"evict redis-everything 1%": `there is no "redis-everything"`,
	} {
		schedule, err := chaos.Parse("at 0s " + fault)
		require.NoError(t, err)
		err = chaos.Run(t.Context(), schedule, sys, chaos.Lab{Observe: func(chaos.Event) {}})
		require.ErrorContains(t, err, want)
	}
}

// sample is the example of a kind with another victim.
func sample(verb, victim string) string {
	for _, k := range chaos.Kinds() {
		if k.Verb != verb {
			continue
		}
		words := strings.Fields(k.Example)
		words[3] = victim
		if k.On == "links" {
			words[3] = victim + "<->" + victim
		}
		text := strings.Join(words[2:], " ")
		text, _, _ = strings.Cut(text, " for ")
		return text
	}
	return ""
}
