package edge

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// problem is an RFC 9457 document.
type problem struct {
	Type         string    `json:"type"`
	Title        string    `json:"title"`
	Status       int       `json:"status"`
	Code         chat.Code `json:"code"`
	Detail       string    `json:"detail"`
	RetryAfterMS int64     `json:"retry_after_ms,omitempty"`
}

func problemOf(e *chat.Error) problem {
	return problem{
		Type: "urn:chatlab:problem:" + string(e.Code), Title: strings.ReplaceAll(string(e.Code), "_", " "), Status: e.Code.Status(),
		Code: e.Code, Detail: e.Message, RetryAfterMS: e.RetryAfter.Milliseconds(),
	}
}

func writeProblem(w http.ResponseWriter, e *chat.Error) {
	if seen, ok := w.(interface{ refused(chat.Code) }); ok {
		seen.refused(e.Code)
	}
	p, h := problemOf(e), w.Header()
	h.Set("Content-Type", "application/problem+json")
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	switch e.Code {
	case chat.CodeTokenMissing:
		h.Set("WWW-Authenticate", "Bearer")
	case chat.CodeTokenInvalid, chat.CodeTokenExpired:
		h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	write(w, p.Status, p)
}

// writeJSON answers; a nil answer has no body.
func writeJSON(w http.ResponseWriter, status int, answer any) {
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	write(w, status, answer)
}

// writeDocument answers with a document of package api.
func writeDocument(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/yaml")
	writeBytes(w, http.StatusOK, text)
}

func write(w http.ResponseWriter, status int, answer any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		panic("encode answer: " + err.Error()) // answers hold only plain fields
	}
	writeBytes(w, status, b.Bytes())
}

func writeBytes(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
