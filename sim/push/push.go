// Package push stands in for FCM and APNs: one server speaks both protocols, verifies every credential and remembers what a phone would show.
package push

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Providers, as notifications name them.
const (
	FCM  = "fcm"
	APNs = "apns"
)

// Config says how the server runs.
type Config struct {
	Listen func(network, address string) (net.Listener, error) // net.Listen when nil
	// Name is the host and port by which clients call the server; where it really is when empty.
	Name string
	Now  func() time.Time // of its wall clock; time.Now when nil
	Log  *slog.Logger     // told of every notification at level info; may be nil
	// Observe, if set, hears of every notification as it is taken.
	Observe func(Notification)
}

// Notification is one that the server took.
type Notification struct {
	Provider     string
	Token        string
	CollapseKey  string
	Conversation string
	Sender       string
	Unread       int
	Expires      time.Time
	At           time.Time
	Body         string // as it came
}

// Server is a running stand-in.
type Server struct {
	cfg  Config
	l    net.Listener
	http *http.Server
	done chan struct{}
	keys keys

	mu       sync.Mutex
	access   map[string]time.Time // access tokens and until when they are good
	taken    []Notification
	scripts  map[string][]Reply // by device token
	gone     map[string]Reply   // by device token, for ever
	rates    map[string]*rated  // by provider
	requests map[string]int     // by provider and outcome
	tokens   int                // access tokens given out
}

// keys are what the providers would have given to the app's owner, and what they verify.
type keys struct {
	authority []byte // PEM
	serving   tls.Certificate
	account   *rsa.PrivateKey
	provider  *ecdsa.PrivateKey
}

// Start makes an authority, keys and credentials, and serves.
func Start(cfg Config) (*Server, error) {
	if cfg.Listen == nil {
		cfg.Listen = net.Listen
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l, err := cfg.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as push provider: %w", err)
	}
	if cfg.Name == "" {
		cfg.Name = l.Addr().String()
	}
	s := &Server{
		cfg: cfg, l: l, done: make(chan struct{}), access: map[string]time.Time{}, scripts: map[string][]Reply{},
		gone: map[string]Reply{}, rates: map[string]*rated{}, requests: map[string]int{},
	}
	if err := s.makeKeys(); err != nil {
		l.Close()
		return nil, err
	}
	s.serve()
	return s, nil
}

func (s *Server) makeKeys() (err error) {
	host, _, err := net.SplitHostPort(s.cfg.Name)
	if err != nil {
		return fmt.Errorf("name of push provider: %w", err)
	}
	if s.keys.account, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return fmt.Errorf("make key of service account: %w", err)
	}
	if s.keys.provider, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return fmt.Errorf("make key of provider tokens: %w", err)
	}
	s.keys.authority, s.keys.serving, err = certify(host, s.cfg.Now())
	return err
}

func (s *Server) serve() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.giveToken)
	mux.HandleFunc("POST /v1/projects/{project}/messages:send", s.takeFCM)
	mux.HandleFunc("POST /3/device/{token}", s.takeAPNs)
	s.http = &http.Server{
		Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{s.keys.serving}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug), Protocols: new(http.Protocols),
	}
	s.http.Protocols.SetHTTP2(true)
	go func() {
		defer close(s.done)
		if err := s.http.ServeTLS(s.l, "", ""); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Log.Error("serve push provider", "error", err)
		}
	}()
}

// Close ends the server.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
	<-s.done
	return nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.l.Addr().String() }

// URL is the address of both providers.
func (s *Server) URL() string { return "https://" + s.cfg.Name }

// Notifications returns all that were taken, in the order in which they came.
func (s *Server) Notifications() []Notification {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// Shown returns what the phone behind a device token shows: of notifications with the same collapse key the newest.
func (s *Server) Shown(token string) []Notification {
	newest := map[string]int{}
	var out []Notification
	for _, n := range s.Notifications() {
		if n.Token != token {
			continue
		}
		if i, ok := newest[n.CollapseKey]; ok {
			out[i] = n
			continue
		}
		newest[n.CollapseKey] = len(out)
		out = append(out, n)
	}
	return out
}

// Requests counts what a provider answered so: a reply's name, or "ok".
func (s *Server) Requests(provider, answer string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[provider+" "+answer]
}

// AccessTokens counts the access tokens given out.
func (s *Server) AccessTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

func (s *Server) take(n Notification) {
	s.mu.Lock()
	s.taken = append(s.taken, n)
	s.requests[n.Provider+" ok"]++
	s.mu.Unlock()
	if s.cfg.Observe != nil {
		s.cfg.Observe(n)
	}
	s.cfg.Log.Info("notification", "provider", n.Provider, "token", n.Token, "conversation_id", n.Conversation, "sender_id", n.Sender, "unread", n.Unread)
}
