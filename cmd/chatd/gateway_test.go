package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/token"
)

// gateway starts one role by itself, as an orchestrator does. Its keys are in a file.
func gateway(t *testing.T) (cmd *exec.Cmd, stderr *bytes.Buffer, at node.Addresses, jwks string) {
	jwks = filepath.Join(t.TempDir(), "keys.jwks")
	writeKey(t, jwks)
	cmd, stderr = command("gateway", "--name", "gateway-1", "--messages", "127.0.0.1:1", "--presences", "127.0.0.1:1",
		"--user-jwks", jwks, "--ticket-jwks", jwks, "--insecure-rpc")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	require.NoError(t, json.NewDecoder(stdout).Decode(&at), stderr)
	return cmd, stderr, at, jwks
}

func writeKey(t *testing.T, jwks string) {
	key, err := token.NewKey()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(jwks, key.JWKS(), 0o600))
}

// TestHangUpReadsKeysAgain: SIGHUP, which would end another process, makes a role look at its files.
func TestHangUpReadsKeysAgain(t *testing.T) {
	cmd, stderr, at, jwks := gateway(t)
	writeKey(t, jwks)
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	for _, what := range []string{"user_keys", "ticket_keys"} {
		require.Eventually(t, func() bool {
			return strings.Contains(text(t, at, "/metrics"), `chat_reloads_total{outcome="ok",what="`+what+`"} 1`)
		}, 20*time.Second, 10*time.Millisecond, what)
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "it ends as asked after it: %s", stderr)
}

// TestGatewayStopsWhenAsked ends a role with SIGTERM.
func TestGatewayStopsWhenAsked(t *testing.T) {
	cmd, stderr, at, _ := gateway(t)
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
