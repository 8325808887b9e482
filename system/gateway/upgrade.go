package gateway

import (
	"bufio"
	"bytes"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
)

// Sizes of the buffers that a connection keeps. The writer's holds the largest control frame, so that each of those
// reaches the connection beneath in one piece.
const (
	readBuffer  = 512
	writeBuffer = 136
)

// ServeHTTP opens a session for a device that brings a ticket.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e := g.cfg.Admit(r); e != nil {
		problem(w, e)
		return
	}
	switch {
	case r.URL.Path != "/ws":
		problem(w, chat.Errorf(chat.CodeNotFound, "%.100q is not here: sockets open at /ws", r.URL.Path))
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		problem(w, chat.Errorf(chat.CodeMethodNotAllow, "a socket opens with GET"))
		return
	}
	ticket, err := g.ticket(r)
	if err != nil {
		problem(w, chat.AsError(err))
		return
	}
	if err := g.enter(); err != nil {
		problem(w, err)
		return
	}
	s := g.newSession(ticket)
	if err := s.accept(w, r); err != nil {
		g.cfg.Log.Debug("upgrade refused", "user", s.user, "error", err)
		g.leave()
		return
	}
	g.open(s)
}

// ticket verifies who connects, and that the edge sent the device here.
func (g *Gateway) ticket(r *http.Request) (t token.Ticket, err error) {
	text := r.URL.Query().Get("ticket")
	if header := r.Header.Get("Authorization"); header != "" || text == "" {
		if text, err = token.Bearer(header); err != nil {
			return t, err
		}
	}
	if t, err = g.cfg.VerifyTicket(text); err != nil {
		return t, err
	}
	switch {
	case t.Gateway != g.cfg.Name:
		return t, chat.Errorf(chat.CodeTokenInvalid, "ticket is for another gateway")
	case !g.cfg.Now().Before(t.UserExpires):
		return t, chat.Errorf(chat.CodeTokenExpired, "user token has expired")
	}
	return t, nil
}

func (g *Gateway) newSession(t token.Ticket) *session {
	s := &session{g: g, user: t.User, device: t.Device, epoch: t.Epoch}
	now := g.clock()
	s.expires.Store(nanoseconds(t.UserExpires))
	s.heard.Store(int64(now))
	s.framed.Store(int64(now))
	s.refreshed.Store(untold)
	return s
}

// open enters the session and starts to read. The handler returns, so that what the HTTP server keeps for the
// connection is freed.
func (g *Gateway) open(s *session) {
	due := s.due(g.clock(), g.cfg.Now())
	if loser := g.table.add(s); loser != nil {
		loser.close(chat.CloseReplaced)
	}
	g.sweeper.expect(due)
	switch g.state.Load() { // it may have changed since enter: a drain that began before add does not know the session
	case draining:
		s.close(chat.CloseDraining)
	case closed:
		s.conn.Close()
	}
	go s.run() // after the look at state: who got an answer is told of a drain, and not closed at once
}

// accept makes the WebSocket.
func (s *session) accept(w http.ResponseWriter, r *http.Request) (err error) {
	u := &upgrade{ResponseWriter: w, s: s}
	s.ws, err = websocket.Accept(u, r, &websocket.AcceptOptions{OriginPatterns: s.g.cfg.Origins, OnPingReceived: s.pong})
	if err != nil {
		if s.conn != nil {
			s.conn.Close()
		}
		return err
	}
	s.ws.SetReadLimit(chat.MaxFrameBytes)
	return nil
}

// upgrade is the response to a request for a socket. It puts joined beneath the WebSocket, with small buffers, and
// makes the library's refusals problem documents.
type upgrade struct {
	http.ResponseWriter
	s       *session
	refused int
}

// Hijack hands over the connection without what the HTTP server needed for it.
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, _ := rw.Reader.Peek(rw.Reader.Buffered())
	j := &joined{Conn: c, early: bytes.Clone(early), onRead: u.s.alive, timeout: u.s.g.cfg.Limits.Write, writing: make(chan struct{}, 1)}
	u.s.conn = j
	if err := rw.Writer.Flush(); err != nil {
		c.Close()
		return nil, nil, err
	}
	return j, bufio.NewReadWriter(bufio.NewReaderSize(j, readBuffer), bufio.NewWriterSize(j, writeBuffer)), nil
}

// WriteHeader keeps a refusal back until its reason is known.
func (u *upgrade) WriteHeader(status int) {
	if status >= 400 {
		u.refused = status
		return
	}
	u.ResponseWriter.WriteHeader(status)
}

func (u *upgrade) Write(p []byte) (int, error) {
	if u.refused == 0 {
		return u.ResponseWriter.Write(p)
	}
	e := chat.Errorf(chat.CodeBadRequest, "%s", bytes.TrimSpace(p))
	writeProblem(u.ResponseWriter, e, u.refused)
	return len(p), nil
}
