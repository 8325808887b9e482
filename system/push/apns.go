package push

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// apnsTokenLife is how long a provider token is used. Apple refuses one older than an hour, and asks for a new one at
// most every 20 minutes.
const apnsTokenLife = 50 * time.Minute

// apns speaks the HTTP/2 protocol of the Apple Push Notification service, with provider tokens.
type apns struct {
	http  *http.Client
	base  string
	key   *ecdsa.PrivateKey
	keyID string
	team  string
	topic string
	now   func() time.Time

	mu     sync.Mutex
	token  string
	madeAt time.Time
}

func newAPNs(p Providers, client *http.Client, now func() time.Time) (*apns, error) {
	key, err := jwt.ParseECPrivateKeyFromPEM(p.APNsKey)
	if err != nil {
		return nil, fmt.Errorf("read apns key: %w", err)
	}
	if p.APNsKeyID == "" || p.APNsTeam == "" || p.APNsTopic == "" {
		return nil, errors.New("an apns key needs its key id, its team and the app's topic")
	}
	base, err := baseURL(p.APNsURL, DefaultAPNs)
	if err != nil {
		return nil, err
	}
	return &apns{http: client, base: base, key: key, keyID: p.APNsKeyID, team: p.APNsTeam, topic: p.APNsTopic, now: now}, nil
}

func (a *apns) name() string         { return "apns" }
func (a *apns) client() *http.Client { return a.http }
func (a *apns) close()               { a.http.CloseIdleConnections() }

func (a *apns) renew(credential string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == credential {
		a.token = ""
	}
}

func (a *apns) providerToken() (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if a.token != "" && now.Sub(a.madeAt) < apnsTokenLife {
		return a.token, nil
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": a.team, "iat": now.Unix()})
	t.Header["kid"] = a.keyID
	signed, err := t.SignedString(a.key)
	if err != nil {
		return "", fmt.Errorf("sign provider token: %w", err)
	}
	a.token, a.madeAt = signed, now
	return signed, nil
}

type apnsBody struct {
	APS          aps    `json:"aps"`
	Conversation string `json:"conversation_id"`
	Sender       string `json:"sender_id"`
	Unread       int    `json:"unread"`
}

type aps struct {
	Alert    apsAlert `json:"alert"`
	ThreadID string   `json:"thread-id"`
	Mutable  int      `json:"mutable-content"` // the app may put the text in, from its own connection
}

type apsAlert struct {
	LocKey  string   `json:"loc-key"`
	LocArgs []string `json:"loc-args"`
}

func (a *apns) request(ctx context.Context, token string, n Notification) (*http.Request, string, error) {
	credential, err := a.providerToken()
	if err != nil {
		return nil, "", err
	}
	body, err := json.Marshal(apnsBody{
		APS:          aps{apsAlert{locKey, []string{strconv.Itoa(n.Unread)}}, n.collapseKey(), 1},
		Conversation: n.Conversation.String(), Sender: n.Sender.String(), Unread: n.Unread,
	})
	if err != nil {
		return nil, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/3/device/"+url.PathEscape(token), bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	for name, value := range map[string]string{
		"authorization": "bearer " + credential, "content-type": "application/json",
		"apns-topic": a.topic, "apns-push-type": "alert", "apns-priority": "10", "apns-collapse-id": n.collapseKey(),
		"apns-expiration": strconv.FormatInt(a.now().Add(keepFor).Unix(), 10),
	} {
		req.Header.Set(name, value)
	}
	return req, credential, nil
}

func (a *apns) judge(status int, header http.Header, body []byte) answer {
	if status == http.StatusOK {
		return answer{outcome: sent}
	}
	var e struct {
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal(body, &e) // a body that is none is judged by its status
	out := answer{reason: e.Reason, after: retryAfter(header)}
	switch {
	case status == http.StatusGone, e.Reason == "BadDeviceToken":
		out.outcome = dead
	case e.Reason == "ExpiredProviderToken":
		out.outcome = expired
	case status == http.StatusForbidden:
		out.outcome = unauthorized
	case status == http.StatusTooManyRequests:
		out.outcome = throttled
	case status >= 500:
		out.outcome = unavailable
	default:
		out.outcome = refused
	}
	return out
}
