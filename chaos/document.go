package chaos

import (
	"fmt"
	"io"
	"strings"
)

// Document writes what can go wrong, how that is said, and which world cannot do what.
func Document(out io.Writer, worlds ...Limits) {
	fmt.Fprint(out, `# Faults

A schedule has one step a line: when, what, and for how long. Without "for" a fault lasts until the run ends.

`+"```"+`
at 2s kill gateway-1 for 3s
when lag > 100 freeze kafka-2 for 10s
`+"```"+`

Faults compose: several at once add up, and what one asks for stays until that one ends. Each is undone when its time is over, when the
run ends, and after an interrupt or a panic. Then what it broke is probed until it works: a process does its work, a connection crosses
each link. The history tells when a fault began, ended and had healed (fault_begun, fault_ended, fault_healed).

| fault | for example | on | what it does | undone |
|---|---|---|---|---|
`)
	for _, k := range Kinds() {
		fmt.Fprintf(out, "| `%s %s` | `%s` | %s | %s | %s |\n", k.Verb, k.Form, k.Example, k.On, k.Does, k.Undo)
	}
	fmt.Fprint(out, `
NAME is a pod, such as gateway-1, or a node: kafka-1 to kafka-3, cassandra-1 to cassandra-3, redis-cache, redis-presence. PATH names
links by patterns of their ends, whichever of them dials; devices are at the end clients, and push-providers stands for FCM and APNs.
Brokers reach each other without links, and so do nodes. Their ways are cut where both ends name servers, as in kafka-1<->kafka-*; what is
sent there is lost, and TCP sends it again.
`+"`a<->b`"+` is both directions, `+"`a->b`"+` only what a says to b. A skewed clock lasts through a restart, and so does a memory limit.
A Redis keeps nothing on disk: one that ended comes back empty.

| gate | opens by |
|---|---|
`)
	for _, g := range Gauges() {
		fmt.Fprintf(out, "| `when %s > N`, `when %s < N` | %s |\n", g.Name, g.Name, g.What)
	}
	fmt.Fprint(out, "\nWhat a world cannot do honestly it refuses before the run begins:\n\n| world | refuses | on, or between | because | world that can |\n|---|---|---|---|---|\n")
	for _, w := range worlds {
		for _, r := range w.Refusals {
			needs := r.Needs
			if needs == "" {
				needs = "none"
			}
			fmt.Fprintf(out, "| %s | %s | %s | %s | %s |\n", w.World, strings.Join(r.Verbs, ", "), strings.Join(r.Names, ", "), r.Why, needs)
		}
	}
}
