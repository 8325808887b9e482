package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chatlab/chatlab/system/chat"
)

const (
	// maxBody bounds a request's body, in bytes.
	maxBody = 64 << 10
	// bodyWithin is how long a body may take to arrive.
	bodyWithin = 10 * time.Second
)

// id is an id in a body: canonical text.
type id chat.ID

func (i *id) UnmarshalText(text []byte) error {
	parsed, err := chat.ParseID(string(text))
	*i = id(parsed)
	return err
}

// userIDs refuses the zero id, which a null in JSON becomes too: it names nobody.
func userIDs(in []id) ([]chat.ID, error) {
	out := make([]chat.ID, len(in))
	for i := range in {
		if out[i] = chat.ID(in[i]); out[i] == (chat.ID{}) {
			return nil, chat.Errorf(chat.CodeBadRequest, "the zero id names nobody")
		}
	}
	return out, nil
}

// decode reads a body that is one JSON object with known fields, and nothing else.
func (r request) decode(into any) error {
	if err := r.checkType(); err != nil {
		return err
	}
	data, err := r.readBody()
	if err != nil {
		return err
	}
	switch data = bytes.TrimLeft(data, " \t\r\n"); {
	case !utf8.Valid(data):
		return chat.Errorf(chat.CodeBadRequest, "the body is not UTF-8")
	case len(data) == 0 || data[0] != '{':
		return chat.Errorf(chat.CodeBadRequest, "the body is not a JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return badJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return chat.Errorf(chat.CodeBadRequest, "something follows the JSON object")
	}
	return nil
}

func (r request) checkType() error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return chat.Errorf(chat.CodeUnsupportedType, "send Content-Type: application/json")
	}
	if c := r.Header.Get("Content-Encoding"); c != "" && !strings.EqualFold(c, "identity") {
		return chat.Errorf(chat.CodeUnsupportedType, "content encodings are not taken")
	}
	return nil
}

// readBody bounds what a stranger can make the edge hold.
func (r request) readBody() ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, tooLarge()
	}
	data, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge()
	case err != nil:
		return nil, chat.Errorf(chat.CodeBadRequest, "the body did not arrive within %s", bodyWithin)
	}
	_ = http.NewResponseController(r.w).SetReadDeadline(time.Time{})
	return data, nil
}

// limitBody bounds for how long a body may trickle, also one that nobody reads: the server waits for it after the
// answer. The deadline stands until the body is read, or until the next request.
func limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWithin)) // fails where there is no connection
	}
}

func tooLarge() error {
	return chat.Errorf(chat.CodeTooLarge, "the body is larger than %d bytes", maxBody)
}

// badJSON says what is wrong in the caller's terms.
func badJSON(err error) error {
	var refusal *chat.Error
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.As(err, &kind):
		return chat.Errorf(chat.CodeBadRequest, "field %.60q is a JSON %s", kind.Field, kind.Value)
	}
	return chat.Errorf(chat.CodeBadRequest, "the body cannot be read: %.200s", strings.TrimPrefix(err.Error(), "json: "))
}
