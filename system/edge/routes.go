package edge

import (
	"context"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/chatlab/chatlab/system/api"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
)

// request is a request of a user whose token was verified.
type request struct {
	*http.Request
	w    http.ResponseWriter
	user token.User
}

// handler does a request. It returns what to answer, nil for no content, or a refusal.
type handler func(r request) (status int, answer any, err error)

// handlers is every route that a user's token opens.
func (e *Edge) handlers() map[string]handler {
	return map[string]handler{
		"POST /api/v1/sessions":                    e.openSession,
		"POST /api/v1/conversations":               e.createConversation,
		"GET /api/v1/conversations":                e.listConversations,
		"GET /api/v1/inbox":                        e.inbox,
		"POST /api/v1/conversations/{id}/members":  e.changeMembers,
		"POST /api/v1/conversations/{id}/messages": e.send,
		"GET /api/v1/conversations/{id}/messages":  e.history,
		"POST /api/v1/conversations/{id}/read":     e.read,
		"GET /api/v1/conversations/{id}/receipts":  e.receipts,
		"PUT /api/v1/presence":                     e.putPresence,
		"GET /api/v1/presence":                     e.getPresence,
		"PUT /api/v1/devices":                      e.putDevice,
		"DELETE /api/v1/devices/{device}":          e.deleteDevice,
	}
}

// The documents of the interfaces need no token.
const (
	routeOpenAPI  = "GET /api/v1/openapi.yaml"
	routeAsyncAPI = "GET /api/v1/asyncapi.yaml"
)

// Routes lists every route, as method and path.
func Routes() []string {
	var none *Edge
	return append(slices.Sorted(maps.Keys(none.handlers())), routeAsyncAPI, routeOpenAPI)
}

func (e *Edge) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc(routeOpenAPI, func(w http.ResponseWriter, _ *http.Request) { writeDocument(w, api.OpenAPI()) })
	mux.HandleFunc(routeAsyncAPI, func(w http.ResponseWriter, _ *http.Request) { writeDocument(w, api.AsyncAPI()) })
	for pattern, h := range e.handlers() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			user, _ := r.Context().Value(userKey{}).(token.User)
			status, answer, err := h(request{r, w, user})
			if err != nil {
				writeProblem(w, chat.AsError(err))
				return
			}
			writeJSON(w, status, answer)
		})
	}
	return mux
}

type userKey struct{}

// capRetryAfter is when to come back to an edge that is at its cap.
const capRetryAfter = 100 * time.Millisecond

// ServeHTTP answers every request, whatever becomes of it, with JSON or a problem document.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
		return
	}
	limitBody(w, r)
	start := time.Now()
	_, route := e.mux.Handler(r)
	if route == "" || !clean(r.URL.Path) {
		route = unmatched
	}
	seen := &watcher{ResponseWriter: w, code: "ok"}
	defer func() {
		e.metrics.requests.WithLabelValues(route, seen.code).Inc()
		e.metrics.duration.WithLabelValues(route).Observe(time.Since(start).Seconds())
	}()
	defer e.recoverFrom(seen, route)
	e.serve(seen, r, route)
}

const unmatched = "unmatched"

// serve asks for the address, for the cap and for the token before it says which paths exist.
func (e *Edge) serve(w http.ResponseWriter, r *http.Request, route string) {
	if refusal := e.cfg.Admit(r); refusal != nil {
		writeProblem(w, refusal)
		return
	}
	if !e.cap.Allow() {
		writeProblem(w, chat.Errorf(chat.CodeServerLimit, "the edge is at its cap of requests").After(capRetryAfter))
		return
	}
	if route == routeOpenAPI || route == routeAsyncAPI {
		e.mux.ServeHTTP(w, r)
		return
	}
	user, err := e.userOf(r)
	switch {
	case err != nil:
		writeProblem(w, chat.AsError(err))
	case route == unmatched:
		e.refuseRoute(w, r)
	default:
		e.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
	}
}

func (e *Edge) userOf(r *http.Request) (token.User, error) {
	t, err := token.Bearer(r.Header.Get("Authorization"))
	if err != nil {
		return token.User{}, err
	}
	return e.cfg.Users.User(t)
}

// refuseRoute says whether the path or its method is unknown.
func (e *Edge) refuseRoute(w http.ResponseWriter, r *http.Request) {
	muted := &muteWriter{header: http.Header{}}
	if clean(r.URL.Path) {
		h, _ := e.mux.Handler(r)
		h.ServeHTTP(muted, r)
	}
	if allow := muted.header.Get("Allow"); muted.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allow)
		writeProblem(w, chat.Errorf(chat.CodeMethodNotAllow, "this path takes %s", allow))
		return
	}
	writeProblem(w, chat.Errorf(chat.CodeNotFound, "no such path"))
}

// clean says whether a path is in its shortest form; the mux would send others elsewhere.
func clean(p string) bool {
	c := path.Clean(p)
	return p == c || p == c+"/" && !strings.HasSuffix(c, "/")
}

func (e *Edge) recoverFrom(w http.ResponseWriter, route string) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		panic(v)
	default:
		e.cfg.Log.Error("handler panicked", "route", route, "panic", v)
		writeProblem(w, chat.AsError(nil))
	}
}

// watcher remembers the code of a problem that was answered.
type watcher struct {
	http.ResponseWriter
	code string
}

func (w *watcher) refused(code chat.Code) { w.code = string(code) }

// Unwrap lets http.ResponseController reach the connection.
func (w *watcher) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// muteWriter takes the mux's own answer for its status and headers only.
type muteWriter struct {
	header http.Header
	status int
}

func (m *muteWriter) Header() http.Header         { return m.header }
func (m *muteWriter) Write(b []byte) (int, error) { return len(b), nil }
func (m *muteWriter) WriteHeader(status int)      { m.status = status }
