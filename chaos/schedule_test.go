package chaos_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/chaos"
)

// everyFault is the examples of all kinds, and other ways to write them.
func everyFault() string {
	lines := []string{
		"at 2s kill message-1", "when lag > 0.5 freeze kafka-2", "when connections < 10 restart gateway-1", "when sends > 1e+06 evict redis-cache 100%",
		"at 0s latency fanout-*->gateway-* 1ms for 1m0s", "at 0s bandwidth gateway-1<->clients 1000B/s", "at 5s cut message-1<->kafka-2",
		"at 1s memory gateway-1 1025B", "at 1s skew edge-1 1h0m0s",
	}
	for _, k := range chaos.Kinds() {
		lines = append(lines, k.Example)
	}
	return strings.Join(lines, "\n")
}

func TestTextFormComesBack(t *testing.T) {
	schedule, err := chaos.Parse(everyFault())
	require.NoError(t, err)
	require.Equal(t, everyFault(), schedule.String())
	for text, want := range map[string]chaos.Step{
		"at 5s cut message-1->kafka-2 for 5s": {At: 5 * time.Second, For: 5 * time.Second,
			Fault: chaos.Cut{Path: chaos.Path{From: "message-1", To: "kafka-2", OneWay: true}}},
		"when lag > 100 freeze fanout-1 for 10s": {Gate: chaos.Gate{Gauge: "lag", Level: 100}, For: 10 * time.Second, Fault: chaos.Freeze{Name: "fanout-1"}},
		"when connections < 3 kill edge-1":       {Gate: chaos.Gate{Gauge: "connections", Below: true, Level: 3}, Fault: chaos.Kill{Name: "edge-1"}},
		"at 1s memory gateway-1 64MB":            {At: time.Second, Fault: chaos.Memory{Name: "gateway-1", Bytes: 64 << 20}},
		"at 1s skew message-1 -500ms":            {At: time.Second, Fault: chaos.Skew{Name: "message-1", By: -500 * time.Millisecond}},
		"at 1s evict redis-cache 5%":             {At: time.Second, Fault: chaos.Evict{Name: "redis-cache", Percent: 5}},
	} {
		schedule, err := chaos.Parse(text)
		require.NoError(t, err)
		require.Equal(t, chaos.Schedule{want}, schedule)
	}
}

func TestEveryKindHasAnExampleOfItself(t *testing.T) {
	for _, k := range chaos.Kinds() {
		schedule, err := chaos.Parse(k.Example)
		require.NoError(t, err)
		require.Equal(t, k.Verb, strings.Fields(schedule[0].Fault.String())[0])
		require.NotEmpty(t, k.Form+k.Does+k.Undo+k.On)
	}
}

func TestSpacesEmptyLinesAndCommentsAreFree(t *testing.T) {
	schedule, err := chaos.Parse("\n  # the gateway dies\n\n\tat  2000ms   kill gateway-1  \r\n")
	require.NoError(t, err)
	require.Equal(t, "at 2s kill gateway-1", schedule.String())
	empty, err := chaos.Parse("")
	require.NoError(t, err)
	require.Empty(t, empty)
}

