package node

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// stages notes in which order a node ends.
type stages struct {
	mu  sync.Mutex
	all []string
}

func (s *stages) add(stage string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, stage)
}

// Sockets are let go while everything still works, then those that are left, then the role's own loop ends, requests end,
// and what the role used is closed, the newest first.
func TestANodeEndsInOrder(t *testing.T) {
	r := start(t, Gateway, nil)
	s := &stages{}
	drain, hangUp := r.drain, r.hangUp
	r.drain = func(ctx context.Context, window time.Duration) {
		require.Equal(t, r.cfg.Drain, window)
		drain(ctx, window)
		require.Equal(t, http.StatusOK, r.status("/healthz"), "who watches the pod still reaches it")
		require.Equal(t, http.StatusServiceUnavailable, r.status("/readyz"), "but sends nobody to it")
		s.add("drain")
	}
	r.hangUp = func() { s.add("hang up"); hangUp() }
	r.run(func(ctx context.Context) error {
		<-ctx.Done()
		s.add("loop")
		return nil
	})
	r.onClose(func() { s.add("opened first") })
	r.onClose(func() { s.add("opened last") })
	at := r.Addresses()
	r.Close(t.Context())
	require.Equal(t, []string{"drain", "hang up", "loop", "opened last", "opened first"}, s.all)
	for _, address := range []string{at.Public, at.RPC, at.Admin} {
		_, err := net.Dial("tcp", address)
		require.Error(t, err, "nobody listens any more")
	}
	r.closers, r.drain, r.hangUp = nil, nil, nil // for the cleanup
}

func (r *rig) status(path string) int {
	res, err := http.Get("http://" + r.Addresses().Admin + path)
	require.NoError(r, err)
	require.NoError(r, res.Body.Close())
	return res.StatusCode
}

// A device that does not leave is closed when the drain ends, with a code that lets it return.
func TestWhoDoesNotLeaveIsClosed(t *testing.T) {
	r := start(t, Gateway, func(_ *rig, cfg *Config) { cfg.Drain = 300 * time.Millisecond })
	s, err := r.open(chat.NewID(), "ws://"+r.Addresses().Public+"/ws", nil)
	require.NoError(t, err)
	require.Equal(t, chat.CodeBadFrame, s.ask(wire.ClientFrame{Type: wire.TypeHeartbeat}).Code, "resume comes first; but the gateway has it")
	closed := make(chan struct{})
	go func() { defer close(closed); r.Close(context.Background()) }()
	require.Equal(t, wire.TypeDraining, s.hear().Type, "told first")
	_, _, err = s.ws.Read(t.Context())
	require.Equal(t, websocket.StatusCode(chat.CloseDraining), websocket.CloseStatus(err))
	<-closed
	r.closers, r.drain, r.hangUp = nil, nil, nil
}

// The deadline ends a stop that would last longer: a drain's window, a device that does not leave, and a request under way.
func TestAStopHasADeadline(t *testing.T) {
	r := start(t, Gateway, func(_ *rig, cfg *Config) { cfg.Drain = time.Hour })
	s, err := r.open(chat.NewID(), "ws://"+r.Addresses().Public+"/ws", nil)
	require.NoError(t, err)
	s.ask(wire.ClientFrame{Type: wire.TypeHeartbeat}) // and then it reads nothing more
	never, under := make(chan struct{}), make(chan struct{})
	defer close(never)
	slow, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.serveHTTP(slow, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(under); <-never }))
	cut := make(chan error, 1)
	go func() {
		res, err := http.Get("http://" + slow.Addr().String())
		if err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		cut <- err
	}()
	<-under
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	asked := time.Now()
	r.Close(ctx)
	require.Less(t, time.Since(asked), patience, "an hour's drain is cut short")
	require.Error(t, <-cut)
	r.closers, r.drain, r.hangUp = nil, nil, nil
}
