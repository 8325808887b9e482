package client

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// after lets virtual time pass in a script.
func after(d time.Duration) { <-time.After(d) }

// story is what a gateway does to a device, and what the device makes of it.
type story struct {
	name    string
	store   []chat.Message
	script  func(p *peer)
	history func(after string) (int, any)
	config  func(*Config)
	want    string
}

const up = "connecting #1, connected, "

var receiving = []story{
	{name: "in order", script: func(p *peer) { p.resumed(); p.live(1, 2, 3) },
		want: up + "shown 1, shown 2, shown 3"},
	{name: "before resumed", script: func(p *peer) { p.live(1); p.resumed() },
		want: "connecting #1, shown 1, connected"},
	{name: "duplicates", script: func(p *peer) { p.resumed(); p.live(1, 2, 2, 1, 3) },
		want: up + "shown 1, shown 2, shown 3"},
	{name: "gap filled from history", store: msgs(1, 5), script: func(p *peer) { p.resumed(); p.live(1, 4, 5) },
		want: up + "shown 1, gap 2..3, shown 2, shown 3, shown 4, gap filled 4, shown 5"},
	{name: "gap closed by a late frame", history: noHistory, script: func(p *peer) { p.resumed(); p.live(1, 3, 2) },
		want: up + "shown 1, gap 2..2, shown 2, shown 3, gap filled 3"},
	{name: "newer in resumed, page by page", store: msgs(1, 8), script: func(p *peer) { p.resumed(8) },
		want: up + "gap 1..8, shown 1, shown 2, shown 3, shown 4, shown 5, shown 6, shown 7, shown 8, gap filled 8"},
	{name: "newer in a heartbeat", store: msgs(1, 2), script: func(p *peer) {
		p.resumed()
		p.live(1)
		p.expect(wire.TypeHeartbeat)
		p.send(wire.ServerFrame{Type: wire.TypeHeartbeat, Newer: places(2)})
	}, want: up + "shown 1, gap 2..2, shown 2, gap filled 2"},
	{name: "resync", store: msgs(1, 3), script: func(p *peer) {
		p.resumed()
		p.live(1)
		p.send(wire.ServerFrame{Type: wire.TypeResync, Conversations: []chat.ID{conv}})
	}, want: up + "shown 1, resync 1, shown 2, shown 3"},
	{name: "resync of all", store: msgs(1, 2), script: func(p *peer) {
		p.resumed()
		p.live(1)
		p.send(wire.ServerFrame{Type: wire.TypeResync})
	}, want: up + "shown 1, resync 1, shown 2"},
	{name: "history fails, then helps", store: msgs(1, 3), history: firstFails(2), script: func(p *peer) { p.resumed(3); after(5 * time.Second) },
		want: up + "gap 1..3, shown 1, shown 2, shown 3, gap filled 3"},
	{name: "a row that is stored late is waited for", store: append(msgs(1, 1), msg(3)), script: func(p *peer) {
		p.resumed()
		p.live(1, 3)
		after(2 * time.Second)
		p.mu.Lock()
		p.store = msgs(1, 3)
		p.mu.Unlock()
		after(20 * time.Second)
	}, want: up + "shown 1, gap 2..2, shown 2, shown 3, gap filled 3"},
	{name: "places that history never has are skipped", store: append(msgs(1, 1), msg(4)), script: func(p *peer) {
		p.resumed()
		p.live(1, 4)
		after(9 * time.Second)
		require.NotContains(p.t, p.told(), "skipped")
		after(20 * time.Second)
	}, want: up + "shown 1, gap 2..3, skipped 2..3, shown 4, gap filled 4"},
	{name: "membership began later", store: msgs(7, 8), script: func(p *peer) { p.resumed(8); after(5 * time.Second) },
		want: up + "gap 1..8, skipped 1..6, shown 7, shown 8, gap filled 8"},
	{name: "membership began with a message that says so", store: []chat.Message{joined(7), msg(8)}, script: func(p *peer) { p.resumed(8) },
		want: up + "gap 1..8, skipped 1..6, shown 7, shown 8, gap filled 8"},
	{name: "a place that is named but not there", script: func(p *peer) { p.resumed(3); after(time.Minute) },
		want: up + "gap 1..3, gap filled 0"},
	{name: "no member any more", history: refuses(chat.CodeNotMember), script: func(p *peer) { p.resumed(); p.live(1, 3); after(time.Minute) },
		want: up + "shown 1, gap 2..2, skipped 2..2, shown 3, gap filled 3"},
	{name: "no seq: by message id", script: func(p *peer) { p.resumed(); p.send(naive(5), naive(4), naive(5), naive(6)) },
		want: up + "shown 0, shown 0, shown 0"},
	{name: "no seq: newer", store: []chat.Message{unplaced(5), unplaced(6)}, script: func(p *peer) {
		p.resumed()
		p.send(naive(5))
		p.expect(wire.TypeHeartbeat)
		p.send(wire.ServerFrame{Type: wire.TypeHeartbeat, Newer: []chat.Position{{ConversationID: conv, Timestamp: stamp(6)}}})
	}, want: up + "shown 0, gap 1..0, shown 0, gap filled 0"},
	{name: "throttled", script: func(p *peer) { p.resumed(); p.send(wire.ServerFrame{Type: wire.TypeThrottled, ConversationID: conv}) },
		want: up + "throttled"},
	{name: "types from the future", script: func(p *peer) { p.resumed(); p.send(wire.ServerFrame{Type: "hologram"}); p.live(1) },
		want: up + "shown 1"},
	{name: "defect: no dedupe", config: func(c *Config) { c.Defects.NoDedupe = true }, script: func(p *peer) { p.resumed(); p.live(1, 1) },
		want: up + "shown 1, shown 1"},
	{name: "defect: no gap fill", config: func(c *Config) { c.Defects.NoGapFill = true }, store: msgs(1, 3),
		script: func(p *peer) { p.resumed(2); p.live(1, 3); p.send(wire.ServerFrame{Type: wire.TypeResync}) },
		want:   up + "shown 1, shown 3, resync 3"},
	{name: "defect: no order", config: func(c *Config) { c.Defects.NoOrder = true }, script: func(p *peer) { p.resumed(); p.live(1, 3, 2) },
		want: up + "shown 1, shown 3, shown 2"},
}

