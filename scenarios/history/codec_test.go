package history

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anEvent draws an event whose interned fields are among ids.
func anEvent(t *rapid.T, ids ID) Event {
	e := Event{Kind: Kind(rapid.IntRange(1, int(kinds)-1).Draw(t, "kind"))}
	e.At = time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "at"))
	for _, f := range schemas()[e.Kind].fields {
		switch {
		case f.isID():
			e.set(f, rapid.Int64Range(0, int64(ids)).Draw(t, f.key()))
		case f == fValue:
			e.Value = rapid.Float64().Draw(t, f.key())
		case f == fAttempt || f == fCloseCode || f == fDelivered || f == fReadBy:
			e.set(f, int64(rapid.Int32().Draw(t, f.key())))
		default:
			e.set(f, rapid.Int64().Draw(t, f.key()))
		}
	}
	return e
}

func readAll(t require.TestingT, r *Reader) (events []Event) {
	for {
		var e Event
		err := r.Next(&e)
		if errors.Is(err, io.EOF) {
			return events
		}
		require.NoError(t, err)
		events = append(events, e)
	}
}

func TestEventsComeBackAsTheyWereRecorded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var file bytes.Buffer
		rec := NewRecorder(&file, Config{Header: Header{Scenario: "s"}})
		words := rapid.SliceOfDistinct(rapid.StringN(1, 80, 200), rapid.ID[string]).Draw(t, "words")
		for _, w := range words {
			rec.Text(w)
		}
		var want []Event
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			e := anEvent(t, ID(len(words)))
			want = append(want, e)
			rec.Record(e)
		}
		require.NoError(t, rec.Close())
		r, err := NewReader(&file)
		require.NoError(t, err)
		require.Equal(t, "s", r.Header().Scenario)
		require.Equal(t, want, readAll(t, r))
		for i, w := range words {
			require.Equal(t, w, r.Name(ID(i+1)))
		}
	})
}

func TestJSONLinesAreStable(t *testing.T) {
	golden, err := os.ReadFile("testdata/story.jsonl")
	require.NoError(t, err)
	r, err := ParseJSONLines(bytes.NewReader(golden))
	require.NoError(t, err)
	require.Equal(t, uint64(7), r.Header().Seed)
	var out bytes.Buffer
	require.NoError(t, WriteJSONLines(&out, r))
	require.Equal(t, string(golden), out.String())
}

func TestGoldenStoryUsesEveryKind(t *testing.T) {
	r := story(t)
	seen := map[Kind]bool{}
	for _, e := range readAll(t, r) {
		seen[e.Kind] = true
		require.NotContains(t, e.Format(r.Name), "?")
	}
	require.Len(t, seen, int(kinds)-1)
}

func TestSchemaNamesEveryKindAndField(t *testing.T) {
	doc, err := os.ReadFile("SCHEMA.md")
	require.NoError(t, err)
	for k := Kind(1); k < kinds; k++ {
		require.Contains(t, string(doc), "| `"+k.String()+"` |")
	}
	for f := range fields {
		require.Contains(t, string(doc), "| `"+f.key()+"` |")
	}
}

func TestParseRefusesWhatNobodyMeant(t *testing.T) {
	for name, text := range map[string]string{
		"line 1: kind \"shwon\" is unknown":             `{"kind":"shwon"}`,
		"unknown field \"sequence\"":                    `{"kind":"shown","sequence":1}`,
		"line 2: kind \"phase\" has no field seq":       "\n" + `{"kind":"phase","seq":1}`,
		"format 9, this program reads format 1":         `{"kind":"header","format":9}`,
		"line 1: unexpected EOF":                        `{"kind":"phase"`,
		"history is cut: its end is missing: it is emp": "# nothing\n",
	} {
		_, err := ParseJSONLines(bytes.NewReader([]byte(text)))
		require.ErrorContains(t, err, name)
	}
}

func TestOpenReadsBothForms(t *testing.T) {
	file := storyFile(t)
	r, err := Open(bytes.NewReader(file))
	require.NoError(t, err)
	var lines bytes.Buffer
	require.NoError(t, WriteJSONLines(&lines, r))
	again, err := Open(&lines)
	require.NoError(t, err)
	require.Equal(t, texts(t, story(t)), texts(t, again))
	_, err = Open(bytes.NewReader([]byte("something else\n")))
	require.ErrorIs(t, err, ErrCorrupt)
}

// texts is a history for people: equal where two histories tell the same.
func texts(t require.TestingT, r *Reader) (lines []string) {
	for _, e := range readAll(t, r) {
		lines = append(lines, e.At.Truncate(time.Microsecond).String()+" "+e.Format(r.Name))
	}
	return lines
}

func story(t testing.TB) *Reader {
	f, err := os.Open("testdata/story.jsonl")
	require.NoError(t, err)
	defer f.Close()
	r, err := ParseJSONLines(f)
	require.NoError(t, err)
	return r
}

// storyFile is the golden story as a recorder writes it.
func storyFile(t testing.TB) []byte {
	r := story(t)
	var file bytes.Buffer
	rec := NewRecorder(&file, Config{Header: r.Header()})
	e := Event{}
	for r.Next(&e) == nil {
		for _, f := range schemas()[e.Kind].fields {
			if f.isID() {
				e.set(f, int64(rec.Text(r.Name(*e.id(f)))))
			}
		}
		e.At = max(e.At, 1)
		rec.Record(e)
	}
	require.NoError(t, rec.Close())
	return file.Bytes()
}
