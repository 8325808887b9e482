package measure

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/history"
)

func story(t *testing.T) *history.Reader {
	f, err := os.Open("testdata/story.jsonl")
	require.NoError(t, err)
	defer f.Close()
	r, err := history.Open(f)
	require.NoError(t, err)
	return r
}

func numbers(t *testing.T) *Numbers {
	n, err := Of(story(t), Options{})
	require.NoError(t, err)
	return n
}

func TestLatenciesAreMeasuredFromTheIntendedTime(t *testing.T) {
	n := numbers(t)
	near := func(want float64, got Number) { require.InEpsilon(t, want, float64(got), 0.002) }
	require.Len(t, n.Acks, 5)
	require.Equal(t, "steady", n.Acks[0].Phase)
	near(.020, n.Acks[0].P50)
	var groups []Group
	for _, d := range n.Deliveries {
		groups = append(groups, Group{d.Phase, d.Label})
	}
	require.Equal(t, []Group{{"steady", ""}, {"steady", "viral"}, {"fault", ""}, {"fault", "neighbour"}, {"fault", "viral"}}, groups)
	near(.030, n.Deliveries[0].Max)
	near(1.0, n.Deliveries[4].Max)
	require.EqualValues(t, 1, n.Deliveries[4].Count)
}

func TestWhatNeverCameCountsUntilTheDeadline(t *testing.T) {
	neighbour := numbers(t).Deliveries[3]
	require.EqualValues(t, 1, neighbour.Missing)
	require.InEpsilon(t, 2.0, float64(neighbour.Max), 0.002)
}

func TestSendsAreCountedByPhaseLabelAndOutcome(t *testing.T) {
	n := numbers(t)
	require.Equal(t, []Sends{
		{Phase: "steady", Sends: 1, Acked: 1, AckedIn: 1}, {Phase: "steady", Label: "viral", Sends: 1, Acked: 1, AckedIn: 1},
		{Phase: "fault", Sends: 3, Acked: 2, Refused: 1, AckedIn: 1}, {Phase: "fault", Label: "neighbour", Sends: 1, Acked: 1, AckedIn: 1},
		{Phase: "fault", Label: "viral", Sends: 2, Acked: 1, Refused: 1},
		{Phase: "recovery", AckedIn: 1}, {Phase: "recovery", Label: "viral", AckedIn: 1},
	}, n.Sends)
	require.EqualValues(t, 4, n.Totals.Sends)
	require.Equal(t, map[string]int64{"group_rate_limited": 2}, n.Totals.RefusalCodes)
	require.Equal(t, map[string]int64{"1000": 1}, n.Totals.CloseCodes)
}

func TestMetricsAreSummedUpByPhase(t *testing.T) {
	require.Equal(t, []Samples{
		{"consumer_lag", "partition=3", "records", "steady", 2, 2, 3, 4, 4, 0.4},
		{"consumer_lag", "partition=3", "records", "fault", 1, 90, 90, 90, 90, 0},
	}, numbers(t).Samples)
}

func TestPhasesAndFaultsHaveTheirTimes(t *testing.T) {
	n := numbers(t)
	require.Equal(t, []Phase{{"steady", .002, 1}, {"fault", 1, 2}, {"recovery", 2, 3.2}, {"end", 3.2, 3.3}}, n.Phases)
	require.Equal(t, []Fault{{"at 1s slow worker by 1ms", 1, 2}}, n.Faults)
	require.Equal(t, Number(3.2), n.Duration)
	require.Equal(t, "viral-group", n.Header.Scenario)
}

func TestTimelineCountsPerSecond(t *testing.T) {
	series := map[string]Series{}
	timeline := numbers(t).Timeline
	for _, s := range timeline.Series {
		series[s.Name+"/"+s.Of] = s
		require.Len(t, s.Points, 4)
	}
	require.Equal(t, Number(1), timeline.Step)
	require.Equal(t, []Number{1, 3, 0, 0}, series["sends/"].Points)
	require.Equal(t, []Number{1, 1, 1, 0}, series["acks/"].Points)
	require.Equal(t, []Number{0, 1, 0, 0}, series["refusals/"].Points)
	require.Equal(t, []Number{2, 0, 2, 0}, series["deliveries/"].Points)
	require.Equal(t, []Number{1, 0, 0, 0}, series["pushes/"].Points)
	lag := series["consumer_lag/partition=3"]
	require.Equal(t, []Number{3, 90}, lag.Points[:2])
	require.True(t, lag.Points[2] != lag.Points[2], "nothing was sampled")
	require.InEpsilon(t, 1.1, float64(series["delivery_latency_max/viral"].Points[2]), 0.02)
}

func TestNumbersAreJSON(t *testing.T) {
	b, err := json.Marshal(numbers(t))
	require.NoError(t, err)
	require.Contains(t, string(b), `"points":[3,90,null,null]`)
	var back Numbers
	require.NoError(t, json.Unmarshal(b, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.Equal(t, string(b), string(again))
}

func TestGeneratorThatFallsBehindSaysSo(t *testing.T) {
	require.False(t, numbers(t).Plan.Behind)
	n, err := Of(story(t), Options{Late: 5 * time.Millisecond})
	require.NoError(t, err)
	require.True(t, n.Plan.Behind)
	require.Contains(t, n.Plan.Why, "10ms after its intended time")
}

func TestCutHistoryIsMeasuredUpToTheCut(t *testing.T) {
	var file bytes.Buffer
	rec := history.NewRecorder(&file, history.Config{})
	rec.Record(history.Event{Kind: history.Send, ClientMsg: rec.Text("m1"), Conversation: rec.Text("c1")})
	require.NoError(t, rec.Close())
	r, err := history.NewReader(bytes.NewReader(file.Bytes()[:file.Len()-1]))
	require.NoError(t, err)
	n, err := Of(r, Options{})
	require.ErrorIs(t, err, history.ErrCut)
	require.EqualValues(t, 1, n.Totals.Sends)
}

func TestLongRunGetsALongerStep(t *testing.T) {
	var file bytes.Buffer
	rec := history.NewRecorder(&file, history.Config{})
	for s := range 7 * 24 * 3600 / 60 {
		rec.Record(history.Event{Kind: history.Raw, At: time.Duration(s)*time.Minute + 1, Device: rec.Text("d")})
		rec.Record(history.Event{Kind: history.Metric, At: time.Duration(s)*time.Minute + 1, Text: rec.Text("x"), Value: 5})
	}
	require.NoError(t, rec.Close())
	r, err := history.NewReader(&file)
	require.NoError(t, err)
	n, err := Of(r, Options{})
	require.NoError(t, err)
	require.Equal(t, Number(1024), n.Timeline.Step, "seconds: 7 days in at most 600 steps")
	total := 0.0
	for _, s := range n.Timeline.Series {
		for _, p := range s.Points {
			if s.Name == SeriesPushes {
				total += float64(p) * 1024
			}
			if s.Name == "x" {
				require.Equal(t, Number(5), p)
			}
		}
	}
	require.InDelta(t, 7*24*60, total, 1e-6)
}

func TestWorstDeliveriesAreKept(t *testing.T) {
	a, b := NewLatency(), NewLatency()
	for i := range 40 {
		[]*Latency{a, b}[i%2].Add(Sample{Took: time.Duration(i) * time.Second, Identity: history.ID(i)})
	}
	worst := merged(a, b).Worst()
	require.Len(t, worst, 10)
	for i, s := range worst {
		require.Equal(t, time.Duration(39-i)*time.Second, s.Took)
	}
	var none *Latency
	require.Nil(t, none.Worst())
	require.Zero(t, none.At(.5)+none.Max())
}
