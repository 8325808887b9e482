package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// story FILE: six people in a group to which one of them writes 25 messages before and 25 during the measured phase, hears
// that it has arrived, and everything is as promised. A guest leaves, and who watches is told.
func story(ts *testscript.TestScript, _ bool, args []string) {
	const people, messages, newest = 6, 50, 20
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
	line(0, `"device","device":"guest/phone","user":"guest"`)
	line(0, `"watching","device":"u1/phone","user":"u0"`)
	line(0, `"watching","device":"u1/phone","user":"guest"`)
	line(1, `"connected","device":"guest/phone","text":"gateway-1"`)
	line(2, `"presence","device":"u1/phone","user":"u0","text":"online"`)
	line(2, `"presence","device":"u1/phone","user":"guest","text":"online"`)
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
	line(3000, `"disconnected","device":"guest/phone","close_code":1000,"text":"bye"`)
	line(9000, `"presence","device":"u1/phone","user":"guest","text":"offline"`)
	line(39_000, `"phase","text":"end"`)
	for m := range messages {
		line(39_100, `"stored","conversation":"c1","seq":%d,"client_msg_id":"m%d","message_id":"id%d","sender":"u0","order":%d,"offset":%d`, m+1, m, m, m+1, m)
	}
	line(39_100, `"store_read","conversation":"c1","count":%d`, messages)
	for p := range people {
		for m := range messages {
			line(39_200, `"read",%s`, sighting(p, m))
		}
		line(39_200, `"history_read","device":"u%d/phone","conversation":"c1","count":%d`, p, messages)
		for m := messages - newest; m < messages; m++ {
			line(39_300, `"paged",%s`, sighting(p, m))
		}
		line(39_300, `"page_read","device":"u%d/phone","conversation":"c1","count":%d`, p, newest)
		line(39_300, `"unread","device":"u%d/phone","conversation":"c1","seq":%d,"count":%d`, p, messages, messages*min(p, 1)) // u0 said it all
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(out.String()), 0o600))
}

func sighting(person, message int) string {
	return fmt.Sprintf(`"device":"u%d/phone","seq":%d,"client_msg_id":"m%d","message_id":"id%d","sender":"u0","conversation":"c1"`,
		person, message+1, message, message)
}
