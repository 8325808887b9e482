package property

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/measure"
)

// BenchmarkHistory judges all properties over a history of ten million events, read from its file: half of them of one
// group of 500 members, half of 2,000 groups of 5. Then it measures the same file.
func BenchmarkHistory(b *testing.B) {
	for _, placed := range []bool{true, false} {
		name := map[bool]string{true: "placed", false: "naive"}[placed]
		path := filepath.Join(b.TempDir(), "history")
		events := generate(b, path, placed, 10_000_000)
		b.Run(name+"/properties", func(b *testing.B) { benchmark(b, path, events, judgeAll) })
		b.Run(name+"/numbers", func(b *testing.B) { benchmark(b, path, events, measureAll) })
	}
}

func benchmark(b *testing.B, path string, events int, use func(*testing.B, *history.Reader)) {
	info, err := os.Stat(path)
	require.NoError(b, err)
	runtime.GC()
	for b.Loop() {
		f, err := os.Open(path)
		require.NoError(b, err)
		r, err := history.NewReader(f)
		require.NoError(b, err)
		use(b, r)
		require.NoError(b, f.Close())
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(info.Size())/float64(events), "bytes/event")
	b.ReportMetric(peakRSS(b), "peak-MB")
}

func judgeAll(b *testing.B, r *history.Reader) {
	props := append(Promises(), AckedRatio(Floor{Phase: "steady", Ratio: .5}), DeliveryLag(Bound{Phase: "steady", P50: time.Hour}))
	results, err := Check(r, props...)
	require.NoError(b, err)
	for _, r := range results {
		require.NotEqual(b, Broken, r.Status, "%v", r)
	}
}

func measureAll(b *testing.B, r *history.Reader) {
	_, err := measure.Of(r, measure.Options{})
	require.NoError(b, err)
}

// peakRSS is the most memory that this process ever held, generating the file included; 0 where the kernel does not tell.
func peakRSS(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kb, err := strconv.ParseFloat(string(bytes.Fields(rest)[0]), 64)
			require.NoError(b, err)
			return kb / 1024
		}
	}
	return 0
}

func generate(b *testing.B, path string, placed bool, events int) int {
	f, err := os.Create(path)
	require.NoError(b, err)
	out := bufio.NewWriterSize(f, 1<<20)
	rec := history.NewRecorder(out, history.Config{})
	random := rand.New(rand.NewPCG(1, 2))
	r := newRun(rec, placed, random.IntN)
	viral := r.addRoom()
	for range 500 {
		r.join(r.addDevice(), viral)
	}
	for range 2000 {
		small := r.addRoom()
		for range 5 {
			r.join(r.addDevice(), small)
		}
	}
	for r.events < events*4/5 { // the rows and readings at the end are the rest
		m := viral
		if random.IntN(100) != 0 {
			m = r.rooms[1+random.IntN(2000)]
		}
		d := m.members[random.IntN(len(m.members))]
		if random.IntN(1000) == 0 && d.connected {
			r.disconnect(d)
		} else if !d.connected {
			r.connect(d)
		}
		r.send(d, m)
		r.finish(random.IntN(16) % 15)
		r.mark(d, m)
		for range len(m.members) / 5 { // receipts are a tenth of what devices get
			r.tell(m)
		}
	}
	r.end(func(*gadget) bool { return r.events < events })
	require.NoError(b, rec.Close())
	require.NoError(b, out.Flush())
	require.NoError(b, f.Close())
	return r.events
}
