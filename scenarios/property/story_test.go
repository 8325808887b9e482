package property

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/history"
)

// underTest is every property, the ones with parameters as the stories in testdata want them.
func underTest() []Property {
	fresh := Freshness{Online: freshOnline, Offline: freshOffline, Again: freshAgain}
	return append(Promises(), RawAtMostOnce(), ExactResume(), DurableOnReplicas(),
		AckedRatio(Floor{Phase: "steady", Ratio: .5, MinSamples: 1}),
		DeliveryLag(Bound{Phase: "steady", Max: time.Second, MinSamples: 1}),
		ReadsPerMiss(Crowd{Members: 3, Reads: 2}),
		PushNotMissed(missedWithin), PushNotSpurious(8*time.Second, spuriousReceipt),
		PresenceSafe(fresh), PresenceLive(fresh))
}

func judge(t testing.TB, path string) map[string]Verdict {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r, err := history.Open(f)
	require.NoError(t, err)
	results, err := Check(r, underTest()...)
	require.NoError(t, err)
	verdicts := make(map[string]Verdict, len(results))
	for _, r := range results {
		require.NotEmpty(t, r.Promise)
		require.NotEmpty(t, r.Expected)
		require.NotEmpty(t, r.Observed)
		require.Equal(t, r.Status == Broken, len(r.Witnesses) > 0, "%s: a break has witnesses: %v", r.Name, r)
		verdicts[r.Name] = r.Verdict
	}
	return verdicts
}

// broken is the names of the broken properties. That a device is sent a message twice is no break of a promise, so it
// counts only in its own stories.
func broken(verdicts map[string]Verdict, of string) (names []string) {
	for name, v := range verdicts {
		if v.Status == Broken && (name == of || name != "raw-at-most-once") {
			names = append(names, name)
		}
	}
	return names
}

func TestStories(t *testing.T) {
	for _, p := range underTest() {
		paths, err := filepath.Glob(filepath.Join("testdata", p.Name, "*.jsonl"))
		require.NoError(t, err)
		var good, bad int
		for _, path := range paths {
			story := strings.TrimSuffix(filepath.Base(path), ".jsonl")
			t.Run(p.Name+"/"+story, func(t *testing.T) {
				verdicts := judge(t, path)
				t.Log(verdicts[p.Name])
				if strings.HasPrefix(story, "broken") {
					bad++
					require.Equal(t, []string{p.Name}, broken(verdicts, p.Name), "this breaks exactly one promise: %v", verdicts)
					return
				}
				require.Empty(t, broken(verdicts, p.Name), "nothing is broken: %v", verdicts)
				if good++; story != "good-naive" || p.Name != "one-sequence-number" {
					require.Equal(t, Holds, verdicts[p.Name].Status, "%v", verdicts[p.Name])
				}
			})
		}
		require.NotZero(t, good, "%s has a good story", p.Name)
		require.NotZero(t, bad, "%s has a broken story", p.Name)
	}
}
