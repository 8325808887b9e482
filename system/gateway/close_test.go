package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/wire"
)

// bubble runs a test in virtual time on a network in memory.
func bubble(t *testing.T, change func(*Config), test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { test(t, newWorldOn(t, newPipeListener(), change)) })
}

// Every close code, and how a device comes by it.
func TestCloseCodes(t *testing.T) {
	user := chat.ID{7}
	open := func(w *world) *device {
		d := w.resume(user, "phone", 1)
		d.patience = time.Hour
		return d
	}
	ways := map[chat.CloseCode]func(w *world) chat.CloseCode{
		chat.CloseNormal: func(w *world) chat.CloseCode {
			require.NoError(w.t, open(w).ws.Close(websocket.StatusNormalClosure, ""), "the gateway answers a goodbye")
			return chat.CloseNormal
		},
		chat.CloseGoingAway: func(w *world) chat.CloseCode {
			d := open(w)
			go w.g.Close()
			return d.closed()
		},
		chat.CloseTooBig: func(w *world) chat.CloseCode {
			d := open(w)
			go d.ws.Write(context.Background(), websocket.MessageText, make([]byte, chat.MaxFrameBytes+1))
			return d.closed()
		},
		chat.CloseDraining: func(w *world) chat.CloseCode {
			d := open(w)
			go w.g.Drain(context.Background())
			return d.closed()
		},
		chat.CloseTokenExpired: func(w *world) chat.CloseCode {
			d := w.open(w.sign(token.Ticket{User: user, Device: "phone", Gateway: "gateway-1", Epoch: 1,
				Expires: time.Now().Add(time.Minute), UserExpires: time.Now().Add(2 * time.Second)}))
			return d.closed()
		},
		chat.CloseTokenInvalid: func(w *world) chat.CloseCode {
			d := open(w)
			d.say(wire.ClientFrame{Type: wire.TypeAuth, Token: w.userToken(chat.NewID(), time.Hour)})
			require.Equal(w.t, chat.CodeTokenInvalid, d.hear().Code)
			return d.closed()
		},
		chat.CloseReplaced: func(w *world) chat.CloseCode {
			d := open(w)
			go w.open(w.ticket(user, "phone", 2))
			return d.closed()
		},
		chat.CloseIdle: func(w *world) chat.CloseCode {
			start := time.Now()
			defer func() { require.WithinDuration(w.t, start.Add(5*time.Minute), time.Now(), 2*time.Second) }()
			return open(w).closed()
		},
		chat.CloseSlowReader: func(w *world) chat.CloseCode {
			d := open(w)
			w.overflow(user)
			return d.closed()
		},
		chat.CloseProtocol: func(w *world) chat.CloseCode {
			d := open(w)
			for range 10 {
				d.write(websocket.MessageText, []byte("{}"))
				require.Equal(w.t, chat.CodeBadFrame, d.hear().Code)
			}
			return d.closed()
		},
	}
	for _, c := range chat.CloseCodes() {
		t.Run(c.Name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world) {
				require.Contains(t, ways, c.Code, "a way to every code")
				require.Equal(t, c.Code, ways[c.Code](w))
				synctest.Wait()
				if c.Code != chat.CloseNormal {
					require.EqualValues(t, 1, w.metric("chat_gateway_closes_total"))
				}
			})
		})
	}
}

// overflow pushes to a user who does not read until the session takes no more.
func (w *world) overflow(user chat.ID) {
	frame := bytes.Repeat([]byte("x"), 32<<10)
	for range 200 {
		if missed := w.g.push(user[:], frame); len(missed) > 0 {
			return
		}
	}
	w.t.Fatal("an outbox has no bound")
}

