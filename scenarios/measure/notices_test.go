package measure

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/history"
)

func TestNoticesTellWhoWasConnected(t *testing.T) {
	r, err := history.Open(strings.NewReader(strings.TrimSpace(`
{"at_ms":0,"kind":"device","device":"a","user":"a"}
{"at_ms":0,"kind":"device","device":"b","user":"b"}
{"at_ms":10,"kind":"phase","text":"steady"}
{"at_ms":20,"kind":"connected","device":"a"}
{"at_ms":30,"kind":"notified","device":"b","conversation":"c"}
{"at_ms":50,"kind":"phase","text":"fault"}
{"at_ms":60,"kind":"notified","device":"a","conversation":"c"}
{"at_ms":70,"kind":"disconnected","device":"a"}
{"at_ms":80,"kind":"notified","device":"a","conversation":"c"}
{"at_ms":90,"kind":"phase","text":"end"}
{"at_ms":99,"kind":"notified","device":"a","conversation":"c"}
`)))
	require.NoError(t, err)
	n, err := Of(r, Options{})
	require.NoError(t, err)
	require.Equal(t, []Notices{{Phase: "steady", All: 1}, {Phase: "fault", All: 2, Online: 1}}, n.Notices)
}
