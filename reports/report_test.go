package reports_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/reports"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fixtures are invented runs; no number in them was measured.
var fixtures = []string{"viral-group", "failed", "sparse", "hostile"}

func load(t *testing.T, name string) reports.Report {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	var r reports.Report
	require.NoError(t, json.Unmarshal(text, &r))
	return r
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestJSONIsStable(t *testing.T) {
	for _, name := range fixtures {
		text, err := load(t, name).JSON()
		require.NoError(t, err)
		golden(t, name+".json", string(text))
	}
}
