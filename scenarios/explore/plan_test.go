package explore_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/scenarios/explore"
)

// Whatever is drawn prints as text that reads as the same plan.
func TestPlansPrintAndRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plans().Draw(t, "plan")
		again, err := explore.Read(strings.NewReader(p.String()))
		require.NoError(t, err, p)
		require.Equal(t, p.String(), again.String())
		_, err = p.Scenario()
		require.NoError(t, err)
	})
}

const good = `{"profile":"hardened","seed":1,"pods":{"gateways":1,"messages":1,"workers":1},"length":"3s",
"groups":[{"members":[0,1],"per_second":5,"bytes":20}],"faults":["at 1s kill gateway-1 for 1s"]}`

// What cannot be played is refused, and the refusal says why.
func TestPlansThatCannotBePlayed(t *testing.T) {
	_, err := explore.Read(strings.NewReader(good))
	require.NoError(t, err)
	for _, c := range []struct{ old, instead, says string }{
		{`"hardened"`, `"best"`, `profile "best" is unknown`},
		{`"seed"`, `"switches":{"inbox":false,"turbo":true},"seed"`, `unknown field "turbo"`},
		{`"seed"`, `"switches":{"write_path":"naive"},"seed"`, "inbox wants write_path"},
		{`"seed"`, `"sead"`, `unknown field "sead"`},
		{`"gateways":1`, `"gateways":0`, "plan has 0 gateways: want 1 to 20"},
		{`"workers":1`, `"workers":21`, "plan has 21 workers"},
		{`"3s"`, `"3"`, "missing unit"},
		{`"3s"`, `"3h"`, "plan has length 3h0m0s: want 1s to 5m0s"},
		{`[0,1]`, `[0]`, "group 1: want two members or more"},
		{`[0,1]`, `[0,0]`, "group 1: member 0: want numbers from 0 to 499, each once"},
		{`[0,1]`, `[0,500]`, "group 1: member 500"},
		{`"per_second":5`, `"per_second":0`, "per_second 0: want more than 0"},
		{`"bytes":20`, `"bytes":5000`, "bytes 5000: want 1 to 4096"},
		{`kill gateway-1`, `slay gateway-1`, `line 1, column 7: found "slay"`},
		{`"groups":[`, `"groups":[],"x":[`, `unknown field "x"`},
		{good, good + good, "something follows the plan"},
		{good, "", "read plan: EOF"},
	} {
		_, err := explore.Read(strings.NewReader(strings.Replace(good, c.old, c.instead, 1)))
		require.ErrorContains(t, err, c.says)
	}
}

// The example in the documentation can be played.
func TestTheDocumentedPlanReads(t *testing.T) {
	text, err := os.ReadFile("../../docs/PLANS.md")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(text), "```json\n")
	require.True(t, found)
	example, _, found := strings.Cut(after, "```")
	require.True(t, found)
	p, err := explore.Read(strings.NewReader(example))
	require.NoError(t, err)
	require.Len(t, p.Faults, 2)
}

// No text makes a plan that reads differently than it prints, or takes the reader down.
func FuzzRead(f *testing.F) {
	f.Add(good)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := explore.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := explore.Read(strings.NewReader(p.String()))
		require.NoError(t, err)
		require.Equal(t, p.String(), again.String())
	})
}
