package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"time"
)

// maxLine bounds a JSON line in bytes.
const maxLine = 1 << 20

// ParseJSONLines reads what WriteJSONLines writes, or a person: the header may be missing, empty lines and lines that
// begin with # are left out, and a field that its kind does not have is an error. The history is held in memory.
func ParseJSONLines(r io.Reader) (*Reader, error) {
	p := parser{schemas: schemas(), kinds: make(map[string]Kind, kinds)}
	for k := Kind(1); k < kinds; k++ {
		p.kinds[p.schemas[k].name] = k
	}
	if err := p.lines(r); err != nil {
		p.close()
		return nil, err
	}
	if p.rec == nil {
		return nil, fmt.Errorf("parse history: %w: it is empty", ErrCut)
	}
	p.close()
	return NewReader(&p.file)
}

func (p *parser) lines(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if err := p.line(line); err != nil {
			return fmt.Errorf("parse history, line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("parse history: %w", err)
	}
	return nil
}

// close ends the file in memory, which takes every byte.
func (p *parser) close() {
	if p.rec != nil {
		_ = p.rec.Close()
	}
}

// parser turns lines into a file in memory.
type parser struct {
	schemas *[kinds]schema
	kinds   map[string]Kind
	file    bytes.Buffer
	rec     *Recorder
}

// line is one JSON line, whatever its kind.
type line struct {
	Kind       string   `json:"kind"`
	AtMS       float64  `json:"at_ms"`
	Intended   float64  `json:"intended_ms"`
	RetryAfter float64  `json:"retry_after_ms"`
	Seq        int64    `json:"seq"`
	Until      int64    `json:"until"`
	Order      int64    `json:"order"`
	Offset     int64    `json:"offset"`
	Count      int64    `json:"count"`
	Value      *float64 `json:"value"`
	Attempt    int32    `json:"attempt"`
	CloseCode  int32    `json:"close_code"`
	Delivered  int32    `json:"delivered"`
	ReadBy     int32    `json:"read_by"`

	Device       string `json:"device"`
	User         string `json:"user"`
	Sender       string `json:"sender"`
	Conversation string `json:"conversation"`
	ClientMsg    string `json:"client_msg_id"`
	Message      string `json:"message_id"`
	Text         string `json:"text"`
	Code         string `json:"code"`
	Label        string `json:"label"`
	Unit         string `json:"unit"`
}

func (p *parser) line(text []byte) error {
	if p.rec == nil {
		header, err := parseHeader(text)
		p.rec = begin(&p.file, Config{Header: header, Now: func() time.Time { return header.Started }, Log: slog.New(slog.DiscardHandler)})
		if err != nil || header.Format != 0 {
			return err
		}
	}
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return err
	}
	kind, ok := p.kinds[l.Kind]
	if !ok {
		return fmt.Errorf("kind %q is unknown", l.Kind)
	}
	e := p.event(kind, &l)
	if err := p.fits(&e); err != nil {
		return err
	}
	p.rec.Record(e)
	return nil
}

// parseHeader reads the first line; its format is 0 if it is no header.
func parseHeader(text []byte) (Header, error) {
	var h struct {
		Kind string `json:"kind"`
		Header
	}
	if err := json.Unmarshal(text, &h); err != nil || h.Kind != "header" {
		return Header{}, nil // whatever is wrong shows when it is read as an event
	}
	if h.Format != Format {
		return h.Header, fmt.Errorf("format %d, this program reads format %d", h.Format, Format)
	}
	return h.Header, nil
}

func (p *parser) event(kind Kind, l *line) Event {
	id := p.rec.Text
	e := Event{
		Kind: kind, At: nanos(l.AtMS), Intended: nanos(l.Intended), RetryAfter: nanos(l.RetryAfter),
		Seq: l.Seq, Until: l.Until, Order: l.Order, Offset: l.Offset, Count: l.Count, Attempt: l.Attempt, CloseCode: l.CloseCode,
		Delivered: l.Delivered, ReadBy: l.ReadBy,
		Device: id(l.Device), User: id(l.User), Sender: id(l.Sender), Conversation: id(l.Conversation), ClientMsg: id(l.ClientMsg),
		Message: id(l.Message), Text: id(l.Text), Code: id(l.Code), Label: id(l.Label), Unit: id(l.Unit),
	}
	switch {
	case l.Value != nil:
		e.Value = *l.Value
	case kind == Metric:
		e.Value = math.NaN()
	}
	return e
}

// nanos reads milliseconds; float64 holds them to the nanosecond up to 100 days.
func nanos(ms float64) time.Duration { return time.Duration(math.Round(ms * 1e6)) }

// fits refuses fields that the kind does not have.
func (p *parser) fits(e *Event) error {
	list := p.schemas[e.Kind].fields
	for f := range fields {
		if e.get(f) != 0 && !slices.Contains(list, f) {
			return fmt.Errorf("kind %q has no field %s", p.schemas[e.Kind].name, f.key())
		}
	}
	return nil
}
