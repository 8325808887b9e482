package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/environment/worlds"
)

// TestInterruptLeavesHistoryAndNothingElse presses Ctrl-C in the middle of a run.
func TestInterruptLeavesHistoryAndNothingElse(t *testing.T) {
	t.Parallel()
	out, temporary := filepath.Join(t.TempDir(), "out"), t.TempDir()
	cmd := exec.CommandContext(t.Context(), "chatlab", "run", "steady-state", "--out", out)
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary, worlds.Variable+"="+worlds.Embedded)
	var told bytes.Buffer
	cmd.Stderr = &told
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "hardened  fault ") {
	}
	lab, err := process.NewProcess(int32(cmd.Process.Pid))
	require.NoError(t, err)
	pods, err := lab.Children()
	require.NoError(t, err)
	require.NotEmpty(t, pods)

	interrupted := time.Now()
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	for lines.Scan() {
	}
	require.Error(t, cmd.Wait())
	assert.Less(t, time.Since(interrupted), 5*time.Second)
	assert.Equal(t, exitSetUp, cmd.ProcessState.ExitCode(), told.String())
	file := filepath.Join(out, "history-hardened.chatlab")
	assert.Contains(t, told.String(), "interrupted during variant hardened: what happened until then is in "+file)
	assert.NotContains(t, told.String(), "said last", "pods that were interrupted are no news")

	for _, p := range pods {
		alive, err := process.PidExists(p.Pid)
		require.NoError(t, err)
		assert.False(t, alive, "pod with process id %d", p.Pid)
	}
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left)
	lived, err := exec.Command("chatlab", "history", file).CombinedOutput()
	require.NoError(t, err, string(lived))
	assert.Contains(t, string(lived), `"kind":"shown"`)
}
