package kafka

import (
	"github.com/segmentio/kafka-go"

	"github.com/chatlab/chatlab/system/trace"
)

// Header is a name and a value beside a record's own.
type Header struct {
	Key   string
	Value []byte
}

// Header returns the value of a header; nil if the record has none of that name.
func (r Record) Header(key string) []byte {
	for _, h := range r.Headers {
		if h.Key == key {
			return h.Value
		}
	}
	return nil
}

// Traceparent is the trace context that the record's writer was in; empty if it was not traced.
func (r Record) Traceparent() string { return string(r.Header(trace.Header)) }

func driverHeaders(hs []Header) []kafka.Header {
	out := make([]kafka.Header, len(hs))
	for i, h := range hs {
		out[i] = kafka.Header{Key: h.Key, Value: h.Value}
	}
	return out
}

func headersOf(hs []kafka.Header) []Header {
	if len(hs) == 0 {
		return nil
	}
	out := make([]Header, len(hs))
	for i, h := range hs {
		out[i] = Header{h.Key, h.Value}
	}
	return out
}