// TestReceiving tells what a device shows for what a gateway sends.
func TestReceiving(t *testing.T) {
	for _, tc := range receiving {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.store, f.history = tc.store, tc.history
				finished := make(chan struct{})
				f.gateway = func(p *peer) {
					tc.script(p)
					synctest.Wait()
					close(finished)
					p.hold()
				}
				f.device(func(c *Config) {
					c.Timeouts.Heartbeat = time.Hour // a script reads what it waits for only
					if tc.config != nil {
						tc.config(c)
					}
				})
				err := f.run(func(context.Context) { <-finished })
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, tc.want+", disconnected 1000", f.told())
			})
		})
	}
}

func noHistory(string) (int, any) { return problem(chat.CodeUnavailable, time.Minute) }

func refuses(code chat.Code) func(string) (int, any) {
	return func(string) (int, any) { return problem(code, 0) }
}

func firstFails(n int) func(string) (int, any) {
	return func(string) (int, any) {
		if n--; n >= 0 {
			return http.StatusBadGateway, "no problem document"
		}
		return 0, nil
	}
}

func joined(seq int64) chat.Message {
	m := msg(seq)
	m.Type, m.Content = chat.TypeMembersAdded, `["`+self.String()+`"]`
	return m
}

func unplaced(n int64) chat.Message {
	m := msg(n)
	m.Place.Seq = 0
	return m
}

