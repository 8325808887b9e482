package api_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

var update = flag.Bool("update", false, "write the tables of codes into the documents") //nolint:gochecknoglobals // a flag of the test

const guide = "../../docs/API.md"

// TestTablesAreThoseOfTheCode compares what is between the marks in the documents with the code's tables.
func TestTablesAreThoseOfTheCode(t *testing.T) {
	for _, c := range []struct{ file, mark, text string }{
		{"openapi.yaml", "codes", codeEnum()},
		{"openapi.yaml", "refusals", refusalRows()},
		{"asyncapi.yaml", "codes", codeEnum()},
		{"asyncapi.yaml", "refusals", refusalRows()},
		{"asyncapi.yaml", "close codes", closeRows()},
		{guide, "refusals", refusalTable()},
		{guide, "close codes", closeTable()},
	} {
		t.Run(c.file+" "+c.mark, func(t *testing.T) {
			data, err := os.ReadFile(c.file)
			require.NoError(t, err)
			from, to := between(t, string(data), c.mark)
			if *update {
				require.NoError(t, os.WriteFile(c.file, []byte(string(data[:from])+c.text+string(data[to:])), 0o600))
				return
			}
			require.Equal(t, c.text, string(data[from:to]), "go test ./system/api -update writes it")
		})
	}
}

// between finds the lines between "begin MARK" and "end MARK".
func between(t *testing.T, text, mark string) (from, to int) {
	t.Helper()
	begin := strings.Index(text, "begin "+mark+":")
	require.Positive(t, begin)
	from = begin + strings.Index(text[begin:], "\n") + 1
	end := strings.Index(text[from:], "end "+mark)
	require.Positive(t, end)
	return from, from + strings.LastIndex(text[from:from+end], "\n") + 1
}

func codeEnum() string {
	var b strings.Builder
	b.WriteString("      enum:\n")
	for _, c := range chat.Codes() {
		fmt.Fprintf(&b, "        - %s\n", c.Code)
	}
	return b.String()
}

func refusalRows() string {
	var b strings.Builder
	for i, c := range chat.Codes() {
		fmt.Fprintf(&b, "  - {number: %d, code: %s, status: %d, retry: %q}\n", i+1, c.Code, c.Status, c.Retry)
	}
	return b.String()
}

func closeRows() string {
	var b strings.Builder
	for _, c := range chat.CloseCodes() {
		fmt.Fprintf(&b, "  - {number: %d, name: %s, reconnect: %v, within_ms: %d, meaning: %q}\n", c.Code, c.Name, c.Reconnect, c.Within.Milliseconds(), c.Meaning)
	}
	return b.String()
}

func refusalTable() string {
	var b strings.Builder
	b.WriteString("| | code | HTTP status | ask again |\n|---|---|---|---|\n")
	for i, c := range chat.Codes() {
		fmt.Fprintf(&b, "| %d | `%s` | %d | %s |\n", i+1, c.Code, c.Status, c.Retry)
	}
	return b.String()
}

func closeTable() string {
	var b strings.Builder
	b.WriteString("| number | name | come back | meaning |\n|---|---|---|---|\n")
	for _, c := range chat.CloseCodes() {
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s |\n", c.Code, c.Name, comeBack(c), c.Meaning)
	}
	return b.String()
}

func comeBack(c chat.CloseInfo) string {
	switch {
	case !c.Reconnect:
		return "no"
	case c.Within > 0:
		return fmt.Sprintf("at a random moment within %s", c.Within)
	}
	return "with backoff"
}
