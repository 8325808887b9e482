package property

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/system/chat"
)

func FuzzCheck(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/*.jsonl")
	require.NoError(f, err)
	for _, p := range paths {
		b, err := os.ReadFile(p)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := history.Open(bytes.NewReader(b))
		if err != nil {
			return
		}
		results, _ := Check(r, underTest()...)
		for _, r := range results {
			require.NotEmpty(t, r.Status)
			require.LessOrEqual(t, len(r.Witnesses), maxWitnesses)
		}
	})
}

func TestCodesThatTellWhenToRetryAreThoseOfTheSystem(t *testing.T) {
	for _, c := range chat.Codes() {
		require.Equal(t, strings.HasPrefix(c.Retry, "after retry_after_ms"), tellsWhen(string(c.Code)), "%s", c.Code)
	}
}
