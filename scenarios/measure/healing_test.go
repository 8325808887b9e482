package measure

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/history"
)

func TestHealingIsWhenTheLastLateMessageWasSent(t *testing.T) {
	r, err := history.Open(strings.NewReader(strings.TrimSpace(`
{"at_ms":0,"kind":"device","device":"a","user":"a"}
{"at_ms":0,"kind":"device","device":"b","user":"b"}
{"at_ms":0,"kind":"conversation","conversation":"c","text":"direct"}
{"at_ms":0,"kind":"joined","user":"a","conversation":"c","seq":1}
{"at_ms":0,"kind":"joined","user":"b","conversation":"c","seq":1}
{"at_ms":0,"kind":"phase","text":"fault"}
{"at_ms":10,"kind":"connected","device":"a"}
{"at_ms":10,"kind":"connected","device":"b"}
{"at_ms":100,"kind":"send","device":"a","sender":"a","conversation":"c","client_msg_id":"m1","intended_ms":100}
{"at_ms":110,"kind":"acked","device":"a","client_msg_id":"m1","message_id":"1"}
{"at_ms":500,"kind":"fault_begun","text":"kill x"}
{"at_ms":700,"kind":"send","device":"a","sender":"a","conversation":"c","client_msg_id":"m2","intended_ms":700}
{"at_ms":710,"kind":"acked","device":"a","client_msg_id":"m2","message_id":"2"}
{"at_ms":2000,"kind":"shown","device":"b","seq":1,"client_msg_id":"m1","message_id":"1","sender":"a","conversation":"c"}
{"at_ms":2000,"kind":"shown","device":"b","seq":2,"client_msg_id":"m2","message_id":"2","sender":"a","conversation":"c"}
{"at_ms":2100,"kind":"send","device":"a","sender":"a","conversation":"c","client_msg_id":"m3","intended_ms":2100}
{"at_ms":2110,"kind":"acked","device":"a","client_msg_id":"m3","message_id":"3"}
{"at_ms":2120,"kind":"shown","device":"b","seq":3,"client_msg_id":"m3","message_id":"3","sender":"a","conversation":"c"}
{"at_ms":2200,"kind":"fault_ended","text":"kill x"}
{"at_ms":2500,"kind":"send","device":"a","sender":"a","conversation":"c","client_msg_id":"m4","intended_ms":2500}
{"at_ms":2510,"kind":"acked","device":"a","client_msg_id":"m4","message_id":"4"}
{"at_ms":4000,"kind":"phase","text":"end"}
`)))
	require.NoError(t, err)
	n, err := Of(r, Options{})
	require.NoError(t, err)
	require.Equal(t, Healing{Live: 1, Late: 2, Seconds: 2, After: 3, Within: 1, Return: 1.3}, n.Healing, "m1 was sent before the fault; m4 after its end, and never came")
}
