package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/token"
)

// TestGatewayStopsWhenAsked starts one role by itself, as an orchestrator does, and ends it with SIGTERM.
func TestGatewayStopsWhenAsked(t *testing.T) {
	key, err := token.NewKey()
	require.NoError(t, err)
	jwks := filepath.Join(t.TempDir(), "keys.jwks")
	require.NoError(t, os.WriteFile(jwks, key.JWKS(), 0o600))
	cmd, stderr := command("gateway", "--name", "gateway-1", "--messages", "127.0.0.1:1", "--presences", "127.0.0.1:1",
		"--user-jwks", jwks, "--ticket-jwks", jwks, "--insecure-rpc")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var at node.Addresses
	require.NoError(t, json.NewDecoder(stdout).Decode(&at), stderr)
	require.Equal(t, "gateway-1", at.Name)
	require.NotEmpty(t, at.Public)
	require.NotEmpty(t, at.RPC)
	require.Equal(t, http.StatusOK, status(t, at, "/healthz"))
	require.Equal(t, http.StatusServiceUnavailable, status(t, at, "/readyz"), "nobody answers where message and presence should be")

	for path, want := range map[string]int{"/drain?window=1h": 400, "/drain?window=soon": 400, "/drain?window=500ms": 400} {
		res, err := http.Post("http://"+at.Admin+path, "", nil)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, want, res.StatusCode, path)
	}
	drain, _ := command("drain", "--admin-listen", at.Admin, "--window", "2s")
	said, err := drain.Output()
	require.NoError(t, err)
	require.Regexp(t, `^drained in \d+`, string(said))
	require.Contains(t, text(t, at, "/readyz"), "gateway-1 is draining")

	asked := time.Now()
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), stderr)
	require.Less(t, time.Since(asked), 3*time.Second, "it holds no socket that would have to be let go")
	require.Contains(t, stderr.String(), "level=INFO msg=stop")
}

func text(t *testing.T, at node.Addresses, path string) string {
	t.Helper()
	res, err := http.Get("http://" + at.Admin + path)
	require.NoError(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(data)
}

func status(t *testing.T, at node.Addresses, path string) int {
	t.Helper()
	res, err := http.Get("http://" + at.Admin + path)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}
