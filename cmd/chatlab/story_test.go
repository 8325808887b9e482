package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// story FILE: six people in a group to which one of them writes 25 messages before and 25 during the measured phase, hears
// that it has arrived, and knows who is there; everything is as promised.
func story(ts *testscript.TestScript, _ bool, args []string) {
	const people, messages = 6, 50
	var out strings.Builder
	line := func(ms int, format string, args ...any) {
		fmt.Fprintf(&out, `{"at_ms":%d,"kind":%s}`+"\n", ms, fmt.Sprintf(format, args...))
	}
	out.WriteString(`{"kind":"header","format":1,"scenario":"steady-state","variant":"hardened","world":"embedded","size":"small","seed":1}` + "\n")
	line(0, `"conversation","conversation":"c1","label":"c1","text":"group"`)
	for p := range people {
		line(0, `"device","device":"u%d/phone","user":"u%d"`, p, p)
		line(0, `"joined","user":"u%d","conversation":"c1","seq":1`, p)
		line(1, `"connected","device":"u%d/phone","text":"gateway-1"`, p)
	}
	line(1, `"device","device":"u6/phone","user":"u6"`)
	line(1, `"connected","device":"u6/phone","text":"gateway-1"`)
	line(2, `"disconnected","device":"u6/phone","close_code":1000`)
	for user, word := range map[string]string{"u1": "online", "u6": "offline"} {
		line(3, `"watching","device":"u0/phone","user":"%s"`, user)
		line(4, `"presence","device":"u0/phone","user":"%s","text":"%s"`, user, word)
	}
	for m := range messages {
		ms := 100 + 50*m
		switch m {
		case 0:
			line(ms, `"phase","text":"steady"`)
		case messages / 2:
			line(ms, `"phase","text":"fault"`)
		}
		line(ms, `"send","device":"u0/phone","sender":"u0","conversation":"c1","client_msg_id":"m%d","intended_ms":%d`, m, ms)
		line(ms, `"attempt","device":"u0/phone","client_msg_id":"m%d","attempt":1`, m)
		line(ms+10, `"acked","device":"u0/phone","client_msg_id":"m%d","message_id":"id%d"`, m, m)
		for p := range people {
			line(ms+20, `"raw",%s`, sighting(p, m))
			line(ms+20, `"shown",%s`, sighting(p, m))
		}
		line(ms+30, `"receipt","device":"u0/phone","conversation":"c1","seq":%d,"delivered":%d,"count":%d`, m+1, people-1, people-1)
	}
	line(20_000, `"phase","text":"end"`)
	for m := range messages {
		line(20_100, `"stored","conversation":"c1","seq":%d,"client_msg_id":"m%d","message_id":"id%d","sender":"u0","order":%d,"offset":%d`, m+1, m, m, m+1, m)
	}
	line(20_100, `"store_read","conversation":"c1","count":%d`, messages)
	for p := range people {
		for m := range messages {
			line(20_200, `"read",%s`, sighting(p, m))
		}
		line(20_200, `"history_read","device":"u%d/phone","conversation":"c1","count":%d`, p, messages)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(out.String()), 0o600))
}

func sighting(person, message int) string {
	return fmt.Sprintf(`"device":"u%d/phone","seq":%d,"client_msg_id":"m%d","message_id":"id%d","sender":"u0","conversation":"c1"`,
		person, message+1, message, message)
}