func naive(n int64) wire.ServerFrame { return wire.MessageFrame(unplaced(n)) }

// TestComingBack tells how a device returns after each kind of end.
func TestComingBack(t *testing.T) {
	for _, tc := range []struct {
		name   string
		end    func(p *peer) // of the first connection
		config func(*Config)
		within time.Duration // of the return; 0: it does not return
	}{
		{"broken connection", func(p *peer) { p.ws.CloseNow() }, nil, backoffBase},
		{"going away", func(p *peer) { p.close(chat.CloseGoingAway) }, nil, backoffBase},
		{"draining: over the window", func(p *peer) { p.close(chat.CloseDraining) }, nil, 5 * time.Second},
		{"draining: immediate", func(p *peer) { p.close(chat.CloseDraining) }, immediate, immediateFloor},
		{"token expired", func(p *peer) { p.close(chat.CloseTokenExpired) }, nil, backoffBase},
		{"idle", func(p *peer) { p.close(chat.CloseIdle) }, nil, backoffBase},
		{"slow reader", func(p *peer) { p.close(chat.CloseSlowReader) }, nil, backoffBase},
		{"code from the future", func(p *peer) { p.close(4999) }, nil, backoffBase},
		{"immediate", func(p *peer) { p.ws.CloseNow() }, immediate, immediateFloor},
		{"no answer to resume", func(p *peer) { p.hold() }, nil, 5*time.Second + backoffBase},
		{"no answer to a heartbeat", func(p *peer) { p.resumed(); p.hold() }, nil, 11500*time.Millisecond + backoffBase},
		{"broken frame", func(p *peer) { p.ws.Write(context.Background(), 1, []byte("{")); p.hold() }, nil, backoffBase},
		{"normal", func(p *peer) { p.close(chat.CloseNormal) }, nil, 0},
		{"too big", func(p *peer) { p.close(chat.CloseTooBig) }, nil, 0},
		{"token invalid", func(p *peer) { p.close(chat.CloseTokenInvalid) }, nil, 0},
		{"replaced", func(p *peer) { p.close(chat.CloseReplaced) }, nil, 0},
		{"protocol", func(p *peer) { p.close(chat.CloseProtocol) }, nil, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				began, back := time.Now(), make(chan struct{})
				f.gateway = func(p *peer) {
					if p.n == 1 {
						tc.end(p)
						return
					}
					p.resumed()
					close(back)
					p.hold()
				}
				f.device(tc.config)
				result := make(chan error, 1)
				ctx, cancel := context.WithCancel(context.Background())
				go func() { result <- f.client.Run(ctx) }()
				if tc.within > 0 {
					<-back
					require.LessOrEqual(t, time.Since(began), tc.within)
					cancel()
					require.ErrorIs(t, <-result, context.Canceled)
				} else {
					var closed *ClosedError
					require.ErrorAs(t, <-result, &closed)
					require.False(t, closed.Code.MayReconnect())
					require.Equal(t, 1, f.conns)
				}
				cancel()
				f.server.Close()
				f.listener.Close()
			})
		})
	}
}

func immediate(c *Config) { c.Reconnect = ReconnectImmediate }

func TestATokenIsAskedForAgainAfterItExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		back := make(chan struct{})
		f.gateway = func(p *peer) {
			p.resumed()
			if p.n == 1 {
				p.close(chat.CloseTokenExpired)
				return
			}
			require.Equal(t, "ticket-3", p.ticket)
			close(back)
			p.hold()
		}
		f.session = func(n int, _ *http.Request) (int, any) {
			if n == 2 {
				return problem(chat.CodeTokenExpired, 0)
			}
			return 0, nil
		}
		tokens := []string{"a", "b", "c"}
		f.device(func(c *Config) {
			c.Token = func(context.Context) (string, error) {
				token := tokens[0]
				tokens = tokens[1:]
				return token, nil
			}
		})
		f.run(func(context.Context) { <-back })
		require.Equal(t, []string{"a", "b", "c"}, f.tokens)
	})
}

