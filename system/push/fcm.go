package push

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"
	"golang.org/x/sync/singleflight"

	"github.com/chatlab/chatlab/system/resilience"
)

// fcmQuotaWait is how long to wait where a refusal for quota does not say: quotas are counted by the minute.
const fcmQuotaWait = time.Minute

// fcmScope is what the access token is asked for.
const fcmScope = "https://www.googleapis.com/auth/firebase.messaging"

// fcm speaks the HTTP v1 protocol of Firebase Cloud Messaging.
type fcm struct {
	http    *http.Client
	send    string // the address of messages:send
	account jwt.Config
	end     context.CancelFunc
	life    context.Context // of requests for tokens

	asking singleflight.Group // for a token
	mu     sync.Mutex
	tokens oauth2.TokenSource
	used   string // the newest access token
}

// serviceAccount is the part of Google's credentials file that is needed.
type serviceAccount struct {
	Type         string `json:"type"`
	ProjectID    string `json:"project_id"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	ClientEmail  string `json:"client_email"`
	TokenURI     string `json:"token_uri"`
}

func newFCM(p Providers, client *http.Client) (*fcm, error) {
	var a serviceAccount
	if err := json.Unmarshal(p.FCMCredentials, &a); err != nil {
		return nil, fmt.Errorf("read fcm credentials: %w", err)
	}
	if a.Type != "service_account" || a.ProjectID == "" || a.PrivateKey == "" || a.ClientEmail == "" {
		return nil, errors.New("read fcm credentials: want a service account with project_id, private_key and client_email")
	}
	base, err := baseURL(p.FCMURL, DefaultFCM)
	if err != nil {
		return nil, err
	}
	tokenURL := cmp.Or(a.TokenURI, "https://oauth2.googleapis.com/token")
	if _, err := baseURL(tokenURL, ""); err != nil {
		return nil, fmt.Errorf("read fcm credentials: token_uri: %w", err)
	}
	f := &fcm{
		http: client, send: base + "/v1/projects/" + url.PathEscape(a.ProjectID) + "/messages:send",
		account: jwt.Config{
			Email: a.ClientEmail, PrivateKey: []byte(a.PrivateKey), PrivateKeyID: a.PrivateKeyID, Scopes: []string{fcmScope}, TokenURL: tokenURL,
		},
	}
	f.life, f.end = context.WithCancel(context.Background())
	f.renew("")
	return f, nil
}

func (f *fcm) name() string         { return "fcm" }
func (f *fcm) client() *http.Client { return f.http }

func (f *fcm) close() {
	f.end()
	f.http.CloseIdleConnections()
}

// leased makes requests that end with a context, for a library that takes none.
type leased struct {
	http.RoundTripper
	life context.Context
}

func (l leased) RoundTrip(r *http.Request) (*http.Response, error) {
	return l.RoundTripper.RoundTrip(r.WithContext(l.life))
}

// renew makes a source that asks for a new access token, unless the refused one is no longer in use.
func (f *fcm) renew(credential string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if credential != f.used {
		return
	}
	client := &http.Client{Transport: leased{f.http.Transport, f.life}, Timeout: resilience.Provider.Timeout()}
	f.tokens = f.account.TokenSource(context.WithValue(f.life, oauth2.HTTPClient, client))
	f.used = ""
}

// accessToken returns the access token in use; whoever needs a new one shares the request for it.
func (f *fcm) accessToken(ctx context.Context) (string, error) {
	asked := f.asking.DoChan("", func() (any, error) {
		f.mu.Lock()
		tokens := f.tokens
		f.mu.Unlock()
		t, err := tokens.Token()
		if err != nil {
			return "", fmt.Errorf("ask for access token: %w", err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.used = t.AccessToken
		return t.AccessToken, nil
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-asked:
		token, _ := r.Val.(string)
		return token, r.Err
	}
}

// fcmMessage is the body of messages:send. FCM keeps at most four collapse keys for a device that is off, and of more
// conversations any four: whoever comes back synchronises all of them.
type fcmMessage struct {
	Token   string            `json:"token"`
	Data    map[string]string `json:"data"`
	Android fcmAndroid        `json:"android"`
}

type fcmAndroid struct {
	CollapseKey  string          `json:"collapse_key"`
	Priority     string          `json:"priority"`
	TTL          string          `json:"ttl"`
	Notification fcmNotification `json:"notification"`
}

type fcmNotification struct {
	Tag         string   `json:"tag"`
	BodyLocKey  string   `json:"body_loc_key"`
	BodyLocArgs []string `json:"body_loc_args"`
}

func (f *fcm) request(ctx context.Context, token string, n Notification) (*http.Request, string, error) {
	access, err := f.accessToken(ctx)
	if err != nil {
		return nil, "", err
	}
	unread := strconv.Itoa(n.Unread)
	body, err := json.Marshal(map[string]fcmMessage{"message": {
		Token: token,
		Data:  map[string]string{"conversation_id": n.Conversation.String(), "sender_id": n.Sender.String(), "unread": unread},
		Android: fcmAndroid{
			CollapseKey: n.collapseKey(), Priority: "HIGH", TTL: fmt.Sprintf("%.0fs", keepFor.Seconds()),
			Notification: fcmNotification{Tag: n.collapseKey(), BodyLocKey: locKey, BodyLocArgs: []string{unread}},
		},
	}})
	if err != nil {
		return nil, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.send, bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Authorization", "Bearer "+access)
	req.Header.Set("Content-Type", "application/json")
	return req, access, nil
}

// fcmError is the body of a refusal.
type fcmError struct {
	Error struct {
		Message string `json:"message"`
		Status  string `json:"status"`
		Details []struct {
			ErrorCode       string `json:"errorCode"`
			FieldViolations []struct {
				Field string `json:"field"`
			} `json:"fieldViolations"`
		} `json:"details"`
	} `json:"error"`
}

// code is FCM's own code where there is one, else the status of the whole of Google.
func (e fcmError) code() string {
	for _, d := range e.Error.Details {
		if d.ErrorCode != "" {
			return d.ErrorCode
		}
	}
	return e.Error.Status
}

// badToken says that an invalid argument is the device's token.
func (e fcmError) badToken() bool {
	for _, d := range e.Error.Details {
		for _, v := range d.FieldViolations {
			if v.Field == "message.token" {
				return true
			}
		}
	}
	return strings.Contains(e.Error.Message, "not a valid FCM registration token")
}

func (f *fcm) judge(status int, header http.Header, body []byte) answer {
	if status == http.StatusOK {
		return answer{outcome: sent}
	}
	var e fcmError
	_ = json.Unmarshal(body, &e) // a body that is none is judged by its status
	a := answer{reason: e.code(), after: retryAfter(header)}
	switch {
	case a.reason == "UNREGISTERED":
		a.outcome = dead
	case status == http.StatusBadRequest && e.badToken():
		a.outcome = dead
	case status == http.StatusUnauthorized:
		a.outcome = expired
	case status == http.StatusTooManyRequests:
		a.outcome, a.after = throttled, cmp.Or(a.after, fcmQuotaWait)
	case status >= 500:
		a.outcome = unavailable
	case a.reason == "PERMISSION_DENIED" || a.reason == "THIRD_PARTY_AUTH_ERROR":
		a.outcome = unauthorized
	default:
		a.outcome = refused
	}
	return a
}
