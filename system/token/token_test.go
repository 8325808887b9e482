package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// world is an Ed25519 key, a P-256 key and a verifier that knows both.
type world struct {
	key Key
	ec  *ecdsa.PrivateKey
	v   *Verifier
	iss *Issuer
}

func newWorld(t testing.TB) world {
	key, err := NewKey()
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	set := jwkSet{[]jwk{key.public(), ecJWK(t, ec, "ec")}}
	keys, err := ParseKeys(mustJSON(set))
	require.NoError(t, err)
	return world{key, ec, NewVerifier(keys, clock), NewIssuer(key, clock)}
}

func ecJWK(t testing.TB, k *ecdsa.PrivateKey, kid string) jwk {
	b, err := k.PublicKey.Bytes()
	require.NoError(t, err)
	return jwk{Kty: "EC", Crv: "P-256", X: encode(b[1:33]), Y: encode(b[33:]), Kid: kid, Use: "sig"}
}

// sign makes any token, good or forged.
func sign(t testing.TB, method jwt.SigningMethod, key any, header, body map[string]any) string {
	tok := jwt.NewWithClaims(method, jwt.MapClaims(body))
	for k, v := range header {
		tok.Header[k] = v
		if v == nil {
			delete(tok.Header, k)
		}
	}
	s, err := tok.SignedString(key)
	require.NoError(t, err)
	return s
}

func body(changes map[string]any) map[string]any {
	b := map[string]any{"sub": alice.String(), "exp": now.Add(time.Hour).Unix()}
	for k, v := range changes {
		b[k] = v
		if v == nil {
			delete(b, k)
		}
	}
	return b
}

var alice = chat.NewID()

