package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/chatlab/chatlab/reports"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/scenarios/environment/worlds"
	"github.com/chatlab/chatlab/scenarios/load"
)

func TestMain(m *testing.M) {
	pod.Main() // a run's pods are this binary, too
	load.Main()
	testscript.Main(m, map[string]func(){"chatlab": main})
}

// TestScripts plays what people type.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error { e.Setenv(worlds.Variable, worlds.Embedded); return nil }, // whatever engine answers
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "judged": judged, "story": story, "cut": cut, "empty": empty,
		},
	})
}

// exits CODE COMMAND...: the command ends with the code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := codeAfter(ts, args[1:]); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// judged DIR COMMAND...: the command ends with the code of the verdict in DIR's report, which nothing but time may spoil.
func judged(ts *testscript.TestScript, _ bool, args []string) {
	got := codeAfter(ts, args[1:])
	var r reports.Report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0]+"/report.json")), &r))
	if want := codeOf(r.Verdict); got != want {
		ts.Fatalf("exit code %d, want %d for %s", got, want, r.Verdict)
	}
	if r.Scenario == "" || r.Machine.Cores == 0 || !r.DurationS.Known() || len(r.Claims) == 0 || len(r.Variants) != 1 {
		ts.Fatalf("report.json lacks a field: %+v", r)
	}
	for _, p := range r.Variants[0].Properties {
		if p.Status != reports.OK && p.Name != "in time" {
			ts.Fatalf("%s: %s, %s", p.Name, p.Observed, p.Detail)
		}
	}
}

func codeAfter(ts *testscript.TestScript, command []string) int {
	err := ts.Exec(command[0], command[1:]...)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	ts.Fatalf("run %s: %v", command[0], err)
	return -1
}

// cut FILE COPY: the copy lacks the last third.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	whole := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(whole[:2*len(whole)/3]), 0o600))
}

// empty DIR: nothing is in the directory.
func empty(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(entries) > 0 {
		ts.Fatalf("%s holds %v", args[0], entries)
	}
}
