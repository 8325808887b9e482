package node

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// pair is a certificate, its key, and who trusts it.
type pair struct {
	chain, key []byte
	trust      *http.Client
}

func newPair(t *testing.T) (p pair) {
	d, err := transport.DevelopmentCertificate(t.TempDir() + "/tls")
	require.NoError(t, err)
	var authority []byte
	for file, into := range map[string]*[]byte{d.Chain: &p.chain, d.Key: &p.key, d.Authority: &authority} {
		*into, err = os.ReadFile(file)
		require.NoError(t, err)
	}
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(authority))
	p.trust = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}}
	t.Cleanup(p.trust.CloseIdleConnections)
	return p
}

// secured is a gateway whose certificate and keys come from files.
func secured(t *testing.T, first pair) *rig {
	return start(t, Gateway, func(r *rig, cfg *Config) {
		r.userKeys, r.chain, r.key = r.file("users.json", r.users.jwks), r.file("chain.pem", first.chain), r.file("key.pem", first.key)
		cfg.KeyFiles.User, cfg.Security.TLSCert, cfg.Security.TLSKey = r.userKeys, r.chain, r.key
	})
}

func (r *rig) connects(p pair) error {
	_, err := r.open(chat.NewID(), "wss://"+r.Addresses().Public+"/ws", p.trust)
	return err
}

// takes says with which code a socket refuses a token that this key signed; none: it is taken.
func (s *socket) takes(user chat.ID, key signer) chat.Code {
	text, err := key.User(token.User{ID: user, Expires: time.Now().Add(2 * time.Hour)})
	require.NoError(s.r, err)
	return s.ask(wire.ClientFrame{Type: wire.TypeAuth, Token: text}).Code
}

// Certificates and keys change while a socket stays open; what is broken changes nothing, and says so once.
func TestFilesAreReadAgainWhileSocketsStayOpen(t *testing.T) {
	first, second := newPair(t), newPair(t)
	r := secured(t, first)
	user := chat.NewID()
	s, err := r.open(user, "wss://"+r.Addresses().Public+"/ws", first.trust)
	require.NoError(t, err)
	next := newSigner(t)
	require.Empty(t, s.takes(user, r.users))
	require.Equal(t, chat.CodeTokenInvalid, s.takes(user, next))

	r.write(r.userKeys, next.jwks)
	r.reload("user_keys", "ok", 1)
	require.Equal(t, chat.CodeTokenInvalid, s.takes(user, r.users))
	require.Empty(t, s.takes(user, next), "on the socket that was open before")

	r.write(r.chain, second.chain)
	r.reload("certificate", "broken", 1) // its key is the former's
	require.NoError(t, r.connects(first), "the old one stays")
	r.write(r.key, second.key)
	r.reload("certificate", "ok", 1)
	require.NoError(t, r.connects(second))
	require.ErrorContains(t, r.connects(first), "unknown authority")
	require.Empty(t, s.takes(user, next), "still on the first socket")

	for i, broken := range []string{"", "{", `{"keys":[]}`} {
		r.write(r.userKeys, []byte(broken))
		r.reload("user_keys", "broken", i+1)
		require.Empty(t, s.takes(user, next), "%q: the old keys stay", broken)
	}
	r.write(r.chain, []byte("-----BEGIN CERTIFICATE-----"))
	r.reload("certificate", "broken", 2)
	require.NoError(t, r.connects(second))
	require.Contains(t, r.log.String(), `level=ERROR msg="keep what was: a changed file cannot be used" what=user_keys`)
	require.Contains(t, r.log.String(), `what=certificate`)

	r.write(r.userKeys, r.users.jwks)
	r.reload("user_keys", "ok", 2)
	require.Empty(t, s.takes(user, r.users), "a good file after a broken one")
}

// Nobody has to ask: a change is seen within five seconds, one between reading the configuration and looking too, and a
// file that is away for a while is used when it is back.
func TestAChangeIsSeenByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, file := &journal{}, t.TempDir()+"/file"
		n := &Node{cfg: Config{Logger: slog.New(slog.NewTextHandler(log, nil))}, registry: newRegistry()}
		n.reloads = newReloads(n.registry)
		var applied []string
		put := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
		put("newer")
		n.watch("keys", [][]byte{[]byte("as configured")}, func(data [][]byte) error {
			applied = append(applied, string(bytes.Join(data, nil)))
			return nil
		}, file)
		n.watch("nothing", nil, func([][]byte) error { t.Error("no file"); return nil }, "")
		n.keepLooking()
		look := func() []string { <-time.After(lookEvery + time.Millisecond); synctest.Wait(); return applied }
		require.Equal(t, []string{"newer"}, look())
		require.Equal(t, []string{"newer"}, look(), "nothing changed")
		require.NoError(t, os.Remove(file))
		require.Equal(t, []string{"newer"}, look())
		require.Contains(t, log.String(), "keep what was")
		require.EqualValues(t, 1, testutil.ToFloat64(n.reloads.done.WithLabelValues("keys", "broken")))
		put("newest")
		require.Equal(t, []string{"newer", "newest"}, look())
		put("at once")
		n.Reload()
		synctest.Wait()
		require.Equal(t, "at once", applied[2])
		n.closers[0]()
	})
}