func TestErrorsSayLineColumnAndWhatWasExpected(t *testing.T) {
	for text, want := range map[string]string{
		"after 2s kill x":                       `line 1, column 1: found "after", expected at or when`,
		"at 2s kill a\n\n  at soon kill x":      `line 3, column 6: found "soon", expected a time such as 2s`,
		"at -2s kill x":                         `line 1, column 4: found "-2s", expected a time such as 2s`,
		"at 2s":                                 `line 1, column 6: found the end of the line, expected kill, stop, restart, drain, freeze, skew, memory, evict, cut, latency, bandwidth, refuse or reset`,
		"at 2s explode x":                       `line 1, column 7: found "explode", expected kill, stop, restart, drain, freeze, skew, memory, evict, cut, latency, bandwidth, refuse or reset`,
		"at 2s kill":                            `line 1, column 11: found the end of the line, expected a name such as gateway-1`,
		"at 2s kill a/b":                        `line 1, column 12: found "a/b", expected a name such as gateway-1`,
		"at 2s kill x during 3s":                `line 1, column 14: found "during", expected for`,
		"at 2s kill x for":                      `line 1, column 17: found the end of the line, expected a duration such as 2s`,
		"at 2s kill x for 0s":                   `line 1, column 18: found "0s", expected a duration such as 2s`,
		"at 2s kill x for 3s more":              `line 1, column 21: found "more", expected the end of the line`,
		"at 2s restart x for 3s":                `line 1, column 17: found "for", expected the end of the line, for this happens once`,
		"at 2s drain x":                         `line 1, column 14: found the end of the line, expected over`,
		"at 2s drain x for 3s":                  `line 1, column 15: found "for", expected over`,
		"at 2s drain x over 0s":                 `line 1, column 20: found "0s", expected a time such as 2s`,
		"at 2s drain x over 3s for 3s":          `line 1, column 23: found "for", expected the end of the line, for this ends by itself`,
		"at 2s cut a":                           `line 1, column 11: found "a", expected a path such as fanout-1<->gateway-1 or fanout-1->gateway-1`,
		"at 2s cut a->b->c":                     `line 1, column 11: found "a->b->c", expected a path such as fanout-1<->gateway-1 or fanout-1->gateway-1`,
		"at 2s cut ->b":                         `line 1, column 11: found "->b", expected a path such as fanout-1<->gateway-1 or fanout-1->gateway-1`,
		"at 2s refuse a->b":                     `line 1, column 14: found "a->b", expected a path both ways such as fanout-1<->gateway-1`,
		"at 2s latency a->b":                    `line 1, column 19: found the end of the line, expected a delay such as 2s`,
		"at 2s latency a->b 1ms jitter lots":    `line 1, column 31: found "lots", expected a jitter such as 2s`,
		"at 2s bandwidth a<->b 64":              `line 1, column 23: found "64", expected a rate such as 64KB/s`,
		"at 2s bandwidth a<->b 0B/s":            `line 1, column 23: found "0B/s", expected a rate such as 64KB/s`,
		"when lag >= 3 kill x":                  `line 1, column 10: found ">=", expected > or <`,
		"when load > 3 kill x":                  `line 1, column 6: found "load", expected lag, sends or connections`,
		"at 2s skew a 0s":                       `line 1, column 14: found "0s", expected a shift such as 500ms or -500ms`,
		"at 2s skew a":                          `line 1, column 13: found the end of the line, expected a shift such as 500ms or -500ms`,
		"at 2s memory a 64":                     `line 1, column 16: found "64", expected a size such as 64MB`,
		"at 2s memory a 0MB":                    `line 1, column 16: found "0MB", expected a size such as 64MB`,
		"at 2s memory a 9999999999GB":           `line 1, column 16: found "9999999999GB", expected a size such as 64MB`,
		"at 2s evict a 0%":                      `line 1, column 15: found "0%", expected a share from 1% to 100%`,
		"at 2s evict a 101%":                    `line 1, column 15: found "101%", expected a share from 1% to 100%`,
		"at 2s evict a 50":                      `line 1, column 15: found "50", expected a share from 1% to 100%`,
		"at 2s evict a 50% for 3s":              `line 1, column 19: found "for", expected the end of the line, for this happens once`,
		"at 2s bandwidth a<->b 64KB":            `line 1, column 23: found "64KB", expected a rate such as 64KB/s`,
		"when lag > many kill x":                `line 1, column 12: found "many", expected a number such as 100`,
		"when lag > Inf kill x":                 `line 1, column 12: found "Inf", expected a number such as 100`,
		"when":                                  `line 1, column 5: found the end of the line, expected lag, sends or connections`,
		"at 1s kill \u00e4 for 1s":              `line 1, column 12: found "ä", expected a name such as gateway-1`,
		"at 1s latency a<->b 1\u00b5s until 2s": `line 1, column 25: found "until", expected for`,
	} {
		_, err := chaos.Parse(text)
		require.EqualError(t, err, want, text)
		var at *chaos.ParseError
		require.True(t, errors.As(err, &at))
	}
}

func genPath(oneWay *rapid.Generator[bool]) *rapid.Generator[chaos.Path] {
	end := rapid.StringMatching(`[a-zA-Z0-9*?_.:-]{1,12}`)
	return rapid.Custom(func(t *rapid.T) chaos.Path {
		return chaos.Path{From: end.Draw(t, "from"), To: end.Draw(t, "to"), OneWay: oneWay.Draw(t, "one way")}
	})
}

