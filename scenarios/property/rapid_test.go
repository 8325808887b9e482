package property

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/scenarios/history"
)

// aRun draws a run that keeps every promise, as a file.
func aRun(t *rapid.T, placed bool) []byte {
	var file bytes.Buffer
	rec := history.NewRecorder(&file, history.Config{})
	r := newRun(rec, placed, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") })
	for range 2 + r.pick(3) {
		r.addDevice()
	}
	for range 1 + r.pick(2) {
		m := r.addRoom()
		r.join(r.devices[0], m)
		r.join(r.devices[1], m)
		if len(r.devices) > 2 && r.pick(2) == 0 {
			r.join(r.devices[2], m)
		}
	}
	steps := 5 + r.pick(40)
	for i := range steps {
		if i == steps/2 {
			r.phase("fault")
			r.emit(history.Event{Kind: history.FaultBegun, Text: rec.Text("kill redis-cache")})
		}
		r.step()
	}
	if r.pick(2) == 0 {
		r.crowd(r.rooms[0])
	}
	r.end(func(*gadget) bool { return r.pick(2) == 0 })
	require.NoError(t, rec.Close())
	return file.Bytes()
}

// step does one thing that happens in a run.
func (r *run) step() {
	d, m := r.devices[r.pick(len(r.devices))], r.rooms[r.pick(len(r.rooms))]
	_, member := d.at[m]
	switch action := r.pick(26); {
	case action == 25:
		r.crowd(m)
	case action >= 23 && member:
		r.mark(d, m)
	case action >= 20:
		r.tell(m)
	case action == 0 && d.connected:
		r.disconnect(d)
	case action <= 2 && !d.connected:
		r.connect(d)
	case action == 3 && !member && (r.placed || len(m.log) == 0):
		r.join(d, m)
	case action == 4:
		r.push(m)
	case action < 14 && len(r.inFlight) > 0:
		r.finish(r.pick(16))
	case member:
		r.send(d, m)
	}
}

func check(t require.TestingT, file []byte, props ...Property) map[string]Verdict {
	r, err := history.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	results, err := Check(r, props...)
	require.NoError(t, err)
	verdicts := make(map[string]Verdict)
	for _, r := range results {
		verdicts[r.Name] = r.Verdict
	}
	return verdicts
}

func TestRunThatKeepsEveryPromiseBreaksNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		verdicts := check(t, aRun(t, rapid.Bool().Draw(t, "placed")), Promises()...)
		require.Empty(t, broken(verdicts, ""), "%v", verdicts)
	})
}

func TestBeginningOfAGoodRunBreaksNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := aRun(t, rapid.Bool().Draw(t, "placed"))
		head := bytes.IndexByte(file[bytes.IndexByte(file, '\n')+1:], '\n') + bytes.IndexByte(file, '\n') + 2
		cut := rapid.IntRange(head, len(file)-1).Draw(t, "cut")
		r, err := history.NewReader(bytes.NewReader(file[:cut]))
		require.NoError(t, err)
		results, err := Check(r, Promises()...)
		require.ErrorIs(t, err, history.ErrCut)
		for _, r := range results {
			require.NotEqual(t, Broken, r.Status, "%v", r)
		}
	})
}

// taken is a file taken apart.
type taken struct {
	events []history.Event
	names  []string // by id
}

func takeApart(t require.TestingT, file []byte) (s taken) {
	r, err := history.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	for e := (history.Event{}); r.Next(&e) == nil; {
		s.events = append(s.events, e)
	}
	s.names = append(s.names, "")
	for id := history.ID(1); r.Name(id) != ""; id++ {
		s.names = append(s.names, r.Name(id))
	}
	return s
}

// file puts it together again; ids stay what they are.
func (s taken) file(t require.TestingT) []byte {
	var file bytes.Buffer
	rec := history.NewRecorder(&file, history.Config{})
	for _, n := range s.names {
		rec.Text(n)
	}
	for _, e := range s.events {
		rec.Record(e)
	}
	require.NoError(t, rec.Close())
	return file.Bytes()
}

// where is the numbers of the events that fit.
func (s taken) where(fits func(*history.Event) bool) (at []int) {
	for i := range s.events {
		if fits(&s.events[i]) {
			at = append(at, i)
		}
	}
	return at
}

// without leaves out the events that fit.
func (s taken) without(fits func(*history.Event) bool) taken {
	kept := taken{names: s.names}
	for _, e := range s.events {
		if !fits(&e) {
			kept.events = append(kept.events, e)
		}
	}
	return kept
}

func TestAnyCorruptionIsCaught(t *testing.T) {
	for _, c := range corruptions() {
		t.Run(c.property+"/"+c.name, func(t *testing.T) {
			done := 0
			rapid.Check(t, func(t *rapid.T) {
				s := takeApart(t, aRun(t, true))
				at := s.where(func(e *history.Event) bool { return c.fits(&s, e) })
				if len(at) == 0 {
					return // this run has nothing to corrupt in this way
				}
				i := at[rapid.IntRange(0, len(at)-1).Draw(t, "at")]
				corrupt := c.corrupt(s, i)
				verdicts := check(t, corrupt.file(t), underTest()...)
				require.Equal(t, Broken, verdicts[c.property].Status, "event %d corrupted: %v", i, verdicts[c.property])
				require.NotEmpty(t, verdicts[c.property].Witnesses)
				done++
			})
			require.Greater(t, done, 3, "enough runs had something to corrupt")
		})
	}
}