func codeOf(err error) chat.Code {
	var e *chat.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestUserToken(t *testing.T) {
	w := newWorld(t)
	s, err := w.iss.User(User{alice, now.Add(time.Hour)})
	require.NoError(t, err)
	u, err := w.v.User(s)
	require.NoError(t, err)
	assert.Equal(t, alice, u.ID)
	assert.True(t, u.Expires.Equal(now.Add(time.Hour)))

	es := sign(t, jwt.SigningMethodES256, w.ec, map[string]any{"kid": "ec"}, body(nil))
	u, err = w.v.User(es)
	require.NoError(t, err)
	assert.Equal(t, alice, u.ID)
}

func TestTicket(t *testing.T) {
	w := newWorld(t)
	want := Ticket{alice, "phone", "gateway-1", 1_764_000_000_000_123, now.Add(time.Minute), now.Add(time.Hour)}
	s, err := w.iss.Ticket(want)
	require.NoError(t, err)
	got, err := w.v.Ticket(s)
	require.NoError(t, err)
	assert.True(t, got.Expires.Equal(want.Expires) && got.UserExpires.Equal(want.UserExpires))
	got.Expires, got.UserExpires = want.Expires, want.UserExpires
	assert.Equal(t, want, got)
}

func TestRefusedTokens(t *testing.T) {
	w := newWorld(t)
	priv := w.key.private
	kid := map[string]any{"kid": w.key.ID()}
	ed := func(changes map[string]any) string { return sign(t, jwt.SigningMethodEdDSA, priv, kid, body(changes)) }
	stranger, err := NewKey()
	require.NoError(t, err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	ticket, err := w.iss.Ticket(Ticket{alice, "phone", "g", 1, now.Add(time.Minute), now.Add(time.Hour)})
	require.NoError(t, err)
	good := ed(nil)
	parts := strings.Split(good, ".")

	cases := []struct {
		name  string
		token string
		want  chat.Code
	}{
		{"missing", "", chat.CodeTokenMissing},
		{"not a token", "hello", chat.CodeTokenInvalid},
		{"two parts", parts[0] + "." + parts[1], chat.CodeTokenInvalid},
		{"four parts", good + ".x", chat.CodeTokenInvalid},
		{"five parts, as an encrypted token has", good + ".x.y", chat.CodeTokenInvalid},
		{"no signature", parts[0] + "." + parts[1] + ".", chat.CodeTokenInvalid},
		{"too long", good + strings.Repeat("A", maxBytes), chat.CodeTokenInvalid},
		{"padding", good + "==", chat.CodeTokenInvalid},
		{"line break in the signature", good[:len(good)-5] + "\n" + good[len(good)-5:], chat.CodeTokenInvalid},
		{"space before", " " + good, chat.CodeTokenInvalid},
		{"expired", ed(map[string]any{"exp": now.Add(-time.Minute).Unix()}), chat.CodeTokenExpired},
		{"expired beyond leeway", ed(map[string]any{"exp": now.Add(-Leeway).Unix()}), chat.CodeTokenExpired},
		{"no exp", ed(map[string]any{"exp": nil}), chat.CodeTokenInvalid},
		{"exp is null", sign(t, jwt.SigningMethodEdDSA, priv, kid, map[string]any{"sub": alice.String(), "exp": nil}), chat.CodeTokenInvalid},
		{"exp is text", ed(map[string]any{"exp": "tomorrow"}), chat.CodeTokenInvalid},
		{"not valid yet", ed(map[string]any{"nbf": now.Add(time.Minute).Unix()}), chat.CodeTokenInvalid},
		{"no sub", ed(map[string]any{"sub": nil}), chat.CodeTokenInvalid},
		{"sub is no id", ed(map[string]any{"sub": "alice"}), chat.CodeTokenInvalid},
		{"sub in another form", ed(map[string]any{"sub": "{" + alice.String() + "}"}), chat.CodeTokenInvalid},
		{"sub is the zero id", ed(map[string]any{"sub": chat.ID{}.String()}), chat.CodeTokenInvalid},
		{"no kid", sign(t, jwt.SigningMethodEdDSA, priv, nil, body(nil)), chat.CodeTokenInvalid},
		{"unknown kid", sign(t, jwt.SigningMethodEdDSA, priv, map[string]any{"kid": "x"}, body(nil)), chat.CodeTokenInvalid},
		{"kid is a number", sign(t, jwt.SigningMethodEdDSA, priv, map[string]any{"kid": 7}, body(nil)), chat.CodeTokenInvalid},
		{"another key under a known kid", sign(t, jwt.SigningMethodEdDSA, stranger.private, kid, body(nil)), chat.CodeTokenInvalid},
		{"none", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, body(nil)), chat.CodeTokenInvalid},
		{"HS256 with the public key as secret", sign(t, jwt.SigningMethodHS256, []byte(priv.Public().(ed25519.PublicKey)), kid, body(nil)), chat.CodeTokenInvalid},
		{"HS256 with the key set as secret", sign(t, jwt.SigningMethodHS256, w.key.JWKS(), kid, body(nil)), chat.CodeTokenInvalid},
		{"RS256", sign(t, jwt.SigningMethodRS256, rs, kid, body(nil)), chat.CodeTokenInvalid},
		{"ES384", sign(t, jwt.SigningMethodES384, p384, map[string]any{"kid": "ec"}, body(nil)), chat.CodeTokenInvalid},
		{"ES256 under the kid of the Ed25519 key", sign(t, jwt.SigningMethodES256, w.ec, kid, body(nil)), chat.CodeTokenInvalid},
		{"EdDSA under the kid of the P-256 key", sign(t, jwt.SigningMethodEdDSA, priv, map[string]any{"kid": "ec"}, body(nil)), chat.CodeTokenInvalid},
		{"alg changed after signing", swapHeader(t, good, map[string]any{"alg": "none"}), chat.CodeTokenInvalid},
		{"alg in other letters", swapHeader(t, good, map[string]any{"alg": "EDDSA"}), chat.CodeTokenInvalid},
		{"header of another token", swapHeader(t, good, map[string]any{"jku": "https://example.org/keys"}), chat.CodeTokenInvalid},
		{"a ticket instead of a user token", ticket, chat.CodeTokenInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.v.User(c.token)
			assert.Equal(t, c.want, codeOf(err), "%v", err)
			_, err = w.v.Ticket(c.token)
			if c.token != ticket {
				assert.Equal(t, c.want, codeOf(err), "%v", err)
			}
		})
	}
}

