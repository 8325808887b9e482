package reports_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/reports"
)

func TestWriteLeavesThreeFilesAndNothingElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	require.NoError(t, reports.Write(dir, load(t, "viral-group")))
	require.NoError(t, reports.Write(dir, load(t, "failed")), "a second report replaces the first")

	assert.Equal(t, []string{"junit.xml", "report.html", "report.json"}, names(t, dir))
	text, err := os.ReadFile(filepath.Join(dir, reports.JSONFile))
	require.NoError(t, err)
	var r reports.Report
	require.NoError(t, json.Unmarshal(text, &r))
	assert.Equal(t, reports.Failed, r.Verdict)
	assert.Equal(t, reports.Version, r.Version)
}

func TestWriteThatFailsLeavesNoPieces(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, reports.JSONFile)
	require.NoError(t, os.MkdirAll(filepath.Join(blocked, "in the way"), 0o755))

	err := reports.Write(dir, load(t, "viral-group"))
	require.ErrorContains(t, err, "write report.json")
	assert.Equal(t, []string{reports.JSONFile}, names(t, dir))
}

func TestWriteNeedsADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	require.ErrorContains(t, reports.Write(file, reports.Report{}), "make report directory")
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.Name()
	}
	return list
}
