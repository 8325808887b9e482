// Package guard stands before the public listeners and holds back addresses that ask too often, before anybody has proved who they are.
package guard

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/limit"
)

// maxAddresses is how many addresses are remembered at once; each costs about 200 bytes.
const maxAddresses = 200_000

// Config says how much an address may ask.
type Config struct {
	PerSecond float64  // requests of one address; 0: no limit. Twice as many may come at once
	Trusted   []string // CIDRs of proxies whose X-Forwarded-For is believed
	Now       func() time.Time
	Metrics   prometheus.Registerer
}

// Addresses holds back addresses, each by a token bucket. An IPv6 address stands for its /64, which one subscriber has.
type Addresses struct {
	buckets *limit.Buckets[netip.Addr]
	trusted []netip.Prefix
	refused prometheus.Counter
}

// New makes the limit.
func New(cfg Config) (*Addresses, error) {
	a := &Addresses{refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "chat_address_refused_total", Help: "Requests refused because their address asked too often.",
	})}
	for _, text := range cfg.Trusted {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("read trusted proxies: %q is no CIDR such as 10.0.0.0/8", text)
		}
		a.trusted = append(a.trusted, p)
	}
	switch {
	case cfg.PerSecond < 0:
		return nil, fmt.Errorf("address rate %g: want 0 for none, or more", cfg.PerSecond)
	case cfg.PerSecond > 0:
		a.buckets = limit.New[netip.Addr](limit.Config{
			PerSecond: cfg.PerSecond, Burst: max(1, int(2*cfg.PerSecond)), MaxUsers: maxAddresses, Now: cfg.Now,
		})
	}
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(a.refused); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return a, nil
}

// Admit takes one request of an address, or says when to come back. A nil limit admits all.
func (a *Addresses) Admit(r *http.Request) *chat.Error {
	if a == nil || a.buckets == nil {
		return nil
	}
	after, ok := a.buckets.Allow(subscriber(a.client(r)))
	if ok {
		return nil
	}
	a.refused.Inc()
	return chat.Errorf(chat.CodeAddressLimit, "this address asks too often").After(after)
}

// client is the address that asks: of the connection, or where that is a trusted proxy's, the last of X-Forwarded-For
// that no trusted proxy wrote for another. What a stranger writes there lies before it and is not believed.
func (a *Addresses) client(r *http.Request) netip.Addr {
	at := parse(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.trusts(at); i-- {
		next := parse(strings.TrimSpace(hops[i]))
		if !next.IsValid() {
			break
		}
		at = next
	}
	return at
}

func (a *Addresses) trusts(at netip.Addr) bool {
	for _, p := range a.trusted {
		if p.Contains(at) {
			return true
		}
	}
	return false
}

// parse reads an address with or without a port; what is none becomes the invalid address, which is limited like any.
func parse(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	at, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return at.Unmap().WithZone("")
}

func subscriber(at netip.Addr) netip.Addr {
	if at.Is6() {
		if p, err := at.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return at
}