// An expired token that is forged is forged: only what the issuer signed may say that it was once good.
func TestExpiredAndForgedIsInvalid(t *testing.T) {
	w := newWorld(t)
	stranger, err := NewKey()
	require.NoError(t, err)
	s := sign(t, jwt.SigningMethodEdDSA, stranger.private, map[string]any{"kid": w.key.ID()}, body(map[string]any{"exp": 1}))
	_, err = w.v.User(s)
	assert.Equal(t, chat.CodeTokenInvalid, codeOf(err))
}

func TestLeewayIsSmall(t *testing.T) {
	w := newWorld(t)
	s, err := w.iss.User(User{alice, now.Add(-Leeway + time.Second)})
	require.NoError(t, err)
	_, err = w.v.User(s)
	assert.NoError(t, err)
}

func TestRefusedTickets(t *testing.T) {
	w := newWorld(t)
	header := map[string]any{"kid": w.key.ID(), "typ": typeTicket}
	whole := map[string]any{"dev": "phone", "gw": "g", "epoch": 1, "uexp": now.Unix()}
	_, err := w.v.Ticket(sign(t, jwt.SigningMethodEdDSA, w.key.private, header, body(whole)))
	require.NoError(t, err)
	for _, lacks := range []string{"dev", "gw", "epoch", "uexp"} {
		b := body(whole)
		delete(b, lacks)
		_, err := w.v.Ticket(sign(t, jwt.SigningMethodEdDSA, w.key.private, header, b))
		assert.Equal(t, chat.CodeTokenInvalid, codeOf(err), lacks)
	}
	user, err := w.iss.User(User{alice, now.Add(time.Hour)})
	require.NoError(t, err)
	_, err = w.v.Ticket(user)
	assert.Equal(t, chat.CodeTokenInvalid, codeOf(err), "a user token is no ticket")
	b := body(whole)
	b["epoch"] = 1.5
	_, err = w.v.Ticket(sign(t, jwt.SigningMethodEdDSA, w.key.private, header, b))
	assert.Equal(t, chat.CodeTokenInvalid, codeOf(err))
}

// Every single character of a token matters.
func TestTamperedTokens(t *testing.T) {
	w := newWorld(t)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	for name, good := range map[string]string{
		"EdDSA": sign(t, jwt.SigningMethodEdDSA, w.key.private, map[string]any{"kid": w.key.ID()}, body(nil)),
		"ES256": sign(t, jwt.SigningMethodES256, w.ec, map[string]any{"kid": "ec"}, body(nil)),
	} {
		for i := range good {
			for _, c := range []byte{alphabet[i%64], alphabet[(i*7+13)%65]} {
				if c == good[i] {
					continue
				}
				bad := good[:i] + string(c) + good[i+1:]
				_, err := w.v.User(bad)
				require.Equal(t, chat.CodeTokenInvalid, codeOf(err), "%s with %q at %d", name, c, i)
			}
			_, err := w.v.User(good[:i])
			require.Error(t, err, "%s cut at %d", name, i)
		}
	}
}

func swapHeader(t testing.TB, token string, changes map[string]any) string {
	parts := strings.Split(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	var h map[string]any
	require.NoError(t, json.Unmarshal(raw, &h))
	for k, v := range changes {
		h[k] = v
	}
	return encode(mustJSON(h)) + "." + parts[1] + "." + parts[2]
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]struct {
		token string
		code  chat.Code
	}{
		"":             {"", chat.CodeTokenMissing},
		"Bearer abc":   {"abc", ""},
		"bearer abc":   {"abc", ""},
		"Bearer":       {"", ""}, // an empty token is missing, as the verifier says
		"Basic YTpi":   {"", chat.CodeTokenInvalid},
		"Bearerabc":    {"", chat.CodeTokenInvalid},
		"Bearer  abc ": {"abc", ""},
	} {
		got, err := Bearer(header)
		assert.Equal(t, want.token, got, header)
		assert.Equal(t, want.code, codeOf(err), header)
	}
}

func TestKeysRoundTrip(t *testing.T) {
	key, err := NewKey()
	require.NoError(t, err)
	again, err := ParseKey(key.Private())
	require.NoError(t, err)
	assert.Equal(t, key, again)
	keys, err := ParseKeys(key.JWKS())
	require.NoError(t, err)
	assert.NotContains(t, string(key.JWKS()), `"d"`)
	s, err := NewIssuer(again, clock).User(User{alice, now.Add(time.Hour)})
	require.NoError(t, err)
	_, err = NewVerifier(keys, clock).User(s)
	assert.NoError(t, err)
}

