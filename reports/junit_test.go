package reports_test

import (
	"bytes"
	"encoding/xml"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/reports"
)

func TestJUnitGolden(t *testing.T) {
	for _, name := range []string{"failed", "sparse", "hostile"} {
		golden(t, name+".junit.xml", junit(t, load(t, name)))
	}
}

func TestNothingUndecidedIsGreenInCI(t *testing.T) {
	r := load(t, "viral-group")
	assert.NotContains(t, junit(t, r), "<error")
	assert.NotContains(t, junit(t, r), "<failure")

	r.Variants[0].Verdict = reports.Inconclusive
	assert.Contains(t, junit(t, r), `<error type="inconclusive"`)
	r.Variants[0].Verdict = reports.Failed
	assert.Contains(t, junit(t, r), `<failure type="unexpected"`)
	r.Variants[0].Verdict = ""
	assert.Contains(t, junit(t, r), `<error type="inconclusive"`, "a variant without a verdict decides nothing")
}

func TestJUnitOfHostileTextIsWellFormed(t *testing.T) {
	var suites struct {
		Suites []struct {
			Name string `xml:"name,attr"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(junit(t, load(t, "hostile"))), &suites))
	assert.Contains(t, suites.Suites[0].Name, "<script>")
}

func junit(t *testing.T, r reports.Report) string {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, r.JUnit(&text))
	return text.String()
}
