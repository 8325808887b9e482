package token

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/chatlab/chatlab/system/chat"
)

const (
	// Leeway is how far the clocks of issuer and verifier may differ.
	Leeway = 2 * time.Second
	// maxBytes bounds a token before anything of it is decoded.
	maxBytes = 4 << 10
)

// Verifier judges tokens by a set of keys. Its errors are chat errors: token_missing, token_invalid, token_expired.
type Verifier struct {
	keys   *atomic.Pointer[Keys]
	now    func() time.Time
	parser *jwt.Parser
}

// NewVerifier makes a verifier; now is the wall clock that expiry is judged by.
func NewVerifier(keys Keys, now func() time.Time) *Verifier {
	v := &Verifier{keys: &atomic.Pointer[Keys]{}, now: now}
	v.Replace(keys)
	v.parser = v.parse()
	return v
}

// Expecting is the same verifier, but it takes only tokens of this issuer and for this audience. Empty: any.
func (v *Verifier) Expecting(issuer, audience string) *Verifier {
	var more []jwt.ParserOption
	if issuer != "" {
		more = append(more, jwt.WithIssuer(issuer))
	}
	if audience != "" {
		more = append(more, jwt.WithAudience(audience))
	}
	return &Verifier{v.keys, v.now, v.parse(more...)}
}

// Replace changes the keys for the next token that is judged: one that an old key signed is good for as long as that key
// stays in the set.
func (v *Verifier) Replace(keys Keys) { v.keys.Store(&keys) }

func (v *Verifier) parse(more ...jwt.ParserOption) *jwt.Parser {
	return jwt.NewParser(append(more,
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg(), jwt.SigningMethodES256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(Leeway),
		jwt.WithTimeFunc(v.now),
		jwt.WithStrictDecoding(),
	)...)
}

// User verifies a user token.
func (v *Verifier) User(token string) (User, error) {
	c, user, err := v.verify(token, false)
	if err != nil {
		return User{}, err
	}
	return User{user, c.ExpiresAt.Time}, nil
}

// Ticket verifies a ticket. Whether it names this gateway is for the gateway to judge.
func (v *Verifier) Ticket(token string) (Ticket, error) {
	c, user, err := v.verify(token, true)
	switch {
	case err != nil:
		return Ticket{}, err
	case c.Device == "" || c.Gateway == "" || c.Epoch <= 0 || c.UserExpires <= 0:
		return Ticket{}, chat.Errorf(chat.CodeTokenInvalid, "ticket lacks dev, gw, epoch or uexp")
	}
	return Ticket{user, c.Device, c.Gateway, c.Epoch, c.ExpiresAt.Time, time.Unix(c.UserExpires, 0)}, nil
}

// Bearer takes the token out of an Authorization header.
func Bearer(header string) (string, error) {
	scheme, token, _ := strings.Cut(header, " ")
	switch {
	case header == "":
		return "", chat.Errorf(chat.CodeTokenMissing, "send Authorization: Bearer TOKEN")
	case !strings.EqualFold(scheme, "Bearer"):
		return "", chat.Errorf(chat.CodeTokenInvalid, "authorization scheme is not Bearer")
	}
	return strings.TrimSpace(token), nil
}

func (v *Verifier) verify(token string, ticket bool) (c claims, user chat.ID, err error) {
	switch {
	case token == "":
		return c, user, chat.Errorf(chat.CodeTokenMissing, "a token is needed")
	case len(token) > maxBytes:
		return c, user, chat.Errorf(chat.CodeTokenInvalid, "token is longer than %d bytes", maxBytes)
	case strings.ContainsAny(token, "\r\n"): // which base64 decoding passes over
		return c, user, chat.Errorf(chat.CodeTokenInvalid, "token holds a line break")
	}
	t, err := v.parser.ParseWithClaims(token, &c, v.key)
	if err != nil {
		return c, user, refusal(err)
	}
	if typ, _ := t.Header["typ"].(string); strings.EqualFold(typ, typeTicket) != ticket {
		return c, user, chat.Errorf(chat.CodeTokenInvalid, "token is of another kind: user tokens and tickets do not stand for each other")
	}
	user, err = chat.ParseID(c.Subject)
	if err != nil || user == (chat.ID{}) {
		return c, user, chat.Errorf(chat.CodeTokenInvalid, "sub of the token is not a user id")
	}
	return c, user, nil
}

// key finds the key by kid and insists on that key's own algorithm: what the token says of it decides nothing.
func (v *Verifier) key(t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	k, ok := v.keys.Load().byID[kid]
	switch {
	case kid == "":
		return nil, errors.New("token names no kid")
	case !ok:
		return nil, errors.New("kid of the token is unknown")
	case t.Method != k.method:
		return nil, errors.New("alg of the token is not that of its key")
	}
	return k.public, nil
}

// refusal keeps the library's words away from strangers, except that a token was good until it expired.
func refusal(err error) error {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return chat.Errorf(chat.CodeTokenExpired, "token has expired")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return chat.Errorf(chat.CodeTokenInvalid, "token is not valid yet")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer), errors.Is(err, jwt.ErrTokenInvalidAudience):
		return chat.Errorf(chat.CodeTokenInvalid, "token is of another issuer, or for another audience")
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return chat.Errorf(chat.CodeTokenInvalid, "token lacks exp, or the iss or aud that are asked for")
	}
	return chat.Errorf(chat.CodeTokenInvalid, "token cannot be verified")
}
