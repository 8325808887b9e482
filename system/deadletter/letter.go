// Package deadletter keeps the records that no worker can process: it writes them to a topic of their own, lists them and
// sends them where they came from once more.
package deadletter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chatlab/chatlab/system/kafka"
)

// Origin is where a record lay that could not be processed.
type Origin struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	Time      time.Time `json:"time"`  // the record's own
	Group     string    `json:"group"` // of the worker that passed over it
}

// Letter is one such record.
type Letter struct {
	Partition int            `json:"partition"` // of the dead letters, not of the origin
	Offset    int64          `json:"offset"`
	Time      time.Time      `json:"time"` // of the letter
	Origin    Origin         `json:"origin"`
	Error     string         `json:"error"`
	Pod       string         `json:"pod"`
	Key       []byte         `json:"-"`
	Value     []byte         `json:"-"`
	Headers   []kafka.Header `json:"-"`                 // that the record had
	Replayed  time.Time      `json:"replayed,omitzero"` // when it was last sent to its origin again
}

// MarshalJSON shows key and value as text where they are text, and in base64 otherwise.
func (l Letter) MarshalJSON() ([]byte, error) {
	type plain Letter
	out := struct {
		plain
		Key        string `json:"key"`
		Value      string `json:"value,omitempty"`
		ValueBytes []byte `json:"value_base64,omitempty"`
	}{plain: plain(l), Key: strings.ToValidUTF8(string(l.Key), "\uFFFD")}
	if utf8.Valid(l.Value) {
		out.Value = string(l.Value)
	} else {
		out.ValueBytes = l.Value
	}
	return json.Marshal(out)
}

// Name is what a command calls the letter: PARTITION/OFFSET.
func (l Letter) Name() string { return fmt.Sprintf("%d/%d", l.Partition, l.Offset) }

// Names of the headers of a letter.
const (
	headerTopic     = "origin-topic"
	headerPartition = "origin-partition"
	headerOffset    = "origin-offset"
	headerTime      = "origin-time"
	headerGroup     = "group"
	headerError     = "error"
	headerPod       = "pod"
	// headerReplay marks a record that is no letter, but says that the letter it names was sent again.
	headerReplay = "replay-of"
)

// ownHeaders are those that a letter has besides the record's own.
func ownHeaders() []string {
	return []string{headerTopic, headerPartition, headerOffset, headerTime, headerGroup, headerError, headerPod, headerReplay}
}

// maxErrorBytes bounds what an error, which may quote the record, adds to it.
const maxErrorBytes = 4 << 10

func (l Letter) headers() []kafka.Header {
	text := func(k, v string) kafka.Header { return kafka.Header{Key: k, Value: []byte(v)} }
	return append([]kafka.Header{
		text(headerTopic, l.Origin.Topic),
		text(headerPartition, strconv.Itoa(l.Origin.Partition)),
		text(headerOffset, strconv.FormatInt(l.Origin.Offset, 10)),
		text(headerTime, l.Origin.Time.UTC().Format(time.RFC3339Nano)),
		text(headerGroup, l.Origin.Group),
		text(headerError, l.Error[:min(len(l.Error), maxErrorBytes)]),
		text(headerPod, l.Pod),
	}, l.Headers...)
}

// parse reads a letter back.
func parse(partition int, r kafka.Record) (Letter, error) {
	text := func(k string) string { return string(r.Header(k)) }
	l := Letter{
		Partition: partition, Offset: r.Offset, Time: r.Time.UTC(), Error: text(headerError), Pod: text(headerPod), Key: r.Key, Value: r.Value,
		Origin: Origin{Topic: text(headerTopic), Group: text(headerGroup)},
	}
	l.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h kafka.Header) bool { return slices.Contains(ownHeaders(), h.Key) })
	var err error
	if l.Origin.Partition, err = strconv.Atoi(text(headerPartition)); err != nil {
		return l, fmt.Errorf("read letter %s: %w", l.Name(), err)
	}
	if l.Origin.Offset, err = strconv.ParseInt(text(headerOffset), 10, 64); err != nil {
		return l, fmt.Errorf("read letter %s: %w", l.Name(), err)
	}
	if l.Origin.Time, err = time.Parse(time.RFC3339Nano, text(headerTime)); err != nil {
		return l, fmt.Errorf("read letter %s: %w", l.Name(), err)
	}
	return l, nil
}
