package native

import (
	"encoding/binary"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// decoder takes the pieces of a body one by one. After the first that is cut short it only yields zero values.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.rest, d.bad = nil, true
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) short() uint16 {
	if b := d.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (d *decoder) int() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (d *decoder) long() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) string() string     { return string(d.take(int(d.short()))) }
func (d *decoder) longString() string { return string(d.take(int(d.int()))) }
func (d *decoder) shortBytes() []byte { return d.take(int(d.short())) }

// value reads [value]: bytes, null (-1) or unset (-2).
func (d *decoder) value() Value {
	switch n := d.int(); n {
	case -1:
		return Value{}
	case -2:
		return Value{Unset: true}
	default:
		return Value{Bytes: d.take(int(n))}
	}
}

// values appends the values of a statement.
func (d *decoder) values(dst []Value) []Value {
	for range d.short() {
		if dst = append(dst, d.value()); d.bad {
			return dst
		}
	}
	return dst
}

// err reports what the whole body was.
func (d *decoder) err(what string) error {
	switch {
	case d.bad:
		return cqlerror.Protocol("the body of a %s message is cut short or malformed", what)
	case len(d.rest) > 0:
		return cqlerror.Protocol("the body of a %s message has %d bytes too many", what, len(d.rest))
	}
	return nil
}