func TestASessionThatIsRefused(t *testing.T) {
	for _, tc := range []struct {
		code  chat.Code
		final bool
	}{
		{chat.CodeTokenInvalid, true}, {chat.CodeBadRequest, true}, {chat.CodeNotFound, true},
		{chat.CodeServerLimit, false}, {chat.CodeUnavailable, false}, {chat.CodeInternal, false}, {chat.CodeTokenExpired, false},
	} {
		t.Run(string(tc.code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				began := time.Now()
				f.session = func(n int, _ *http.Request) (int, any) {
					if n == 1 {
						return problem(tc.code, 7*time.Second)
					}
					require.GreaterOrEqual(t, time.Since(began), 7*time.Second)
					return 0, nil
				}
				f.device(nil)
				err := f.run(func(ctx context.Context) {
					ctx, cancel := context.WithTimeout(ctx, time.Minute)
					defer cancel()
					_, err := f.client.Send(ctx, conv, "hello")
					require.Error(t, err)
				})
				if tc.final {
					require.ErrorContains(t, err, string(tc.code))
					require.Equal(t, "connecting #1, disconnected 0, unsent", f.told())
					return
				}
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, 1, f.conns)
			})
		})
	}
}

// TestResuming shows that a device names its places, and that a later Run goes on from them.
func TestResuming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.put(msgs(1, 9)...)
		ready := make(chan struct{}, 2)
		f.gateway = func(p *peer) {
			switch p.n {
			case 1:
				require.Empty(t, p.resumed().Positions)
				p.live(1, 2, 3)
			case 2:
				require.Equal(t, places(3), p.resumed(9).Positions)
			}
			synctest.Wait()
			ready <- struct{}{}
			p.hold()
		}
		c := f.device(nil)
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error, 1)
		go func() { result <- c.Run(ctx) }()
		<-ready
		cancel()
		<-result
		after(7 * 24 * time.Hour)
		f.run(func(context.Context) { <-ready })
		require.Equal(t, places(9), c.Positions())
		require.Equal(t, "connecting #1, connected, shown 1, shown 2, shown 3, disconnected 1000, connecting #1, connected, "+
			"gap 4..9, shown 4, shown 5, shown 6, shown 7, shown 8, shown 9, gap filled 9, disconnected 1000", f.told())
	})
}

// TestHeartbeats shows the settling heartbeat, the regular ones and the presence that goes with them.
func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		var at []time.Duration
		f.gateway = func(p *peer) {
			p.resumed()
			p.live(1)
			up := time.Now()
			for {
				beat, ok := p.expect(wire.TypeHeartbeat)
				if !ok {
					return
				}
				require.Equal(t, places(1), beat.Positions)
				at = append(at, time.Since(up))
				p.send(wire.ServerFrame{Type: wire.TypeHeartbeat})
			}
		}
		f.device(func(c *Config) { c.HeartbeatBy = "client" })
		f.run(func(context.Context) { after(70 * time.Second) })
		require.GreaterOrEqual(t, len(at), 3)
		require.Equal(t, 1500*time.Millisecond, at[0], "when no worker routes by an older connection")
		require.Less(t, at[1]-at[0], 30*time.Second, "somewhere in the interval, so that devices do not beat together")
		for i := range at[2:] {
			require.Equal(t, 30*time.Second, at[i+2]-at[i+1])
		}
		require.Equal(t, 1+len(at), f.presence)
		require.NotContains(t, f.told(), "disconnected 0")
	})
}