func TestRefusedKeySets(t *testing.T) {
	key, err := NewKey()
	require.NoError(t, err)
	j := key.public()
	change := func(f func(*jwk)) string {
		c := j
		f(&c)
		return string(mustJSON(jwkSet{[]jwk{c}}))
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	e := ecJWK(t, ec, "ec")
	e.Y = e.X
	for name, set := range map[string]string{
		"no JSON":           `{`,
		"empty":             `{"keys":[]}`,
		"only RSA":          `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`,
		"only symmetric":    `{"keys":[{"kty":"oct","kid":"a","k":"AQAB"}]}`,
		"no kid":            change(func(c *jwk) { c.Kid = "" }),
		"for encryption":    change(func(c *jwk) { c.Use = "enc" }),
		"short x":           change(func(c *jwk) { c.X = c.X[:20] }),
		"x is not base64":   change(func(c *jwk) { c.X = "$" + c.X[1:] }),
		"alg of other type": change(func(c *jwk) { c.Alg = "HS256" }),
		"private":           change(func(c *jwk) { c.D = "AAAA" }),
		"not on the curve":  string(mustJSON(jwkSet{[]jwk{e}})),
		"same kid twice":    string(mustJSON(jwkSet{[]jwk{j, j}})),
	} {
		_, err := ParseKeys([]byte(set))
		assert.Error(t, err, name)
	}
	mixed := `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"},` + strings.TrimPrefix(string(key.JWKS()), `{"keys":[`)
	_, err = ParseKeys([]byte(mixed))
	assert.NoError(t, err, "foreign keys are passed over")
}

func TestRefusedPrivateKeys(t *testing.T) {
	a, _ := NewKey()
	b, _ := NewKey()
	for name, data := range map[string]string{
		"no JSON":       "x",
		"only public":   string(mustJSON(a.public())),
		"a key set":     string(a.JWKS()),
		"other halves":  strings.Replace(string(a.Private()), a.public().X, b.public().X, 1),
		"another curve": strings.Replace(string(a.Private()), "Ed25519", "X25519", 1),
	} {
		_, err := ParseKey([]byte(data))
		assert.Error(t, err, name)
	}
}

// No input gets past the verifier unless the keys signed it, and every refusal is a chat error.
func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	user, err := w.iss.User(User{alice, now.Add(time.Hour)})
	require.NoError(f, err)
	ticket, err := w.iss.Ticket(Ticket{alice, "phone", "g", 1, now.Add(time.Minute), now.Add(time.Hour)})
	require.NoError(f, err)
	es := sign(f, jwt.SigningMethodES256, w.ec, map[string]any{"kid": "ec"}, body(nil))
	for _, s := range []string{user, ticket, es, "", ".", "..", "...", user[:20], "eyJhbGciOiJub25lIn0.e30.", ticket + "=", user + "\n", "\r" + es} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := w.v.User(s)
		if (err == nil) != (s == user || s == es) || err != nil && codeOf(err) == "" {
			t.Fatalf("user %q: %v", s, err)
		}
		if _, err = w.v.Ticket(s); (err == nil) != (s == ticket) || err != nil && codeOf(err) == "" {
			t.Fatalf("ticket %q: %v", s, err)
		}
	})
}

// No key set makes the parser panic, and one that it takes holds only keys it can pin.
func FuzzParseKeys(f *testing.F) {
	w := newWorld(f)
	f.Add(w.key.JWKS())
	f.Add(mustJSON(jwkSet{[]jwk{ecJWK(f, w.ec, "ec")}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseKeys(data)
		if err != nil {
			return
		}
		for id, k := range keys.byID {
			var _ crypto.PublicKey = k.public
			if id == "" || k.method == nil || k.public == nil {
				t.Fatalf("key %q: %+v", id, k)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	s, _ := w.iss.User(User{alice, now.Add(time.Hour)})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.v.User(s); err != nil {
			b.Fatal(err)
		}
	}
}