// What no library would send: each ends the connection, and nothing else.
func TestRawBreachesOfTheProtocol(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		code  int // 0: the end is enough
	}{
		"unmasked":            {[]byte("\x81\x02{}"), int(chat.CloseProtocol)},
		"reserved bit":        {masked(0xc1, []byte("{}")), 1002},
		"unknown opcode":      {masked(0x83, []byte("{}")), 1002},
		"continues nothing":   {masked(0x80, []byte("{}")), 1002},
		"fragmented ping":     {masked(0x09, nil), 1002},
		"long ping":           {append([]byte{0x89, 0xfe, 0, 126, 0, 0, 0, 0}, make([]byte, 126)...), 1002},
		"huge length":         {[]byte{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 0},
		"negative length":     {[]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, int(chat.CloseProtocol)},
		"close without code":  {masked(0x88, []byte{3}), 1002},
		"close with bad code": {masked(0x88, []byte{0x03, 0xed}), 1002},
		"half a frame":        {[]byte{0x81, 0x85, 0, 0, 0, 0, 'x'}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			bystander := w.resume(chat.NewID(), "phone", 1)
			conn, r, err := rawSocket(w.listener.Addr().String(), w.ticket(chat.NewID(), "phone", 1))
			require.NoError(t, err)
			defer conn.Close()
			_, err = conn.Write(c.bytes)
			require.NoError(t, err)
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			var last []byte
			for {
				payload, err := readRaw(r)
				if err != nil {
					break
				}
				last = bytes.Clone(payload)
			}
			if c.code != 0 {
				require.GreaterOrEqual(t, len(last), 2)
				require.Equal(t, c.code, int(last[0])<<8|int(last[1]), "%q", last)
			}
			require.Eventually(t, func() bool { return w.g.connections.Load() == 1 }, 10*time.Second, time.Millisecond)
			bystander.say(wire.ClientFrame{Type: wire.TypeHeartbeat})
			require.Equal(t, wire.TypeHeartbeat, bystander.hear().Type)
		})
	}
}

// A device that stops reading is closed with a resumable code, at the bytes that an outbox may hold; others get
// everything, in time.
func TestSlowReaderHarmsNobody(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		slow, quick := chat.ID{1}, chat.ID{2}
		stuck := w.resume(slow, "phone", 1)
		reader := w.resume(quick, "phone", 1)
		frame := make([]byte, 32<<10)
		_, err := rand.Read(frame)
		require.NoError(t, err)
		taken, both := 0, append(slow[:], quick[:]...)
		for range 100 {
			missed := w.g.push(both, frame)
			require.NotContains(t, string(missed), string(quick[:]))
			if len(missed) == 0 {
				taken++
			}
			got, err := reader.read()
			require.NoError(t, err)
			require.Equal(t, frame, got)
		}
		require.Equal(t, (1<<20)/(32<<10), taken, "of the slow one: as many as its outbox holds")
		require.EqualValues(t, 1, w.metric("chat_gateway_slow_reader_closes_total"))
		require.LessOrEqual(t, w.metric("chat_gateway_outbox_bytes"), float64(maxJoin), "what waited is let go")
		require.Equal(t, chat.CloseSlowReader, stuck.closed(), "when it reads again it learns why")
		require.True(t, chat.CloseSlowReader.MayReconnect())
		synctest.Wait()
		require.Zero(t, w.metric("chat_gateway_outbox_bytes"))
		require.EqualValues(t, 1, w.metric("chat_gateway_connections"))
	})
}

// A device that never reads again does not hold its connection for longer than a write may take.
func TestWriteDeadline(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		user := chat.ID{1}
		w.resume(user, "phone", 1)
		require.Empty(t, w.g.push(user[:], []byte("hello")))
		time.AfterFunc(9*time.Second, func() { require.EqualValues(t, 1, w.metric("chat_gateway_connections")) })
		w.await(11*time.Second, func() bool { return w.metric("chat_gateway_connections") == 0 })
		require.EqualValues(t, 1, w.metric("chat_gateway_slow_reader_closes_total"))
	})
}

// await waits in virtual time.
func (w *world) await(within time.Duration, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(within); !ok(); <-tick.C {
		require.True(w.t, time.Now().Before(end), "not within %s", within)
	}
}