// TestSync shows that Sync outlives a refused heartbeat and a broken connection, and ends when nothing is lacking.
func TestSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.put(msgs(1, 5)...)
		f.gateway = func(p *peer) {
			p.resumed()
			for n := 1; ; n++ {
				beat, ok := p.expect(wire.TypeHeartbeat)
				if !ok || p.n == 1 {
					return
				}
				switch {
				case n == 1:
					p.send(wire.ErrorFrame(chat.Errorf(chat.CodeUnavailable, "later"), chat.ID{}))
				case len(beat.Positions) == 0:
					p.send(wire.ServerFrame{Type: wire.TypeHeartbeat, Newer: places(5)})
				default:
					p.send(wire.ServerFrame{Type: wire.TypeHeartbeat})
				}
			}
		}
		c := f.device(nil)
		f.run(func(ctx context.Context) {
			require.NoError(t, c.Sync(ctx))
			require.Equal(t, places(5), c.Positions())
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			require.ErrorIs(t, c.Sync(ctx), context.Canceled)
		})
	})
}

func TestRunIsExclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		c := f.device(nil)
		f.run(func(ctx context.Context) {
			require.NoError(t, c.Sync(ctx))
			require.ErrorContains(t, c.Run(ctx), "runs already")
		})
	})
}

// TestAGatewayThatSheds shows that a device whose upgrade is refused asks for another gateway at once, and waits as it is
// told only when others refuse it too.
func TestAGatewayThatSheds(t *testing.T) {
	for refusals, wait := range map[int]time.Duration{1: 0, 2: 0, 3: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			began := time.Now()
			f.upgrade = func(n int) (int, any) {
				if n <= refusals {
					return problem(chat.CodeUnavailable, 3*time.Second)
				}
				return 0, nil
			}
			f.device(nil)
			var resumed time.Duration
			f.gateway = func(p *peer) { resumed = time.Since(began); p.resumed(); p.beats() }
			f.run(func(ctx context.Context) { require.NoError(t, f.client.Sync(ctx)) })
			require.GreaterOrEqual(t, resumed, wait)
			require.Less(t, resumed, wait+backoffBase)
			require.Equal(t, refusals+1, f.sessions)
			require.Equal(t, append([]string{""}, slices.Repeat([]string{"gateway:1"}, refusals)...), f.avoided)
			require.Contains(t, f.told(), "connecting #1, disconnected 0, connecting #2, ")
		})
	}
}

// TestManyConversations shows that a device names all its places, in as many frames as they need.
func TestManyConversations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		var ps []chat.Position
		for range 2*chat.MaxPositions + 1 {
			ps = append(ps, chat.Position{ConversationID: chat.NewID(), Seq: 1, Timestamp: stamp(1)})
		}
		var named []chat.Position
		finished := make(chan struct{})
		f.gateway = func(p *peer) {
			require.Len(t, p.resumed().Positions, chat.MaxPositions)
			for len(named) < len(ps) {
				beat, _ := p.expect(wire.TypeHeartbeat)
				named = append(named, beat.Positions...)
			}
			close(finished)
			p.hold()
		}
		c := f.device(func(c *Config) { c.Positions = ps })
		f.run(func(context.Context) { <-finished })
		require.ElementsMatch(t, ps, named)
		require.ElementsMatch(t, ps, c.Positions())
	})
}

func TestConfigIsChecked(t *testing.T) {
	good := func() Config {
		return Config{EdgeURL: "http://edge", Token: func(context.Context) (string, error) { return "", nil }, UserID: self, Device: "phone"}
	}
	_, err := New(good())
	require.NoError(t, err)
	for _, tc := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.EdgeURL = "edge:80" }, "edge URL"},
		{func(c *Config) { c.Token = nil }, "token"},
		{func(c *Config) { c.UserID = chat.ID{} }, "user id"},
		{func(c *Config) { c.Device = "" }, "device"},
		{func(c *Config) { c.Reconnect = "later" }, "reconnect"},
		{func(c *Config) { c.HeartbeatBy = "nobody" }, "heartbeat_by"},
	} {
		cfg := good()
		tc.change(&cfg)
		_, err := New(cfg)
		require.ErrorContains(t, err, tc.want)
	}
}
