package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the module's directory.
const root = "../.."

// TestCommandsInReadmeWork tries, without running it, every command that the README asks people to type.
func TestCommandsInReadmeWork(t *testing.T) {
	commands := regexp.MustCompile("go (?:run|test|build) [^`|>&\n]+").FindAllString(readme(t), -1)
	require.Greater(t, len(commands), 5)
	for _, command := range commands {
		t.Run(command, func(t *testing.T) {
			words := strings.Fields(command)
			at := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "./") })
			require.Positive(t, at, "a package")
			assert.DirExists(t, filepath.Join(root, strings.TrimSuffix(words[at], "...")))
			if words[1] == "run" && words[at] == "./cmd/chatlab" {
				makesSense(t, words[at+1:])
			}
		})
	}
}

// makesSense parses a command line and looks up the scenario and the variants that it names.
func makesSense(t *testing.T, args []string) {
	t.Helper()
	var c commands
	parser, err := kong.New(&c, kong.Exit(func(int) {}))
	require.NoError(t, err)
	parsed, err := parser.Parse(args)
	require.NoError(t, err)
	if strings.HasPrefix(parsed.Command(), "run") {
		_, _, err = c.Run.choose()
		require.NoError(t, err)
	}
}

// TestFilesInReadmeExist follows every link that stays here, and every `path/file.go`.
func TestFilesInReadmeExist(t *testing.T) {
	found := regexp.MustCompile(`\]\(([^):]+)\)|`+"`([a-z]+/[a-z/]+(?:\\.go|/))`").FindAllStringSubmatch(readme(t), -1)
	require.Greater(t, len(found), 5)
	for _, match := range found {
		_, err := os.Stat(filepath.Join(root, match[1]+match[2]))
		assert.NoError(t, err)
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	return string(text)
}
