package push

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What the app's owner would have been given.
const (
	Project   = "chatlab-demo"
	Topic     = "org.example.chatlab"
	KeyID     = "ABC123DEFG"
	Team      = "TEAM123456"
	account   = "push@chatlab-demo.iam.gserviceaccount.com"
	accountID = "a0b1c2d3e4f5"
	scope     = "https://www.googleapis.com/auth/firebase.messaging"
)

const (
	clockLeeway  = 5 * time.Minute // how far the clocks of a client and of a provider may differ
	accessLife   = time.Hour
	providerLife = time.Hour // of an APNs provider token
)

// Authority is the PEM of the authority that signs the server's certificate.
func (s *Server) Authority() []byte { return s.keys.authority }

// FCMCredentials is a service account's file, as Google gives it out.
func (s *Server) FCMCredentials() ([]byte, error) {
	key, err := pkcs8(s.keys.account)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{
		"type": "service_account", "project_id": Project, "private_key_id": accountID, "private_key": string(key),
		"client_email": account, "token_uri": s.tokenURL(),
	})
}

// APNsKey is a private key's file, as Apple gives it out.
func (s *Server) APNsKey() ([]byte, error) { return pkcs8(s.keys.provider) }

func pkcs8(key any) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func (s *Server) tokenURL() string { return s.URL() + "/token" }

// giveToken is the token endpoint: it takes an assertion that the service account has signed.
func (s *Server) giveToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	refuse := func(code, why string) {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": why})
	}
	if r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		refuse("unsupported_grant_type", "Invalid grant_type")
		return
	}
	if err := s.checkAssertion(r.PostFormValue("assertion")); err != nil {
		refuse("invalid_grant", err.Error())
		return
	}
	now := s.cfg.Now()
	s.mu.Lock()
	s.tokens++
	token := fmt.Sprintf("ya29.%d.%x", s.tokens, now.UnixNano())
	s.access[token] = now.Add(accessLife)
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(accessLife.Seconds())})
}

func (s *Server) checkAssertion(assertion string) error {
	var claims struct {
		jwt.RegisteredClaims
		Scope string `json:"scope"`
	}
	_, err := jwt.ParseWithClaims(assertion, &claims, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != accountID {
			return nil, errors.New("no such key")
		}
		return s.keys.account.Public(), nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(account), jwt.WithAudience(s.tokenURL()), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithLeeway(clockLeeway), jwt.WithTimeFunc(s.cfg.Now))
	switch {
	case err != nil:
		return fmt.Errorf("invalid JWT: %w", err)
	case claims.ExpiresAt.Sub(s.cfg.Now()) > time.Hour+clockLeeway:
		return errors.New("invalid JWT: it must be short-lived")
	case !strings.Contains(claims.Scope, scope):
		return errors.New("invalid JWT: scope lacks firebase.messaging")
	}
	return nil
}

// ExpireAccessTokens makes every access token given out so far too old.
func (s *Server) ExpireAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

func (s *Server) accessAllowed(header string) bool {
	token, ok := strings.CutPrefix(header, "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	until, known := s.access[token]
	return ok && known && s.cfg.Now().Before(until)
}

// checkProvider verifies an APNs provider token; what is wrong with it is a reason of Apple's.
func (s *Server) checkProvider(header string) (Reply, bool) {
	text, ok := strings.CutPrefix(header, "bearer ")
	if !ok {
		return MissingProviderToken, false
	}
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(text, &claims, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != KeyID {
			return nil, errors.New("no such key")
		}
		return s.keys.provider.Public(), nil
	}, jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(Team), jwt.WithIssuedAt(), jwt.WithLeeway(clockLeeway), jwt.WithTimeFunc(s.cfg.Now))
	switch {
	case err != nil || claims.IssuedAt == nil:
		return InvalidProviderToken, false
	case s.cfg.Now().Sub(claims.IssuedAt.Time) > providerLife:
		return ExpiredProviderToken, false
	}
	return Reply{}, true
}
