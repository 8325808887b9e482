package reports_test

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

func TestMissingNumbersAreNullAndListsAreNot(t *testing.T) {
	r := reports.Report{DurationS: reports.Missing(), Variants: []reports.Variant{{
		Metrics:  []reports.Metric{{Value: reports.Number(math.Inf(1))}},
		Timeline: reports.Timeline{Series: []reports.Series{{Points: []reports.Number{1, reports.Missing(), -2.5e-7}}}},
	}}}
	text, err := r.JSON()
	require.NoError(t, err)
	assert.Contains(t, string(text), `"points": [1, null, -2.5e-7]`)
	assert.Contains(t, string(text), `"duration_s": null`)
	assert.Contains(t, string(text), `"claims": []`)
	assert.Contains(t, string(text), `"switches": {}`)
	assert.Equal(t, 2, strings.Count(string(text), ": null"), "only the numbers are null")
	assert.Nil(t, r.Claims, "the report itself is left alone")
}

func TestEveryReportSurvivesItsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.String()
		points := rapid.SliceOf(rapid.Custom(func(t *rapid.T) reports.Number {
			if rapid.Bool().Draw(t, "missing") {
				return reports.Missing()
			}
			return reports.Number(rapid.Float64().Draw(t, "point"))
		}))
		r := reports.Report{Scenario: word.Draw(t, "scenario"), Seed: rapid.Uint64().Draw(t, "seed"), Variants: []reports.Variant{{
			Why:      word.Draw(t, "why"),
			Switches: rapid.MapOf(word, word).Draw(t, "switches"),
			Timeline: reports.Timeline{Series: []reports.Series{{Name: word.Draw(t, "name"), Points: points.Draw(t, "points")}}},
		}}}
		first, err := r.JSON()
		require.NoError(t, err)
		var back reports.Report
		require.NoError(t, json.Unmarshal(first, &back))
		second, err := back.JSON()
		require.NoError(t, err)
		assert.Equal(t, string(first), string(second))
	})
}

// The schema document names every field of the value, and no field that it does not have.
func TestSchemaDocumentIsComplete(t *testing.T) {
	text, err := os.ReadFile("SCHEMA.md")
	require.NoError(t, err)
	documented := map[string]bool{}
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		documented[match[1]] = true
	}
	fields := map[string]bool{}
	collect(reflect.TypeFor[reports.Report](), fields)
	assert.Equal(t, fields, documented)
}

func collect(kind reflect.Type, fields map[string]bool) {
	for kind.Kind() == reflect.Slice {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct || kind == reflect.TypeFor[time.Time]() {
		return
	}
	for i := range kind.NumField() {
		name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
		fields[name] = true
		collect(kind.Field(i).Type, fields)
	}
}

func TestSentence(t *testing.T) {
	assert.Equal(t, "Every promise came out as foretold: document breaks 2 of 13; mitigated and hardened keep all 13.", load(t, "viral-group").Sentence())
	assert.Equal(t, "Not what was foretold: hardened breaks “shown at most once”.", load(t, "failed").Sentence())
	assert.Equal(t, "This run decides nothing: nothing gives no reason; gaps leaves “agreement” open.", load(t, "sparse").Sentence())
	assert.Equal(t, "The run carries no verdict.", reports.Report{}.Sentence())
	assert.Equal(t, "Not what was foretold: no variant says why.", reports.Report{Verdict: reports.Failed}.Sentence())
}

func TestPhraseNeverCallsDoubtGood(t *testing.T) {
	for _, c := range []struct {
		expected, observed reports.Outcome
		status             reports.Status
		mark, phrase       string
	}{
		{reports.Holds, reports.Holds, reports.OK, "✓", "holds"},
		{reports.Broken, reports.Broken, reports.OK, "✗", "broken, as foretold"},
		{reports.Unknown, reports.Broken, reports.OK, "✗", "broken"},
		{reports.Holds, reports.Broken, reports.Unexpected, "✗", "broken, not foretold"},
		{reports.Broken, reports.Holds, reports.Unexpected, "✓", "holds, not foretold"},
		{reports.Broken, reports.Holds, reports.Undecided, "?", "undecided"},
		{reports.Unknown, reports.Unknown, reports.OK, "?", "unknown"},
		{"", "", "", "?", "undecided"},
	} {
		p := reports.Property{Expected: c.expected, Observed: c.observed, Status: c.status}
		assert.Equal(t, c.mark, p.Mark(), "%+v", c)
		assert.Equal(t, c.phrase, p.Phrase(), "%+v", c)
	}
}
