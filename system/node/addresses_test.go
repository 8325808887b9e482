package node

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

// asks makes a request at the public listener that claims to come from an address, and returns the status.
func (r *rig) asks(forwarded string) int {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+r.Addresses().Public+"/api/v1/openapi.yaml", nil)
	require.NoError(r, err)
	if forwarded != "" {
		req.Header.Set("X-Forwarded-For", forwarded)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(r, err)
	defer res.Body.Close()
	if res.StatusCode == http.StatusTooManyRequests {
		var p struct {
			Code         chat.Code
			RetryAfterMS int64 `json:"retry_after_ms"`
		}
		require.NoError(r, json.NewDecoder(res.Body).Decode(&p))
		require.Equal(r, chat.CodeAddressLimit, p.Code)
		require.Positive(r, p.RetryAfterMS)
		require.NotEmpty(r, res.Header.Get("Retry-After"))
	}
	return res.StatusCode
}

// limited is an edge that lets two requests of an address through, as its clock stands still.
func limited(t *testing.T, role string, trusted ...string) *rig {
	now := time.Now()
	return start(t, role, func(_ *rig, cfg *Config) {
		cfg.Security.AddressRate, cfg.Security.TrustedProxies = 1, trusted
		cfg.Now = func() time.Time { return now }
	})
}

// What a stranger writes into X-Forwarded-For does not make another address of it.
func TestAStrangerCannotClaimAnAddress(t *testing.T) {
	r := limited(t, Edge)
	require.Equal(t, http.StatusOK, r.asks("198.51.100.1"))
	require.Equal(t, http.StatusOK, r.asks("198.51.100.2"))
	require.Equal(t, http.StatusTooManyRequests, r.asks("198.51.100.3"))
	require.Equal(t, http.StatusTooManyRequests, r.asks(""))
	require.Equal(t, "2", r.metric("chat_address_refused_total"))
}

// Behind a trusted proxy each client has its own limit, and cannot take another's by naming addresses of its own before.
func TestATrustedProxyNamesTheAddress(t *testing.T) {
	r := limited(t, Edge, "127.0.0.0/8")
	for range 2 {
		require.Equal(t, http.StatusOK, r.asks("198.51.100.1"))
	}
	require.Equal(t, http.StatusTooManyRequests, r.asks("198.51.100.1"))
	require.Equal(t, http.StatusTooManyRequests, r.asks("203.0.113.9, 198.51.100.1"), "the proxy wrote the last")
	require.Equal(t, http.StatusTooManyRequests, r.asks("198.51.100.1, 127.0.0.2"), "two proxies")
	for range 2 {
		require.Equal(t, http.StatusOK, r.asks("198.51.100.2"))
	}
	require.Equal(t, http.StatusTooManyRequests, r.asks("198.51.100.2"))
	require.Equal(t, http.StatusOK, r.asks(""), "the proxy itself")
}

// A gateway's listener has the same limit, before a ticket is looked at.
func TestUpgradesCountAgainstTheAddress(t *testing.T) {
	r := limited(t, Gateway)
	for range 2 {
		require.Equal(t, http.StatusNotFound, r.asks(""))
	}
	require.Equal(t, http.StatusTooManyRequests, r.asks(""))
	_, err := r.open(chat.NewID(), "ws://"+r.Addresses().Public+"/ws", nil)
	require.ErrorContains(t, err, "429")
}
