package measure

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/history"
)

const comings = `
{"at_ms":0,"kind":"device","device":"a","user":"a"}
{"at_ms":0,"kind":"device","device":"b","user":"b"}
{"at_ms":0,"kind":"device","device":"c","user":"c"}
{"at_ms":0,"kind":"device","device":"d","user":"d"}
{"at_ms":10,"kind":"disconnected","device":"a","text":"the first attempt failed"}
{"at_ms":20,"kind":"connected","device":"a"}
{"at_ms":20,"kind":"connected","device":"b"}
{"at_ms":20,"kind":"connected","device":"c"}
{"at_ms":20,"kind":"connected","device":"d"}
{"at_ms":100,"kind":"phase","text":"fault"}
{"at_ms":500,"kind":"draining","device":"c","retry_after_ms":1000}
{"at_ms":600,"kind":"draining","device":"a","retry_after_ms":1000}
{"at_ms":1000,"kind":"disconnected","device":"a","close_code":1000}
{"at_ms":1000,"kind":"disconnected","device":"b"}
{"at_ms":1000,"kind":"disconnected","device":"c","close_code":1000}
{"at_ms":1100,"kind":"disconnected","device":"d","close_code":1000}
{"at_ms":1120,"kind":"connecting","device":"b","attempt":1}
{"at_ms":1150,"kind":"connecting","device":"a","attempt":1}
{"at_ms":1200,"kind":"connected","device":"a"}
{"at_ms":1210,"kind":"disconnected","device":"b","text":"an attempt failed"}
{"at_ms":1500,"kind":"connecting","device":"b","attempt":2}
{"at_ms":1550,"kind":"connected","device":"b"}
{"at_ms":2000,"kind":"phase","text":"end"}
{"at_ms":2100,"kind":"connected","device":"c"}
`

func TestReconnectsPairLossesWithReturns(t *testing.T) {
	r, err := history.Open(strings.NewReader(strings.TrimSpace(comings)))
	require.NoError(t, err)
	n, err := Of(r, Options{})
	require.NoError(t, err)
	got := n.Reconnects
	require.EqualValues(t, 3, got.Lost, "a device that says goodbye loses nothing")
	require.EqualValues(t, 2, got.Back)
	require.EqualValues(t, 1, got.Missing, "what comes back after the deadline was missing at it")
	require.Equal(t, []Number{1, 0, 0, 1}, got.Curve)
	require.InDelta(t, 1.2, float64(got.First), 1e-9)
	require.InDelta(t, 0.55, float64(got.Longest), 1e-9, "failed attempts prolong the wait")
	require.InDelta(t, 0.4, float64(got.Spread), 1e-9)
	require.InDelta(t, 0.1, float64(got.Rush), 1e-9, "who tries again does not count again")
	require.EqualValues(t, 1, got.Peak)
	require.EqualValues(t, 2, got.Tries)
	require.False(t, float64(got.Most) == float64(got.Most), "99 of 100 never came back")
	require.EqualValues(t, 2, got.Told)
	require.InDelta(t, -0.4, float64(got.Overdue), 1e-9, "a is back long before its window ends")
	for _, s := range n.Timeline.Series {
		switch s.Name {
		case SeriesLosses:
			require.Equal(t, []Number{0, 3, 0}, s.Points)
		case SeriesReconnects:
			require.Equal(t, []Number{0, 2, 0}, s.Points)
		}
	}
}

// A message counts as missed when it was sent while the device had no connection and is shown to it when it is back.
func TestReconnectsCountWhatWasMissed(t *testing.T) {
	r, err := history.Open(strings.NewReader(strings.TrimSpace(`
{"at_ms":0,"kind":"device","device":"a","user":"a"}
{"at_ms":0,"kind":"device","device":"b","user":"b"}
{"at_ms":0,"kind":"conversation","conversation":"c","text":"direct"}
{"at_ms":0,"kind":"joined","user":"a","conversation":"c","seq":1}
{"at_ms":0,"kind":"joined","user":"b","conversation":"c","seq":1}
{"at_ms":0,"kind":"phase","text":"fault"}
{"at_ms":10,"kind":"connected","device":"a"}
{"at_ms":10,"kind":"connected","device":"b"}
{"at_ms":90,"kind":"send","device":"a","sender":"a","conversation":"c","client_msg_id":"m1","intended_ms":90}
{"at_ms":100,"kind":"disconnected","device":"b"}
{"at_ms":200,"kind":"send","device":"a","sender":"a","conversation":"c","client_msg_id":"m2","intended_ms":200}
{"at_ms":450,"kind":"connected","device":"b"}
{"at_ms":460,"kind":"send","device":"a","sender":"a","conversation":"c","client_msg_id":"m3","intended_ms":460}
{"at_ms":500,"kind":"shown","device":"b","seq":1,"client_msg_id":"m1","message_id":"1","sender":"a","conversation":"c"}
{"at_ms":500,"kind":"shown","device":"b","seq":2,"client_msg_id":"m2","message_id":"2","sender":"a","conversation":"c"}
{"at_ms":500,"kind":"shown","device":"b","seq":3,"client_msg_id":"m3","message_id":"3","sender":"a","conversation":"c"}
{"at_ms":900,"kind":"phase","text":"end"}
`)))
	require.NoError(t, err)
	n, err := Of(r, Options{})
	require.NoError(t, err)
	require.EqualValues(t, 1, n.Reconnects.Missed, "m1 was on its way before, m3 was sent after")
	require.InDelta(t, 0.45, float64(n.Reconnects.Most), 1e-9, "to the step, which begins with the first return")
}