func genFault() *rapid.Generator[chaos.Fault] {
	duration := rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "ns")) })
	name := rapid.StringMatching(`[a-z]{1,8}-[0-9]`)
	path, whole := genPath(rapid.Bool()), genPath(rapid.Just(false))
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) chaos.Fault { return chaos.Kill{Name: name.Draw(t, "name")} }),
		rapid.Custom(func(t *rapid.T) chaos.Fault { return chaos.Stop{Name: name.Draw(t, "name")} }),
		rapid.Custom(func(t *rapid.T) chaos.Fault { return chaos.Restart{Name: name.Draw(t, "name")} }),
		rapid.Custom(func(t *rapid.T) chaos.Fault { return chaos.Freeze{Name: name.Draw(t, "name")} }),
		rapid.Custom(func(t *rapid.T) chaos.Fault {
			return chaos.Drain{Name: name.Draw(t, "name"), Over: duration.Draw(t, "over")}
		}),
		rapid.Custom(func(t *rapid.T) chaos.Fault {
			sign := rapid.SampledFrom([]time.Duration{-1, 1}).Draw(t, "sign")
			return chaos.Skew{Name: name.Draw(t, "name"), By: sign * duration.Draw(t, "by")}
		}),
		rapid.Custom(func(t *rapid.T) chaos.Fault {
			return chaos.Memory{Name: name.Draw(t, "name"), Bytes: rapid.Int64Range(1, math.MaxInt64).Draw(t, "bytes")}
		}),
		rapid.Custom(func(t *rapid.T) chaos.Fault {
			return chaos.Evict{Name: name.Draw(t, "name"), Percent: rapid.IntRange(1, 100).Draw(t, "percent")}
		}),
		rapid.Custom(func(t *rapid.T) chaos.Fault {
			return chaos.Latency{Path: path.Draw(t, "path"), Delay: duration.Draw(t, "delay")}
		}),
		rapid.Custom(func(t *rapid.T) chaos.Fault {
			return chaos.Latency{Path: path.Draw(t, "path"), Jitter: duration.Draw(t, "jitter")}
		}),
		rapid.Custom(func(t *rapid.T) chaos.Fault {
			return chaos.Bandwidth{Path: whole.Draw(t, "path"), BytesPerSecond: rapid.Int64Range(1, math.MaxInt64).Draw(t, "rate")}
		}),
		rapid.Custom(func(t *rapid.T) chaos.Fault { return chaos.Cut{Path: path.Draw(t, "path")} }),
		rapid.Custom(func(t *rapid.T) chaos.Fault { return chaos.Refuse{Path: whole.Draw(t, "path")} }),
		rapid.Custom(func(t *rapid.T) chaos.Fault { return chaos.Reset{Path: whole.Draw(t, "path")} }),
	)
}

func genGate() *rapid.Generator[chaos.Gate] {
	var gauges []string
	for _, g := range chaos.Gauges() {
		gauges = append(gauges, g.Name)
	}
	return rapid.Custom(func(t *rapid.T) chaos.Gate {
		return chaos.Gate{Gauge: rapid.SampledFrom(gauges).Draw(t, "gauge"), Below: rapid.Bool().Draw(t, "below"), Level: rapid.Float64().Draw(t, "level")}
	})
}

// lasts says whether a kind of fault can be given a duration.
func lasts(f chaos.Fault) bool {
	for _, k := range chaos.Kinds() {
		if k.Verb == strings.Fields(f.String())[0] {
			return k.Ends == ""
		}
	}
	return false
}

func TestEveryScheduleComesBackFromItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var schedule chaos.Schedule
		for range rapid.IntRange(0, 5).Draw(t, "steps") {
			step := chaos.Step{Fault: genFault().Draw(t, "fault")}
			if rapid.Bool().Draw(t, "gated") {
				step.Gate = genGate().Draw(t, "gate")
			} else {
				step.At = time.Duration(rapid.Int64Min(0).Draw(t, "at"))
			}
			if lasts(step.Fault) {
				step.For = time.Duration(rapid.Int64Min(0).Draw(t, "for"))
			}
			schedule = append(schedule, step)
		}
		parsed, err := chaos.Parse(schedule.String())
		require.NoError(t, err)
		require.Equal(t, schedule, parsed)
	})
}

func FuzzParse(f *testing.F) {
	for _, line := range strings.Split(everyFault(), "\n") {
		f.Add(line)
	}
	f.Add(everyFault())
	f.Add("at 2s kill")
	f.Fuzz(func(t *testing.T, text string) {
		schedule, err := chaos.Parse(text)
		if err != nil {
			var at *chaos.ParseError
			require.True(t, errors.As(err, &at))
			require.Positive(t, at.Line)
			require.Positive(t, at.Column)
			return
		}
		again, err := chaos.Parse(schedule.String())
		require.NoError(t, err, schedule.String())
		require.Equal(t, schedule, again)
	})
}
