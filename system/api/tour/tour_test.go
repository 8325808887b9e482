// Package tour_test types the tour of docs/API.md into a shell, where other people's clients walk through the running system.
package tour_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

const root = "../../.."

// section is a part of the tour: a title and what its reader types.
type section struct{ title, lines string }

// TestTour asks that the script plays every section of the document, and where the environment asks for it (make tour) plays it.
func TestTour(t *testing.T) {
	sections := tour(t)
	var titles, steps []string
	for _, s := range sections {
		titles = append(titles, s.title)
	}
	for _, step := range regexp.MustCompile(`(?m)^step '(.*)'$`).FindAllStringSubmatch(read(t, "testdata/tour.txtar"), -1) {
		steps = append(steps, step[1])
	}
	require.Equal(t, titles, steps)
	if os.Getenv("CHATLAB_TOUR") != "" {
		play(t, sections)
	}
}

// TestTheREADMEsTourIsPlayed asks that what the README tells to type is in the tour, or shows no more than the tour does.
func TestTheREADMEsTourIsPlayed(t *testing.T) {
	var all string
	for _, s := range tour(t) {
		all += s.lines
	}
	_, readme, found := strings.Cut(read(t, root+"/README.md"), "\n## A tour of the API\n")
	require.True(t, found)
	readme, _, _ = strings.Cut(readme, "\n## ")
	lines := strings.Split(strings.TrimSpace(typed(readme)), "\n")
	require.Greater(t, len(lines), 10)
	for _, line := range lines {
		require.Contains(t, all, line)
	}
}

// tour is what docs/API.md tells to type, section by section.
func tour(t *testing.T) (sections []section) {
	_, text, found := strings.Cut(read(t, root+"/docs/API.md"), "\n## A tour\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "\n## ")
	for _, part := range strings.Split(text, "\n### ")[1:] {
		title, body, _ := strings.Cut(part, "\n")
		require.NotEmpty(t, typed(body), title)
		sections = append(sections, section{title, typed(body)})
	}
	return sections
}

// typed are the lines of a text's shell blocks.
func typed(text string) (lines string) {
	for _, block := range regexp.MustCompile("(?s)\n```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		lines += block[1]
	}
	return lines
}

func read(t *testing.T, file string) string {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func play(t *testing.T, sections []section) {
	for _, tool := range []string{"curl", "wscat", "kcat"} {
		_, err := exec.LookPath(tool)
		require.NoError(t, err, "docs/API.md says how to install it")
	}
	lines := map[string]string{}
	for _, s := range sections {
		lines[s.title] = s.lines
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			s, err := start(e.WorkDir)
			if err == nil {
				e.Values[shellKey{}] = s
				e.Defer(s.end)
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"step": func(ts *testscript.TestScript, _ bool, args []string) {
				said, err := ts.Value(shellKey{}).(*shell).do(lines[args[0]])
				_, _ = ts.Stdout().Write([]byte(said))
				ts.Check(err)
			},
		},
	})
}
