package resilience

import (
	"fmt"
	"strings"
	"time"
)

const head = `# What remote calls may cost

Made from the table in ` + "`system/resilience/table.go`" + `, where the code takes its numbers from. To change it: change the table,
then ` + "`UPDATE=1 go test ./system/resilience`" + `.

"Until done" ends with the caller's own context, or with "gives up after". A deadline travels with a gRPC call; each call that the
callee makes meanwhile fits into it, and for a send all that come one after the other do so together. A send waits for its group's turn
only while its log write keeps its full time. The retry budget is the share of calls that may be retries, or how many a second.

` + "`chat_breaker_state{call, callee}`, `chat_retries_total{call, callee}` and `chat_retries_withheld_total{call, callee}`" + ` show what breakers and budgets do.

| call | from | to | one attempt | attempts | pause | gives up after | retry budget | breaker | in flight | asks whether it lives | when it gives up |
|---|---|---|---|---|---|---|---|---|---|---|---|
`

// Document writes the table as docs/RESILIENCE.md.
func Document() string {
	var b strings.Builder
	b.WriteString(head)
	for _, c := range All() {
		b.WriteString("| " + strings.Join(c.Policy().cells(), " | ") + " |\n")
	}
	return b.String()
}

func (p Policy) cells() []string {
	to := p.To
	if len(p.Methods) > 0 {
		to += ": " + strings.Join(p.Methods, ", ")
	}
	return []string{
		"`" + p.Name + "`", p.From, to, p.timeout(), p.attempts(), p.Backoff.String(), p.cost(), p.budget(), p.Breaker.String(), p.bulkhead(), p.Ping.String(), p.GivesUp,
	}
}

func (p Policy) timeout() string {
	if p.Timeout == 0 {
		return "as its calls"
	}
	return duration(p.Timeout)
}

func (p Policy) attempts() string {
	if p.Attempts == 0 {
		return "until done"
	}
	return fmt.Sprint(p.Attempts)
}

func (b Backoff) String() string {
	switch {
	case b.First == 0:
		return ""
	case b.First == b.Max:
		return duration(b.First)
	}
	return duration(b.First) + " to " + duration(b.Max)
}

func (p Policy) cost() string {
	if p.Cost() == 0 {
		return ""
	}
	return duration(p.Cost())
}

func (p Policy) budget() string {
	switch {
	case p.Retries > 0:
		return fmt.Sprintf("%.0f %%", 100*p.Retries)
	case p.Rate.PerSecond > 0:
		return fmt.Sprintf("%g a second, %d at once", p.Rate.PerSecond, p.Rate.Burst)
	}
	return ""
}

func (b Breaker) String() string {
	if b.Failures == 0 {
		return ""
	}
	if b.Failures == 1 {
		return "1 silence, " + duration(b.Open)
	}
	return fmt.Sprintf("%d failures in a row, %s", b.Failures, duration(b.Open))
}

func (p Policy) bulkhead() string {
	switch {
	case p.InFlight == 0:
		return ""
	case p.Slot == 0:
		return fmt.Sprint(p.InFlight)
	}
	return fmt.Sprintf("%d, others wait %s", p.InFlight, duration(p.Slot))
}

func (p Ping) String() string {
	if p.Every == 0 {
		return ""
	}
	return fmt.Sprintf("after %s, within %s", duration(p.Every), duration(p.Within))
}

func duration(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d%time.Second == 0:
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d ms", d/time.Millisecond)
}
