package history

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Errors of a file that does not end as a recorder ends it. Everything before the damage was read and is good.
var (
	ErrCut     = errors.New("history is cut: its end is missing")
	ErrCorrupt = errors.New("history is corrupt")
)

// Reader streams the events of a history. It is not safe for concurrent use.
type Reader struct {
	in     *bufio.Reader
	header Header
	names  names
	codec  differ
	events int64
	bytes  int64
	err    error
}

// NewReader reads the header of a history file.
func NewReader(r io.Reader) (*Reader, error) {
	in := bufio.NewReaderSize(r, 256<<10)
	first, err := in.ReadSlice('\n')
	if err != nil || string(first) != magic {
		return nil, fmt.Errorf("read history: %w: the first line is not %q", ErrCorrupt, magic[:len(magic)-1])
	}
	line, err := in.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("read history: %w: no header", ErrCut)
	}
	h, err := decodeHeader(line)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return &Reader{in: in, header: h, codec: newDiffer(), bytes: int64(len(magic) + len(line))}, nil
}

// Open reads a history in either form: the file, or JSON lines.
func Open(r io.Reader) (*Reader, error) {
	in := bufio.NewReader(r)
	first, err := in.Peek(1)
	if err == nil && bytes.ContainsAny(first, "{#") {
		return ParseJSONLines(in)
	}
	return NewReader(in)
}

// Header says which run this is.
func (r *Reader) Header() Header { return r.header }

// Name is the text of an ID that was read; empty for 0.
func (r *Reader) Name(id ID) string { return r.names.name(id) }

// Next reads the next event into e. It returns io.EOF after the last event of a whole history, an error that is
// ErrCut where the file ends too early, and one that is ErrCorrupt where it is damaged.
func (r *Reader) Next(e *Event) error {
	for r.err == nil {
		window, err := r.in.Peek(maxRecord)
		if len(window) == 0 {
			return r.fail(err)
		}
		n := 0
		switch tag := window[0]; {
		case tag > tagEvent && tag < tagEvent+byte(kinds):
			if n = r.codec.decode(window, e, ID(len(r.names.refs))); n > 0 {
				r.events++
				return r.advance(n)
			}
		case tag == tagText || tag == tagUUID:
			n = r.define(window)
		case tag == tagEnd:
			n = r.end(window)
		}
		if n <= 0 {
			return r.fail(r.blame(n, len(window) < maxRecord))
		}
		if err := r.advance(n); err != nil {
			return r.fail(err)
		}
	}
	return r.err
}

func (r *Reader) advance(n int) error {
	_, err := r.in.Discard(n)
	r.bytes += int64(n)
	return err
}

// blame says why a record could not be read: 0 because bytes are missing, less because they are wrong.
func (r *Reader) blame(n int, short bool) error {
	if n == 0 && short {
		return io.ErrUnexpectedEOF
	}
	return ErrCorrupt
}

func (r *Reader) fail(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = ErrCut
	case err == nil:
		err = ErrCorrupt
	}
	r.err = fmt.Errorf("read history after %d events, at byte %d: %w", r.events, r.bytes, err)
	return r.err
}

// define reads a text or a UUID and returns how many bytes of the window it took; a long text is read past the window.
func (r *Reader) define(window []byte) int {
	if window[0] == tagUUID {
		if len(window) < 17 {
			return 0
		}
		r.names.add(window[1:17], true)
		return 17
	}
	length, n := binary.Uvarint(window[1:])
	switch {
	case n <= 0:
		return n
	case length > maxText || len(r.names.refs) == math.MaxInt32:
		return -1
	case len(window) >= 1+n+int(length):
		r.names.add(window[1+n:1+n+int(length)], false)
		return 1 + n + int(length)
	}
	whole, err := r.in.Peek(1 + n + int(length))
	if err != nil {
		return 0
	}
	r.names.add(whole[1+n:], false)
	return len(whole)
}

// end checks the mark of a whole history; what comes after it is not read.
func (r *Reader) end(window []byte) int {
	count, n := binary.Uvarint(window[1:])
	if n <= 0 {
		return n
	}
	if count != uint64(r.events) {
		return -1
	}
	r.err = io.EOF
	return 1 + n
}

// decode reads the event at the beginning of b and returns its length; 0 if b ends too early, less if it is wrong.
func (d *differ) decode(b []byte, e *Event, ids ID) int {
	kind := Kind(b[0] - tagEvent)
	delta, pos := binary.Varint(b[1:])
	if pos <= 0 {
		return pos
	}
	mask, n := binary.Uvarint(b[1+pos:])
	list := d.schemas[kind].fields
	switch {
	case n <= 0:
		return n
	case mask>>len(list) != 0:
		return -1
	}
	pos += 1 + n
	next := d.last[kind]
	for i := 0; mask != 0; i, mask = i+1, mask>>1 {
		if mask&1 == 0 {
			continue
		}
		v, n := binary.Varint(b[pos:])
		if n <= 0 {
			return n
		}
		pos += n
		f := list[i]
		v += next.get(f)
		if f.isID() && uint64(v) > uint64(ids) {
			return -1
		}
		next.set(f, v)
	}
	d.at += delta
	next.At = time.Duration(d.at)
	next.Kind = kind
	d.last[kind] = next
	*e = next
	return pos
}
