package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// Key signs tokens with EdDSA over Ed25519. Its id is the thumbprint of its public half.
type Key struct {
	id      string
	private ed25519.PrivateKey
}

// NewKey makes a key at random.
func NewKey() (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make key: %w", err)
	}
	return keyOf(private), nil
}

func keyOf(private ed25519.PrivateKey) Key {
	x := encode(private.Public().(ed25519.PublicKey))
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`)) // RFC 7638
	return Key{encode(sum[:]), private}
}

// ID is the key's kid.
func (k Key) ID() string { return k.id }

// JWKS returns the public half as a JSON web key set, for those who verify.
func (k Key) JWKS() []byte { return mustJSON(jwkSet{[]jwk{k.public()}}) }

// Private returns the whole key as a JSON web key, for the one who signs.
func (k Key) Private() []byte {
	j := k.public()
	j.D = encode(k.private.Seed())
	return mustJSON(j)
}

func (k Key) public() jwk {
	return jwk{Kty: "OKP", Crv: "Ed25519", X: encode(k.private.Public().(ed25519.PublicKey)), Kid: k.id, Alg: "EdDSA", Use: "sig"}
}

// ParseKey reads what Private wrote.
func ParseKey(data []byte) (Key, error) {
	var j jwk
	if err := json.Unmarshal(data, &j); err != nil {
		return Key{}, fmt.Errorf("parse key: %w", err)
	}
	seed, err := decode(j.D, ed25519.SeedSize)
	if err != nil || j.Kty != "OKP" || j.Crv != "Ed25519" {
		return Key{}, fmt.Errorf("parse key: want a private Ed25519 key in JWK form")
	}
	k := keyOf(ed25519.NewKeyFromSeed(seed))
	if j.X != k.public().X {
		return Key{}, fmt.Errorf("parse key: its halves do not belong together")
	}
	if j.Kid != "" {
		k.id = j.Kid
	}
	return k, nil
}

// Keys verify tokens, each by the one algorithm that its type allows.
type Keys struct{ byID map[string]verifyKey }

type verifyKey struct {
	method jwt.SigningMethod
	public crypto.PublicKey
}

// ParseKeys reads a JSON web key set. Ed25519 and P-256 keys with a kid are used; keys of other types and keys for
// encryption are passed over, as RFC 7517 asks.
func ParseKeys(jwks []byte) (Keys, error) {
	var set jwkSet
	if err := json.Unmarshal(jwks, &set); err != nil {
		return Keys{}, fmt.Errorf("parse key set: %w", err)
	}
	keys := Keys{map[string]verifyKey{}}
	for _, j := range set.Keys {
		if !j.usable() {
			continue
		}
		if _, twice := keys.byID[j.Kid]; twice {
			return Keys{}, fmt.Errorf("parse key set: two keys have the kid %.40q", j.Kid)
		}
		k, err := j.verifyKey()
		if err != nil {
			return Keys{}, fmt.Errorf("parse key %.40q: %w", j.Kid, err)
		}
		keys.byID[j.Kid] = k
	}
	if len(keys.byID) == 0 {
		return Keys{}, fmt.Errorf("parse key set: no Ed25519 or P-256 signing key with a kid")
	}
	return keys, nil
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
}

type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y,omitempty"`
	D   string `json:"d,omitempty"`
	Kid string `json:"kid,omitempty"`
	Alg string `json:"alg,omitempty"`
	Use string `json:"use,omitempty"`
}

func (j jwk) usable() bool {
	known := j.Kty == "OKP" && j.Crv == "Ed25519" || j.Kty == "EC" && j.Crv == "P-256"
	return known && j.Kid != "" && (j.Use == "" || j.Use == "sig")
}

func (j jwk) verifyKey() (k verifyKey, err error) {
	if j.D != "" {
		return k, fmt.Errorf("it is private: a key set holds only public halves")
	}
	if j.Kty == "OKP" {
		x, err := decode(j.X, ed25519.PublicKeySize)
		if err != nil {
			return k, err
		}
		k = verifyKey{jwt.SigningMethodEdDSA, ed25519.PublicKey(x)}
	} else if k, err = j.p256(); err != nil {
		return k, err
	}
	if j.Alg != "" && j.Alg != k.method.Alg() && !(j.Alg == "Ed25519" && j.Kty == "OKP") { // RFC 9864 renames EdDSA
		return k, fmt.Errorf("alg %.20q does not fit its type: want %s", j.Alg, k.method.Alg())
	}
	return k, nil
}

func (j jwk) p256() (verifyKey, error) {
	x, errX := decode(j.X, 32)
	y, errY := decode(j.Y, 32)
	if errX != nil || errY != nil {
		return verifyKey{}, fmt.Errorf("x and y are not 32 bytes each")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	return verifyKey{jwt.SigningMethodES256, public}, err
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string, size int) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, err
	}
	if len(b) != size {
		return nil, fmt.Errorf("%d bytes: want %d", len(b), size)
	}
	return b, nil
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("encode key: " + err.Error()) // keys hold only strings
	}
	return b
}
