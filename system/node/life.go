package node

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

// clock is the wall clock of a pod. Its parent, and nobody else, can make it wrong while the pod runs.
type clock struct{ shift atomic.Int64 }

// Now is the time as the pod sees it.
func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.shift.Load())) }

// endWith ends the context when the parent's end of the pipe closes, even by the parent's death. Until then it does what the
// parent asks, a line each, and answers with the line when it is done: "skew 500ms" sets the clock ahead by so much.
func endWith(ctx context.Context, life io.Reader, c *clock, answer io.Writer) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		for lines := bufio.NewScanner(life); lines.Scan(); {
			by, found := strings.CutPrefix(lines.Text(), "skew ")
			if d, err := time.ParseDuration(by); found && err == nil {
				c.shift.Store(int64(d))
				fmt.Fprintln(answer, lines.Text())
			}
		}
	}()
	return ctx
}
