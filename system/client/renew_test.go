package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

const tokenLife = 10 * time.Minute

// bounded makes sessions that are good for tokenLife.
func (f *fake) bounded() {
	f.session = func(n int, _ *http.Request) (int, any) {
		return http.StatusCreated, map[string]any{
			"gateway": "gateway:1", "ticket": "ticket", "epoch": n, "heartbeat_interval_ms": f.heart.Milliseconds(),
			"server_time": time.Now().Add(f.skew), "token_expires_at": time.Now().Add(f.skew + tokenLife),
		}
	}
}

// takes answers heartbeats, and tokens as the test says: at time 0 not at all; it closes the socket after tokenLife.
func (p *peer) takes(token func(text string) wire.ServerFrame) {
	end := time.AfterFunc(tokenLife, func() { p.close(chat.CloseTokenExpired) })
	defer end.Stop()
	for {
		_, data, err := p.ws.Read(context.Background())
		if err != nil {
			return
		}
		f, err := wire.DecodeClient(data)
		require.NoError(p.t, err)
		switch f.Type {
		case wire.TypeHeartbeat:
			p.send(wire.ServerFrame{Type: wire.TypeHeartbeat})
		case wire.TypeAuth:
			if answer := token(f.Token); answer.Type != "" {
				p.send(answer)
			}
		}
	}
}

func (f *fake) all(k Kind) (out []Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Kind == k {
			out = append(out, e)
		}
	}
	return out
}

// A fleet that connected in the same moment renews all over a fifth of the tokens' time, whatever the devices' clocks say.
func TestAFleetDoesNotRenewAtOnce(t *testing.T) {
	const devices = 60
	var fifths [5]int
	for seed := range uint64(devices) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			f.skew = 3 * time.Hour
			f.bounded()
			began := time.Now()
			f.gateway = func(p *peer) {
				p.resumed()
				p.takes(func(string) wire.ServerFrame {
					share := float64(time.Since(began)) / float64(tokenLife)
					require.True(t, renewFrom <= share && share < renewTo, "%g", share)
					fifths[int((share-renewFrom)/(renewTo-renewFrom)*5)]++
					return wire.ServerFrame{Type: wire.TypeAuth, ExpiresAt: time.Now().Add(f.skew + 24*time.Hour)}
				})
			}
			f.device(func(c *Config) { c.Rand = rand.New(rand.NewPCG(seed, 1)) })
			f.run(func(context.Context) { <-time.After(9 * time.Minute) })
			require.Len(t, f.all(Renewed), 1)
			require.Equal(t, "connecting #1, connected, renewed, disconnected 1000", f.told())
		})
	}
	for _, n := range fifths {
		require.InDelta(t, devices/5, n, 9, "%v", fifths)
	}
}

// Whatever keeps a token from being renewed is told and tried again until the old one ends; then the device comes back as
// after any break.
func TestATokenThatIsNotRenewed(t *testing.T) {
	same := wire.ServerFrame{Type: wire.TypeAuth}
	for name, c := range map[string]struct {
		token  func() (string, error)
		answer *wire.ServerFrame
		text   string
		code   chat.Code
		tries  int // at least
	}{
		"the function fails":      {func() (string, error) { return "", errors.New("no network") }, nil, "get token: no network", "", 8},
		"the function is silent":  {nil, nil, "get token: context deadline exceeded", "", 6},
		"it gives nothing":        {func() (string, error) { return "", nil }, nil, "get token: it is empty", "", 8},
		"it gives the old one":    {good, &same, "the token function gave the token that ends, or one that ends no later", "", 8},
		"the gateway refuses it":  {good, &wire.ServerFrame{Type: wire.TypeError, Code: chat.CodeTokenInvalid, Message: "unknown key"}, "unknown key", chat.CodeTokenInvalid, 8},
		"the gateway is too slow": {good, &wire.ServerFrame{}, "the gateway did not answer", "", 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.bounded()
				began, sessions := time.Now(), 0
				f.gateway = func(p *peer) {
					p.resumed()
					sessions++
					same.ExpiresAt = began.Add(tokenLife)
					p.takes(func(string) wire.ServerFrame { return *c.answer })
				}
				f.device(func(cfg *Config) {
					cfg.Token = func(ctx context.Context) (string, error) {
						switch left := tokenLife - time.Since(began); {
						case left == tokenLife || left <= 0:
							return good()
						case c.token == nil:
							<-ctx.Done()
							return "", ctx.Err()
						}
						return c.token()
					}
				})
				f.run(func(context.Context) { <-time.After(tokenLife + time.Minute) })
				failed := f.all(RenewalFailed)
				require.GreaterOrEqual(t, len(failed), c.tries)
				require.Less(t, len(failed), 40, "with backoff")
				for _, e := range failed {
					require.Equal(t, c.text, e.Text)
					require.Equal(t, c.code, e.Code)
				}
				last := failed[len(failed)-1]
				require.Less(t, began.Add(tokenLife).Sub(last.At), 2*(renewLast+f.client.cfg.Timeouts.Request), "until shortly before the end")
				lost := f.all(Disconnected)
				require.Equal(t, chat.CloseTokenExpired, lost[0].Close)
				require.Equal(t, began.Add(tokenLife), lost[0].At, "not before")
				require.Equal(t, 2, sessions, "and it is back")
			})
		})
	}
}

func good() (string, error) { return "user-token", nil }

// A refused token answers no heartbeat: what a heartbeat asked for is still waited for.
func TestARefusedTokenAnswersNoHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.bounded()
		f.heart = time.Hour
		var beaten bool
		f.gateway = func(p *peer) {
			p.resumed()
			p.expect(wire.TypeHeartbeat) // the first, by itself
			p.send(wire.ServerFrame{Type: wire.TypeHeartbeat})
			p.expect(wire.TypeAuth)
			p.expect(wire.TypeHeartbeat) // of Sync
			p.send(wire.ServerFrame{Type: wire.TypeError, Code: chat.CodeTokenExpired})
			<-time.After(time.Second)
			beaten = true
			p.send(wire.ServerFrame{Type: wire.TypeHeartbeat})
			p.hold()
		}
		f.device(nil)
		f.run(func(ctx context.Context) {
			for asked := false; !asked; { // until the token is on its way
				<-time.After(100 * time.Millisecond)
				f.client.mu.Lock()
				asked = f.client.link != nil && f.client.link.token.asked
				f.client.mu.Unlock()
			}
			require.NoError(t, f.client.Sync(ctx))
			require.True(t, beaten)
		})
		require.Len(t, f.all(RenewalFailed), 1)
	})
}

// A token that comes when the connection has ended, or the device has been told to stop, goes nowhere.
func TestATokenThatComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.bounded()
		f.gateway = func(p *peer) {
			p.resumed()
			if p.n == 1 {
				<-time.After(8*time.Minute - time.Second)
				return
			}
			p.takes(func(string) wire.ServerFrame { require.Fail(t, "a token"); return wire.ServerFrame{} })
		}
		began, asked := time.Now(), atomic.Int32{}
		f.device(func(c *Config) {
			c.Timeouts.Request, c.Timeouts.Heartbeat = 5*time.Minute, time.Hour
			c.Token = func(ctx context.Context) (string, error) {
				if asked.Add(1) == 2 {
					<-time.After(time.Until(began.Add(9 * time.Minute)))
				}
				return "user-token", nil
			}
		})
		f.run(func(context.Context) { <-time.After(10 * time.Minute) })
		require.EqualValues(t, 3, asked.Load())
		require.Empty(t, f.all(RenewalFailed))
	})
}
