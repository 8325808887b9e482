package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestManyGoroutinesRecordAtOnce(t *testing.T) {
	const devices, each = 50, 400
	var file bytes.Buffer
	rec := NewRecorder(&file, Config{})
	var all sync.WaitGroup
	for d := range devices {
		all.Go(func() {
			device := rec.Text(fmt.Sprintf("u%d/phone", d))
			for i := range each {
				rec.Record(Event{Kind: Shown, Device: device, Seq: int64(i + 1), Message: rec.UUID(uuid.New())})
			}
		})
	}
	all.Wait()
	require.NoError(t, rec.Close())
	r, err := NewReader(&file)
	require.NoError(t, err)
	next := map[ID]int64{}
	for _, e := range readAll(t, r) {
		next[e.Device]++
		require.Equal(t, next[e.Device], e.Seq, "the events of one goroutine stay in order")
	}
	require.Len(t, next, devices)
	require.EqualValues(t, devices*each, rec.Stats().Events)
}

func TestSlowFileNeverBlocksTheWorkload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe() // nobody reads yet
		rec := NewRecorder(out, Config{})
		for i := range 100_000 {
			rec.Record(Event{Kind: Shown, Device: rec.Text("d"), Seq: int64(i * i)})
		}
		require.Greater(t, rec.Stats().Pending, int64(500_000))
		read := make(chan int)
		go func() {
			r, err := NewReader(in)
			require.NoError(t, err)
			read <- len(readAll(t, r))
		}()
		require.NoError(t, rec.Close())
		require.NoError(t, out.Close())
		require.Equal(t, 100_000, <-read)
		require.Zero(t, rec.Stats().Pending)
		require.Greater(t, rec.Stats().Peak, int64(500_000))
	})
}

type brokenFile struct{ err error }

func (b brokenFile) Write([]byte) (int, error) { return 0, b.err }

func TestBrokenFileIsReportedAndKeepsNoMemory(t *testing.T) {
	full := errors.New("no space left")
	rec := NewRecorder(brokenFile{full}, Config{})
	for range 10_000 {
		rec.Record(Event{Kind: Note, Text: rec.Text("x")})
	}
	require.ErrorIs(t, rec.Close(), full)
	require.ErrorIs(t, rec.Close(), full, "closing twice is harmless")
	rec.Record(Event{Kind: Note, Text: rec.Text("too late")})
	require.EqualValues(t, 1, rec.Stats().Late)
	require.Zero(t, rec.Stats().Pending)
}

func TestEventsReachTheFileWithinASecondOfTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		rec := NewRecorder(&file, Config{})
		rec.Record(Event{Kind: Note})
		<-time.After(2 * time.Second)
		rec.Record(Event{Kind: Note})
		synctest.Wait()
		r, err := NewReader(bytes.NewReader(file.Bytes()))
		require.NoError(t, err)
		var e Event
		require.NoError(t, r.Next(&e))
		require.NoError(t, r.Next(&e))
		require.Equal(t, 2*time.Second, e.At)
		require.ErrorIs(t, r.Next(&e), ErrCut)
		require.NoError(t, rec.Close())
	})
}

func TestIDsAreSharedByAllFormsOfAName(t *testing.T) {
	rec := NewRecorder(io.Discard, Config{})
	defer rec.Close()
	u := uuid.New()
	require.Equal(t, rec.UUID(u), rec.Text(u.String()))
	require.Zero(t, rec.UUID(uuid.Nil))
	require.Zero(t, rec.Text(""))
	alice := uuid.New()
	require.Equal(t, rec.Alias(alice, "alice"), rec.Text("alice"))
	require.Equal(t, rec.Text("alice"), rec.UUID(alice))
}

func BenchmarkRecord(b *testing.B) {
	rec := NewRecorder(io.Discard, Config{})
	u, device := uuid.New(), rec.Text("u17/phone")
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for i := int64(0); p.Next(); i++ {
			rec.Record(Event{Kind: Shown, At: time.Duration(i * 1000), Device: device, Seq: i, ClientMsg: rec.UUID(u)})
		}
	})
	b.ReportMetric(float64(rec.Stats().Bytes)/float64(b.N), "bytes/event")
	require.NoError(b, rec.Close())
}
