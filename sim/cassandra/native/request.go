package native

import (
	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// Value is a bound value; null if it has neither bytes nor Unset.
type Value struct {
	Bytes []byte
	Unset bool
}

// Options are what a client says about the execution of a statement.
type Options struct {
	Level        primitive.ConsistencyLevel
	Values       []Value
	SkipMetadata bool
	PageSize     int // rows; 0 for no pages
	PagingState  []byte
	Timestamp    int64 // microseconds
	HasTimestamp bool
}

func (f *Frame) decoder() *decoder {
	d := &decoder{rest: f.Body}
	if f.Flags.Contains(primitive.HeaderFlagCustomPayload) {
		for n := d.short(); n > 0 && !d.bad; n-- {
			d.shortBytes()
			d.value()
		}
	}
	return d
}

// Startup decodes the options of a STARTUP message.
func (f *Frame) Startup() (map[string]string, error) {
	d := f.decoder()
	out := map[string]string{}
	for n := d.short(); n > 0 && !d.bad; n-- {
		name := d.string()
		out[name] = d.string()
	}
	return out, d.err("STARTUP")
}

// Register decodes the names of the events in a REGISTER message.
func (f *Frame) Register() ([]string, error) {
	d := f.decoder()
	var out []string
	for n := d.short(); n > 0 && !d.bad; n-- {
		out = append(out, d.string())
	}
	return out, d.err("REGISTER")
}

// Prepare decodes the statement of a PREPARE message.
func (f *Frame) Prepare() (string, error) {
	d := f.decoder()
	query := d.longString()
	return query, d.err("PREPARE")
}

// Query decodes a QUERY message into o, whose values' memory it uses again.
func (f *Frame) Query(o *Options) (string, error) {
	d := f.decoder()
	query := d.longString()
	return query, d.options(o, "QUERY")
}

// Execute decodes an EXECUTE message into o, whose values' memory it uses again.
func (f *Frame) Execute(o *Options) (id []byte, err error) {
	d := f.decoder()
	id = d.shortBytes()
	return id, d.options(o, "EXECUTE")
}

func (d *decoder) options(o *Options, what string) error {
	*o = Options{Level: primitive.ConsistencyLevel(d.short()), Values: o.Values[:0]}
	flags := primitive.QueryFlag(d.byte())
	if flags.Contains(primitive.QueryFlagValueNames) {
		return cqlerror.Protocol("values with names are not supported by this server")
	}
	if flags.Contains(primitive.QueryFlagValues) {
		o.Values = d.values(o.Values)
	}
	o.SkipMetadata = flags.Contains(primitive.QueryFlagSkipMetadata)
	if flags.Contains(primitive.QueryFlagPageSize) {
		o.PageSize = int(max(0, d.int()))
	}
	if flags.Contains(primitive.QueryFlagPagingState) {
		o.PagingState = d.value().Bytes
	}
	d.tail(flags, &o.Timestamp, &o.HasTimestamp)
	return d.err(what)
}

// tail reads what the options of statements and of batches end with.
func (d *decoder) tail(flags primitive.QueryFlag, timestamp *int64, has *bool) {
	if flags.Contains(primitive.QueryFlagSerialConsistency) {
		d.short()
	}
	if *has = flags.Contains(primitive.QueryFlagDefaultTimestamp); *has {
		*timestamp = d.long()
	}
}

// Batch is a BATCH message.
type Batch struct {
	Type         primitive.BatchType
	Statements   []BatchStatement
	Level        primitive.ConsistencyLevel
	Timestamp    int64
	HasTimestamp bool
}

// BatchStatement is a statement of a batch, prepared if it has an ID.
type BatchStatement struct {
	Query  string
	ID     []byte
	Values []Value
}

// Batch decodes a BATCH message.
func (f *Frame) Batch() (*Batch, error) {
	d := f.decoder()
	b := &Batch{Type: primitive.BatchType(d.byte())}
	var values []Value
	for n := d.short(); n > 0 && !d.bad; n-- {
		var s BatchStatement
		switch kind := d.byte(); kind {
		case 0:
			s.Query = d.longString()
		case 1:
			s.ID = d.shortBytes()
		default:
			return nil, cqlerror.Protocol("Invalid query kind in BATCH messages. Must be 0 or 1 but got %d", kind)
		}
		from := len(values)
		values = d.values(values)
		s.Values = values[from:]
		b.Statements = append(b.Statements, s)
	}
	b.Level = primitive.ConsistencyLevel(d.short())
	flags := primitive.QueryFlag(d.byte())
	if flags.Contains(primitive.QueryFlagValueNames) {
		return nil, cqlerror.Protocol("values with names are not supported by this server")
	}
	d.tail(flags, &b.Timestamp, &b.HasTimestamp)
	return b, d.err("BATCH")
}
