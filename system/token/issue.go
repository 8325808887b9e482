package token

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/chatlab/chatlab/system/chat"
)

// User is what a user token says.
type User struct {
	ID      chat.ID
	Expires time.Time
}

// Ticket lets one device of a user open a socket at one gateway.
type Ticket struct {
	User        chat.ID
	Device      string
	Gateway     string    // its name
	Epoch       int64     // orders the connections of a device; a larger one replaces a smaller one
	Expires     time.Time // until when the socket may be opened
	UserExpires time.Time // until when the socket is then good: the end of the user token
}

// typeTicket is the header by which a ticket never passes for a user token, nor the other way round (RFC 8725, 3.11).
const typeTicket = "ticket+jwt"

type claims struct {
	jwt.RegisteredClaims
	Device      string `json:"dev,omitempty"`
	Gateway     string `json:"gw,omitempty"`
	Epoch       int64  `json:"epoch,omitempty"`
	UserExpires int64  `json:"uexp,omitempty"` // unix seconds
}

// Issuer signs tokens with one key at a time.
type Issuer struct {
	key atomic.Pointer[Key]
	now func() time.Time
}

// NewIssuer makes an issuer; now is the wall clock that its tokens carry.
func NewIssuer(key Key, now func() time.Time) *Issuer {
	i := &Issuer{now: now}
	i.Replace(key)
	return i
}

// Replace signs with another key from the next token on. Those who verify must know it before.
func (i *Issuer) Replace(key Key) { i.key.Store(&key) }

// Ticket signs a ticket.
func (i *Issuer) Ticket(t Ticket) (string, error) {
	return i.sign(typeTicket, claims{
		RegisteredClaims: i.registered(t.User, t.Expires),
		Device:           t.Device, Gateway: t.Gateway, Epoch: t.Epoch, UserExpires: t.UserExpires.Unix(),
	})
}

// User signs a user token, as the identity provider does in production.
func (i *Issuer) User(u User) (string, error) {
	return i.sign("JWT", claims{RegisteredClaims: i.registered(u.ID, u.Expires)})
}

func (i *Issuer) registered(user chat.ID, expires time.Time) jwt.RegisteredClaims {
	return jwt.RegisteredClaims{
		Subject: user.String(), ExpiresAt: jwt.NewNumericDate(expires), IssuedAt: jwt.NewNumericDate(i.now()),
	}
}

func (i *Issuer) sign(typ string, c claims) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	key := i.key.Load()
	t.Header["kid"], t.Header["typ"] = key.id, typ
	s, err := t.SignedString(key.private)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return s, nil
}
