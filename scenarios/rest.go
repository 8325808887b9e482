package scenarios

import (
	"context"
	"fmt"
	"time"
)

const (
	restWithin = 5 * time.Minute // for the system, to work off what came before the workload
	restTick   = 250 * time.Millisecond
	restFor    = 2 * time.Second // longer than a place waits on its way from a device to a report
)

// rest waits until nothing of what came before the workload is still being worked on: it would be measured as if it were of it.
func (f *fleet) rest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restWithin)
	defer cancel()
	tick := time.NewTicker(restTick)
	defer tick.Stop()
	busy := "not asked yet"
	for quiet := time.Duration(0); quiet < restFor; {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the system did not come to rest within %s before the workload (%s): use a smaller size or more cores: %w", restWithin, busy, context.Cause(ctx))
		case <-tick.C:
		}
		busy = f.busy(ctx)
		if quiet += restTick; busy != "" {
			quiet = 0
		}
	}
	return nil
}

// busy says what is still to be done; empty: nothing.
func (f *fleet) busy(ctx context.Context) string {
	lag, err := f.run.sys.Lag(ctx)
	if err != nil {
		return err.Error()
	}
	untold, err := f.run.sys.Scrape(ctx, "gateway", "chat_gateway_unreported_sessions")
	switch {
	case err != nil:
		return err.Error()
	case most(lag) > 0:
		return fmt.Sprintf("the consumer lag of a partition is %d records", most(lag))
	case untold > 0:
		return fmt.Sprintf("%g devices of a gateway have come further than the message pods know", untold)
	}
	return ""
}
