package refusals_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// farewell is one way in which a socket ends, and the code that the device sees.
type farewell struct {
	code chat.CloseCode
	by   string
	tune func(*world.Config)
	part func(r *rig) chat.CloseCode
}

func gatewayWith(change func(*node.Config)) func(*world.Config) {
	return func(cfg *world.Config) {
		cfg.Tune = func(role string, c *node.Config) {
			if role == node.Gateway {
				change(c)
			}
		}
	}
}

func farewells() []farewell {
	return []farewell{
		{chat.CloseNormal, "the device says goodbye", nil, func(r *rig) chat.CloseCode {
			s := r.user().connect("phone")
			require.NoError(r.t, s.ws.Close(websocket.StatusNormalClosure, "")) // fails unless the same code comes back
			return chat.CloseNormal
		}},
		{chat.CloseGoingAway, "the gateway ends without time to drain", nil, func(r *rig) chat.CloseCode {
			s := r.user().connect("phone")
			ended, cancel := context.WithCancel(context.Background())
			cancel()
			r.Stop(ended, node.Gateway)
			return s.closes()
		}},
		{chat.CloseTooBig, "a frame of 65 KB", nil, func(r *rig) chat.CloseCode {
			s := r.user().connect("phone")
			s.write(websocket.MessageText, []byte(strings.Repeat("x", chat.MaxFrameBytes+1)))
			return s.closes()
		}},
		{chat.CloseDraining, "the gateway is replaced", nil, func(r *rig) chat.CloseCode {
			s := r.user().connect("phone")
			r.Stop(r.t.Context(), node.Gateway)
			return s.closes()
		}},
		{chat.CloseTokenExpired, "the token expires while the socket is open", nil, func(r *rig) chat.CloseCode {
			return r.userFor(1500 * time.Millisecond).connect("phone").closes()
		}},
		{chat.CloseTokenInvalid, "an auth frame with another user's token", nil, func(r *rig) chat.CloseCode {
			s := r.user().connect("phone")
			s.send(wire.ClientFrame{Type: wire.TypeAuth, Token: r.user().token})
			return s.closes()
		}},
		{chat.CloseReplaced, "the device connects again", nil, func(r *rig) chat.CloseCode {
			u := r.user()
			s := u.connect("phone")
			u.connect("phone")
			return s.closes()
		}},
		{chat.CloseIdle, "the device says nothing", gatewayWith(func(c *node.Config) { c.GatewayLimits.Idle = time.Second }), func(r *rig) chat.CloseCode {
			return r.user().connect("phone").closes()
		}},
		{chat.CloseSlowReader, "the device does not read", func(cfg *world.Config) {
			cfg.Switches.GroupLimit, cfg.Host = 0, terse
			gatewayWith(func(c *node.Config) { c.GatewayLimits.OutboxBytes = 64 << 10 })(cfg)
		}, stalled},
		{chat.CloseProtocol, "one bad frame after the other", nil, func(r *rig) chat.CloseCode {
			s := r.user().connect("phone")
			for range 20 {
				s.write(websocket.MessageText, []byte("{"))
			}
			return s.closes()
		}},
	}
}

// stalled is a device that stops to read in a group of loud members.
func stalled(r *rig) chat.CloseCode {
	slow := r.user()
	loud := []user{r.user(), r.user(), r.user(), r.user(), r.user(), r.user()}
	group := slow.group(loud...)
	t := slow.session("phone")
	ws, _, err := websocket.Dial(r.t.Context(), "ws://"+t.Gateway+"/ws", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + t.Ticket}},
	})
	require.NoError(r.t, err)
	ws.SetReadLimit(1 << 20)
	require.NoError(r.t, ws.Write(r.t.Context(), websocket.MessageText, wire.Encode(wire.ClientFrame{Type: wire.TypeResume})))
	_, _, err = ws.Read(r.t.Context()) // resumed: from here on it reads nothing
	require.NoError(r.t, err)
	for i := range 60 {
		a := loud[i%len(loud)].say(group, strings.Repeat("x", 31<<10))
		require.Empty(r.t, a.code, a.body)
	}
	r.gatewayCounts("chat_gateway_slow_reader_closes_total 1") // a device that reads earlier is not slow
	s := &socket{t: r.t, ws: ws, frames: make(chan wire.ServerFrame, 10_000), closed: make(chan chat.CloseCode, 1)}
	go s.read()
	return s.closes()
}

// terse listens with small send buffers: what a device does not read soon waits in the gateway, not in the kernel, whose
// own buffer may hold megabytes.
func terse(string) transport.Network {
	return transport.Network{ListenFunc: func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return terseListener{l}, err
	}}
}

type terseListener struct{ net.Listener }

func (l terseListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return c, c.(*net.TCPConn).SetWriteBuffer(8 << 10)
}

// TestEveryCloseCode walks the table of close codes: each reaches a device of a running system.
func TestEveryCloseCode(t *testing.T) {
	t.Parallel()
	seen := map[chat.CloseCode]bool{}
	for _, f := range farewells() {
		t.Run(f.by, func(t *testing.T) {
			code := f.part(start(t, f.tune))
			require.Equal(t, f.code, code)
			seen[code] = true
		})
	}
	for _, row := range chat.CloseCodes() {
		assert.True(t, seen[row.Code], "no test meets the close code %d %s", row.Code, row.Name)
	}
}
