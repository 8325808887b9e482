package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

// Providers says how the push services are reached. One without credentials is not used.
type Providers struct {
	FCMCredentials []byte // service account, JSON as Google gives it out
	FCMURL         string // DefaultFCM when empty

	APNsKey   []byte // private key, PEM as Apple gives it out
	APNsKeyID string
	APNsTeam  string
	APNsTopic string // the app's bundle id
	APNsURL   string // DefaultAPNs when empty

	CA []byte // PEM of a private authority that signs the providers' certificates; nil: the machine's own
}

// Where the providers are.
const (
	DefaultFCM  = "https://fcm.googleapis.com"
	DefaultAPNs = "https://api.push.apple.com"
)

// A provider makes requests in one provider's protocol and reads its answers.
type provider interface {
	name() string
	// request makes the request that notifies a device, with the credential it used.
	request(ctx context.Context, token string, n Notification) (*http.Request, string, error)
	judge(status int, header http.Header, body []byte) answer
	// renew forgets a credential that was refused as too old. Many may say it of the same one.
	renew(credential string)
	client() *http.Client
	close()
}

func (p Providers) open(n transport.Network, now func() time.Time) (out []provider, err error) {
	roots, err := p.roots()
	if err != nil {
		return nil, err
	}
	if len(p.FCMCredentials) > 0 {
		f, err := newFCM(p, httpClient(n, roots))
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	if len(p.APNsKey) > 0 {
		a, err := newAPNs(p, httpClient(n, roots), now)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (p Providers) roots() (*x509.CertPool, error) {
	if len(p.CA) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(p.CA) {
		return nil, errors.New("read push authority: no certificate in it")
	}
	return pool, nil
}

// httpClient speaks HTTP/2, which APNs demands, and finds out by pings that a connection has died.
func httpClient(n transport.Network, roots *x509.CertPool) *http.Client {
	t := &http.Transport{
		DialContext: n.Dial, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		Protocols: new(http.Protocols), TLSHandshakeTimeout: resilience.Provider.Timeout(), IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: resilience.Provider.Policy().Ping.Every, PingTimeout: resilience.Provider.Policy().Ping.Within},
	}
	t.Protocols.SetHTTP2(true)
	return &http.Client{
		Transport: t, Timeout: resilience.Provider.Timeout(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // none of them redirects
	}
}

func baseURL(given, otherwise string) (string, error) {
	if given == "" {
		return otherwise, nil
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("address %q of a push provider: want https://HOST", given)
	}
	return strings.TrimSuffix(given, "/"), nil
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 10

func readAnswer(res *http.Response) []byte {
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // half an answer is judged by its status
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	return body
}

// maxRetryAfter bounds for how long a provider can silence us.
const maxRetryAfter = 10 * time.Minute

// retryAfter reads the header: seconds, as both providers send it. 0: it says nothing.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxRetryAfter)
}
