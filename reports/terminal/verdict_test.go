package terminal_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/reports"
	"github.com/chatlab/chatlab/reports/terminal"
)

var update = flag.Bool("update", false, "write the golden files anew")

func load(t *testing.T, name string) reports.Report {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", name+".json"))
	require.NoError(t, err)
	var r reports.Report
	require.NoError(t, json.Unmarshal(text, &r))
	return r
}

func verdict(t *testing.T, name string, width int, color bool) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, terminal.Verdict(&out, load(t, name), "out", width, color))
	return out.String()
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

func TestVerdictGolden(t *testing.T) {
	for _, name := range []string{"viral-group", "failed", "sparse", "hostile"} {
		golden(t, name+".txt", verdict(t, name, 80, false))
	}
	golden(t, "viral-group.narrow.txt", verdict(t, "viral-group", 40, false))
	golden(t, "failed.color.txt", verdict(t, "failed", 100, true))
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestColorChangesNoWord(t *testing.T) {
	for _, name := range []string{"viral-group", "failed", "sparse", "hostile"} {
		assert.Equal(t, verdict(t, name, 80, false), escape.ReplaceAllString(verdict(t, name, 80, true), ""))
	}
}

func TestVerdictKeepsToItsWidth(t *testing.T) {
	for _, width := range []int{30, 50, 80, 120} {
		tables, _, found := strings.Cut(verdict(t, "failed", width, false), "\npage ")
		require.True(t, found)
		for line := range strings.Lines(tables) {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), width, line)
		}
	}
}

func TestHostileTextMovesNoCursor(t *testing.T) {
	assert.NotContains(t, strings.ReplaceAll(verdict(t, "hostile", 80, false), "\n", ""), "\x1b")
	assert.NotRegexp(t, "[\x00-\x09\x0b-\x1f\x7f\u202e]", verdict(t, "hostile", 80, false))
}

func TestVerdictOfNothing(t *testing.T) {
	var out strings.Builder
	require.NoError(t, terminal.Verdict(&out, reports.Report{}, "", 0, false))
	assert.Contains(t, out.String(), "NO VERDICT")
}

// A run with three variants and long names stays side by side on 80 columns.
func TestLongNamesGoOnBelow(t *testing.T) {
	r := reports.Report{Verdict: reports.Passed}
	for _, name := range []string{"document", "mitigated", "hardened"} {
		r.Variants = append(r.Variants, reports.Variant{Name: name, Verdict: reports.Passed, Properties: []reports.Property{
			{Name: "unharmed: neighbour on the same partition", Expected: reports.Broken, Observed: reports.Broken, Status: reports.OK},
			{Name: strings.Repeat(" ", 90), Expected: reports.Holds, Observed: reports.Holds, Status: reports.OK},
		}})
	}
	var out strings.Builder
	require.NoError(t, terminal.Verdict(&out, r, "", 80, false))
	assert.Contains(t, out.String(), "unharmed: neighbour on the         ✗ as foretold   ✗ as foretold   ✗ as foretold\n  same partition\n")
}

func TestParagraph(t *testing.T) {
	assert.Equal(t, "  one two three four\n  five\n", terminal.Paragraph("one two three four five", 2, 22))
	assert.Equal(t, "  one two three four five\n", terminal.Paragraph("one two three four five", 2, 0))
}
