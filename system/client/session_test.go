package client

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhereTheSocketOpens(t *testing.T) {
	for _, c := range []struct{ name, edge, gateway, url, want, refused string }{
		{"as an older edge says", "http://edge:1", "gw:2", "", "ws://gw:2/ws", ""},
		{"as the edge says", "http://edge:1", "gw:2", "ws://gw:2/ws", "ws://gw:2/ws", ""},
		{"by TLS", "https://edge", "gw:2", "wss://gw.example/path", "wss://gw.example/path", ""},
		{"by more than the edge", "http://edge:1", "gw:2", "wss://gw:2/ws", "wss://gw:2/ws", ""},
		{"by less than the edge", "https://edge", "gw:2", "ws://gw:2/ws", "", "goes nowhere without"},
		{"by an older edge with TLS", "https://edge", "gw:2", "", "", "goes nowhere without"},
		{"elsewhere", "http://edge:1", "gw:2", "file:///etc/passwd", "", "want ws:// or wss://"},
	} {
		got, err := sessionAnswer{Gateway: c.gateway, GatewayURL: c.url}.socketURL(c.edge)
		require.Equal(t, c.want, got, c.name)
		if c.refused == "" {
			require.NoError(t, err, c.name)
		} else {
			require.ErrorContains(t, err, c.refused, c.name)
		}
	}
}
