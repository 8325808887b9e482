package token

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

// setOf is a key set that holds several keys.
func setOf(t *testing.T, keys ...Key) Keys {
	var set jwkSet
	for _, k := range keys {
		set.Keys = append(set.Keys, k.public())
	}
	text, err := json.Marshal(set)
	require.NoError(t, err)
	parsed, err := ParseKeys(text)
	require.NoError(t, err)
	return parsed
}

// A key is changed in three steps, and no token that is in use is refused on the way.
func TestSigningKeysRotate(t *testing.T) {
	old, _ := NewKey()
	fresh, _ := NewKey()
	i, v := NewIssuer(old, clock), NewVerifier(setOf(t, old), clock)
	expecting := v.Expecting("", "")
	user := func() string {
		s, err := i.User(User{alice, now.Add(time.Hour)})
		require.NoError(t, err)
		return s
	}
	judge := func(s string) chat.Code {
		_, err := v.User(s)
		_, same := expecting.User(s)
		require.Equal(t, codeOf(err), codeOf(same), "a verifier that expects more has the same keys")
		return codeOf(err)
	}
	first := user()
	require.Empty(t, judge(first))
	v.Replace(setOf(t, old, fresh))
	require.Empty(t, judge(first))
	i.Replace(fresh)
	second := user()
	require.Empty(t, judge(first), "while its key is in the set")
	require.Empty(t, judge(second))
	v.Replace(setOf(t, fresh))
	require.Equal(t, chat.CodeTokenInvalid, judge(first))
	require.Empty(t, judge(second))
}

func TestIssuerAndAudience(t *testing.T) {
	w := newWorld(t)
	kid := map[string]any{"kid": w.key.ID()}
	for name, c := range map[string]struct {
		issuer, audience string
		claims           map[string]any
		want             chat.Code
	}{
		"nothing asked":    {"", "", map[string]any{"iss": "x", "aud": "y"}, ""},
		"as asked":         {"https://id", "chat", map[string]any{"iss": "https://id", "aud": "chat"}, ""},
		"one of several":   {"", "chat", map[string]any{"aud": []string{"mail", "chat"}}, ""},
		"another issuer":   {"https://id", "", map[string]any{"iss": "https://evil"}, chat.CodeTokenInvalid},
		"no issuer":        {"https://id", "", nil, chat.CodeTokenInvalid},
		"another audience": {"", "chat", map[string]any{"aud": "mail"}, chat.CodeTokenInvalid},
		"no audience":      {"", "chat", nil, chat.CodeTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.v.Expecting(c.issuer, c.audience).User(sign(t, jwt.SigningMethodEdDSA, w.key.private, kid, body(c.claims)))
			require.Equal(t, c.want, codeOf(err))
		})
	}
}
