package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFaultsAreDocumented: UPDATE=1 writes the document again.
func TestFaultsAreDocumented(t *testing.T) {
	const file = "../../docs/FAULTS.md"
	var want, said bytes.Buffer
	require.Zero(t, run([]string{"faults"}, &want, &said), said.String())
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, want.Bytes(), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, want.String(), string(got), "type UPDATE=1 go test -run Faults ./cmd/chatlab")
}
