package history

import (
	"encoding/json"
	"fmt"
	"time"
)

// Format is the version of the file and of the JSON lines; it grows when an old reader would misread a new file.
const Format = 1

// magic is the first line of a file; the second is the header as JSON.
const magic = "chatlab history\n"

// Header says which run a history tells of.
type Header struct {
	Format   int       `json:"format"`
	Scenario string    `json:"scenario,omitempty"`
	Variant  string    `json:"variant,omitempty"`
	World    string    `json:"world,omitempty"`
	Size     string    `json:"size,omitempty"`
	Seed     uint64    `json:"seed,omitempty"`
	Commit   string    `json:"commit,omitempty"`
	Started  time.Time `json:"started,omitzero"` // the wall clock at At = 0
}

func (h Header) encode() []byte {
	h.Format = Format
	b, err := json.Marshal(h)
	if err != nil {
		panic("encode header: " + err.Error()) // a header holds only plain fields; only a year beyond 9999 fails
	}
	return append(append([]byte(magic), b...), '\n')
}

func decodeHeader(line []byte) (Header, error) {
	var h Header
	if err := json.Unmarshal(line, &h); err != nil {
		return h, fmt.Errorf("decode header: %w", err)
	}
	if h.Format != Format {
		return h, fmt.Errorf("decode header: format %d, this program reads format %d", h.Format, Format)
	}
	return h, nil
}
