package history

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCutFileIsReadUpToTheCut(t *testing.T) {
	file := storyFile(t)
	whole, err := NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	events := texts(t, whole)
	last := 0
	for cut := range len(file) {
		r, err := NewReader(bytes.NewReader(file[:cut]))
		if err != nil {
			require.Zero(t, last, "the header was whole before")
			continue
		}
		n, e := 0, Event{}
		for err = r.Next(&e); err == nil; err = r.Next(&e) {
			require.Equal(t, events[n], e.At.Truncate(time.Microsecond).String()+" "+e.Format(r.Name))
			n++
		}
		require.ErrorIs(t, err, ErrCut, "cut at %d", cut)
		require.Same(t, err, r.Next(&e), "the error stays")
		require.GreaterOrEqual(t, n, last)
		last = n
	}
	require.Equal(t, len(events), last)
}

func TestMissingEventsAreNoticed(t *testing.T) {
	var file bytes.Buffer
	rec := NewRecorder(&file, Config{})
	rec.Record(Event{Kind: Note})
	require.NoError(t, rec.Close())
	b := file.Bytes()
	b[len(b)-1] = 2 // the mark counts an event that is not there
	r, err := NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	var e Event
	require.NoError(t, r.Next(&e))
	require.ErrorIs(t, r.Next(&e), ErrCorrupt)
}

func FuzzReader(f *testing.F) {
	f.Add(storyFile(f))
	f.Add([]byte(magic + "{\"format\":1}\n\x03\x00"))
	f.Add([]byte(`{"kind":"shown","seq":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Open(bytes.NewReader(b))
		if err != nil {
			return
		}
		e := Event{}
		for err = r.Next(&e); err == nil; err = r.Next(&e) {
			_ = e.Format(r.Name)
			for _, f := range schemas()[e.Kind].fields {
				if f.isID() && *e.id(f) != 0 && int(*e.id(f)) > len(r.names.refs) {
					t.Fatalf("id %d means nothing", *e.id(f))
				}
			}
		}
		require.True(t, err == io.EOF || r.Next(&e) == err)
	})
}
