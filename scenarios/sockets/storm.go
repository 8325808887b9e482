package sockets

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/load"
)

// Storm is how the devices of a gateway that was killed came back.
type Storm struct {
	Restarted bool         `json:"restarted"` // the gateway came back while its devices did
	Lost      int          `json:"lost"`
	StepS     float64      `json:"step_s"`
	Curve     []int        `json:"curve"` // devices that came back, by step from the kill on
	PeakPerS  float64      `json:"peak_per_s"`
	To99S     float64      `json:"to_99_percent_s"` // of all sockets connected again
	ToAllS    float64      `json:"to_all_s"`
	WaitS     Quantiles    `json:"wait_s"`
	Failed    int          `json:"failed_attempts"`
	Reasons   load.Reasons `json:"failed_attempts_by_reason,omitempty"`
}

// Quantiles of the devices' waits.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// stormStep is the width of a step of the curve.
const stormStep = 250 * time.Millisecond

// storm kills a gateway and waits until all devices are back.
func (c *crowd) storm(ctx context.Context, gateways int, cfg Config) (s Storm, err error) {
	before, _ := c.all()
	killed := time.Now()
	if err := c.sys.Kill(ctx, "gateway-1"); err != nil {
		return s, fmt.Errorf("kill gateway: %w", err)
	}
	if cfg.Restart > 0 {
		s.Restarted = true
		restarted := make(chan error, 1)
		go func() { restarted <- c.restart(ctx, cfg.Restart) }()
		defer func() {
			if rerr := <-restarted; err == nil {
				err = rerr
			}
		}()
	}
	err = c.until(ctx, "reconnect", func(all load.Report) bool {
		share := cfg.Count / gateways // that half of it is lost shows that the fall is under way
		return all.Lost-before.Lost > share/2 && all.Connected == cfg.Count && all.Lost-before.Lost == all.Back-before.Back
	})
	if err != nil {
		return s, err
	}
	after, _ := c.all()
	s.Lost, s.Failed = after.Lost-before.Lost, after.Failed-before.Failed
	s.Reasons = after.Trouble
	for why, n := range before.Trouble {
		if s.Reasons[why] -= n; s.Reasons[why] == 0 {
			delete(s.Reasons, why)
		}
	}
	c.read(&s, killed, cfg.Count)
	return s, nil
}

func (c *crowd) restart(ctx context.Context, after time.Duration) error {
	if !sleep(ctx, after) {
		return context.Cause(ctx)
	}
	if err := c.sys.Start(ctx, "gateway-1"); err != nil {
		return fmt.Errorf("restart gateway: %w", err)
	}
	return nil
}

// read draws the curve from the reports since the kill.
func (c *crowd) read(s *Storm, killed time.Time, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.StepS = stormStep.Seconds()
	connected, back := make([]int, len(c.processes)), make([]int, len(c.processes))
	var waits []int64
	fell := false
	for _, m := range c.trail {
		returned := m.Back - back[m.process]
		connected[m.process], back[m.process] = m.Connected, m.Back
		since := time.Duration(m.At-killed.UnixMilli()) * time.Millisecond
		if since <= 0 {
			continue
		}
		waits = append(waits, m.Waits...)
		s.add(int(since/stormStep), returned)
		sum := total(connected)
		fell = fell || sum < count
		if fell && s.To99S == 0 && 100*sum >= 99*count {
			s.To99S = since.Seconds()
		}
		if fell && s.ToAllS == 0 && sum == count {
			s.ToAllS = since.Seconds()
		}
		if 100*sum < 99*count { // the fall goes on: what was counted before was not yet the return
			s.To99S, s.ToAllS = 0, 0
		}
	}
	s.PeakPerS, s.WaitS = peak(s.Curve), quantiles(waits)
}

func (s *Storm) add(step, returned int) {
	for len(s.Curve) <= step {
		s.Curve = append(s.Curve, 0)
	}
	s.Curve[step] += returned
}

// peak is the most that came back in any second.
func peak(curve []int) (most float64) {
	perSecond := int(time.Second / stormStep)
	for i := range curve {
		most = max(most, float64(total(curve[i:min(len(curve), i+perSecond)])))
	}
	return most
}

func total(all []int) (sum int) {
	for _, n := range all {
		sum += n
	}
	return sum
}

func quantiles(ms []int64) (q Quantiles) {
	if len(ms) == 0 {
		return q
	}
	slices.Sort(ms)
	at := func(part float64) float64 { return float64(ms[int(part*float64(len(ms)-1))]) / 1000 }
	return Quantiles{at(.5), at(.99), at(1)}
}
