package refusals_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/edge"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/wire"
)

// publicKey is what everybody may know of the key that signs user tokens.
func publicKey(t *testing.T, jwks []byte) (kid string, x []byte) {
	var set struct {
		Keys []struct{ Kid, X string }
	}
	require.NoError(t, json.Unmarshal(jwks, &set))
	x, err := base64.RawURLEncoding.DecodeString(set.Keys[0].X)
	require.NoError(t, err)
	return set.Keys[0].Kid, x
}

// badTokens are tokens in a victim's name that nobody may accept, with the code of their refusal.
func badTokens(t *testing.T, r *rig, victim user) map[string]badToken {
	kid, public := publicKey(t, r.UserKeys())
	sign := func(method jwt.SigningMethod, kid string, key any) badToken {
		tok := jwt.NewWithClaims(method, jwt.RegisteredClaims{Subject: victim.id.String(), ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour))})
		tok.Header["kid"], tok.Header["typ"] = kid, "JWT"
		text, err := tok.SignedString(key)
		require.NoError(t, err)
		return badToken{text, chat.CodeTokenInvalid}
	}
	stranger, err := token.NewKey()
	require.NoError(t, err)
	strangers, err := token.NewIssuer(stranger, time.Now).User(token.User{ID: victim.id, Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	expired, err := r.Token(victim.id, -time.Minute)
	require.NoError(t, err)
	part := strings.Split(victim.token, ".")
	other := strings.Split(r.user().token, ".")
	return map[string]badToken{
		"nonsense":                            {"x.y.z", chat.CodeTokenInvalid},
		"too long":                            {strings.Repeat("x", 5<<10), chat.CodeTokenInvalid},
		"a stranger's key":                    {strangers, chat.CodeTokenInvalid},
		"alg none":                            sign(jwt.SigningMethodNone, kid, jwt.UnsafeAllowNoneSignatureType),
		"HS256 with the public key":           sign(jwt.SigningMethodHS256, kid, public),
		"HS256 with the public key set":       sign(jwt.SigningMethodHS256, kid, r.UserKeys()),
		"RS256 under the key's id":            sign(jwt.SigningMethodRS256, kid, rsaKey),
		"ES256 under the key's id":            sign(jwt.SigningMethodES256, kid, ecKey),
		"another one's claims, same signer":   {part[0] + "." + other[1] + "." + part[2], chat.CodeTokenInvalid},
		"no signature":                        {part[0] + "." + part[1] + ".", chat.CodeTokenInvalid},
		"expired":                             {expired, chat.CodeTokenExpired},
		"a ticket, which opens a socket only": {victim.session("phone").Ticket, chat.CodeTokenInvalid},
	}
}

type badToken struct {
	text string
	code chat.Code
}

// free are the routes that need no token.
func free(route string) bool { return strings.HasSuffix(route, ".yaml") }

// TestNoRouteTakesABadToken tries every bad token on every route.
func TestNoRouteTakesABadToken(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	victim := r.user()
	bad := badTokens(t, r, victim)
	for _, route := range edge.Routes() {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{id}", chat.NewID().String(), "{device}", "phone").Replace(path)
		require.NotContains(t, path, "{", "the test knows what to put into the path")
		if free(route) {
			require.Equal(t, http.StatusOK, r.call(method, path, "", nil).status, route)
			continue
		}
		assert.Equal(t, chat.CodeTokenMissing, r.call(method, path, "", "{}").code, route)
		for name, b := range bad {
			assert.Equal(t, b.code, r.call(method, path, b.text, "{}").code, "%s with %s", route, name)
		}
	}
}

// TestNoSocketTakesABadTicket: what opens a socket is a ticket that the edge made for this gateway.
func TestNoSocketTakesABadTicket(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	victim := r.user()
	bad := badTokens(t, r, victim)
	delete(bad, "a ticket, which opens a socket only")
	bad["a user token"] = badToken{victim.token, chat.CodeTokenInvalid}
	gateway := victim.session("phone").Gateway
	for name, b := range bad {
		if b.code == chat.CodeTokenExpired {
			b.code = chat.CodeTokenInvalid // a user token's key is not a ticket's
		}
		_, a := r.dial(ticket{gateway, b.text})
		assert.Equal(t, b.code, a.code, name)
	}
}

// TestNoOpenSocketTakesABadToken: a bad token in an auth frame is refused and leaves the socket as good as it was, but another
// user's ends it.
func TestNoOpenSocketTakesABadToken(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	victim := r.user()
	bad := badTokens(t, r, victim)
	const others = "another user's, which is good"
	bad[others] = badToken{r.user().token, chat.CodeTokenInvalid}
	for name, b := range bad {
		t.Run(name, func(t *testing.T) {
			s := victim.connect(strings.ReplaceAll(name, "'", ""))
			s.send(wire.ClientFrame{Type: wire.TypeAuth, Token: b.text})
			require.Equal(t, b.code, s.refusal().Code)
			if name == others {
				require.Equal(t, chat.CloseTokenInvalid, s.closes())
				return
			}
			s.fence() // it lives on: the token that it came with is still good
		})
	}
	s := victim.connect("phone")
	longer, err := r.Token(victim.id, 2*time.Hour)
	require.NoError(t, err)
	s.send(wire.ClientFrame{Type: wire.TypeAuth, Token: longer})
	require.WithinDuration(t, time.Now().Add(2*time.Hour), s.await(wire.TypeAuth).ExpiresAt, time.Minute)
}
