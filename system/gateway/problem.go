package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// problemDocument is an RFC 9457 problem.
type problemDocument struct {
	Type         string    `json:"type"`
	Title        string    `json:"title"`
	Status       int       `json:"status"`
	Code         chat.Code `json:"code"`
	Detail       string    `json:"detail"`
	RetryAfterMS int64     `json:"retry_after_ms,omitempty"`
}

func problem(w http.ResponseWriter, e *chat.Error) { writeProblem(w, e, e.Code.Status()) }

func writeProblem(w http.ResponseWriter, e *chat.Error, status int) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Del("Content-Length")
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problemDocument{ // the peer may be gone: nobody is left to tell
		Type: "about:blank", Title: http.StatusText(status), Status: status, Code: e.Code, Detail: e.Message,
		RetryAfterMS: e.RetryAfter.Milliseconds(),
	})
}
