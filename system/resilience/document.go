package resilience

import (
	"fmt"
	"strings"
	"time"
)

const head = `# What remote calls may cost

Made from the table in ` + "`system/resilience/table.go`" + `, where the code takes its numbers from. To change it: change the table,
then ` + "`UPDATE=1 go test ./system/resilience`" + `.

"Until done" ends only with the caller's own context. A deadline travels with a gRPC call; each call that the callee makes
meanwhile fits into it. The retry budget is the share of calls that may be retries.

| from | to | one attempt | attempts | pause | gives up after | retry budget | breaker | in flight | when it gives up |
|---|---|---|---|---|---|---|---|---|---|
`

// Document writes the table as docs/RESILIENCE.md.
func Document() string {
	var b strings.Builder
	b.WriteString(head)
	for _, c := range All() {
		p := c.Policy()
		to := p.To
		if len(p.Methods) > 0 {
			to += ": " + strings.Join(p.Methods, ", ")
		}
		row := []string{p.From, to, duration(p.Timeout), "until done", "", "", "", "", "", p.GivesUp}
		if p.Attempts > 0 {
			row[3] = fmt.Sprint(p.Attempts)
		}
		if p.Backoff.First > 0 {
			row[4] = duration(p.Backoff.First) + " to " + duration(p.Backoff.Max)
		}
		if p.Cost() > 0 {
			row[5] = duration(p.Cost())
		}
		if p.Retries > 0 {
			row[6] = fmt.Sprintf("%.0f %%", 100*p.Retries)
		}
		if p.Breaker.Failures > 0 {
			row[7] = fmt.Sprintf("%d failures in a row, %s", p.Breaker.Failures, duration(p.Breaker.Open))
			if p.Breaker.Failures == 1 {
				row[7] = "1 silence, " + duration(p.Breaker.Open)
			}
		}
		if p.InFlight > 0 {
			row[8] = fmt.Sprint(p.InFlight)
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return b.String()
}

func duration(d time.Duration) string {
	if d == 0 {
		return "as its calls"
	}
	if d%time.Second == 0 {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d ms", d/time.Millisecond)
}
