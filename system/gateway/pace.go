package gateway

import "time"

// pace is a limit of one goroutine on what comes: so many at once, then one an interval. It is the time at which all that
// came would have come at the even rate.
type pace time.Duration

// take counts one in, or says when one may come.
func (p *pace) take(now, interval time.Duration, burst int) (wait time.Duration) {
	at := max(time.Duration(*p), now)
	if wait = at - now - time.Duration(burst-1)*interval; wait > 0 {
		return wait
	}
	*p = pace(at + interval)
	return 0
}
