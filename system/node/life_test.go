package node

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParentSkewsTheClockAndItsEndEndsThePod(t *testing.T) {
	pod, parent := io.Pipe()
	answers, answer := io.Pipe()
	c := &clock{}
	ctx := endWith(context.Background(), pod, c, answer)
	heard := bufio.NewScanner(answers)
	for _, by := range []time.Duration{time.Hour, -time.Hour, 0} {
		fmt.Fprintf(parent, "what is this?\nskew never\nskew %s\n", by)
		require.True(t, heard.Scan())
		require.Equal(t, "skew "+by.String(), heard.Text())
		require.WithinDuration(t, time.Now().Add(by), c.Now(), time.Minute)
	}
	require.NoError(t, ctx.Err())
	require.NoError(t, parent.Close())
	<-ctx.Done()
}
