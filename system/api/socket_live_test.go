package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// patience is how long a frame may take on a machine that runs other tests.
const patience = 20 * time.Second

// device is an open socket whose frames the document judges, both ways.
type device struct {
	*live
	conn *websocket.Conn
	in   chan []byte // closed with the socket
	kept []wire.ServerFrame
	sent map[string]bool
}

// connect opens a session as the document says and resumes.
func (l *live) connect(user, name string) *device {
	l.Helper()
	session := l.do(call{user: user, method: "POST", path: "/api/v1/sessions", body: `{"device":"` + name + `"}`, status: 201})
	conn, _, err := websocket.Dial(l.ctx, field[string](l.T, session, "gateway_url")+"?ticket="+field[string](l.T, session, "ticket"), nil)
	require.NoError(l, err)
	d := &device{live: l, conn: conn, in: make(chan []byte, 1000), sent: map[string]bool{}}
	l.Cleanup(func() { _ = conn.CloseNow() })
	go d.listen()
	d.say(`{"type":"resume"}`)
	d.await(wire.TypeResumed, nil)
	return d
}

func (d *device) listen() {
	defer close(d.in)
	for {
		_, frame, err := d.conn.Read(d.ctx)
		if err != nil {
			return
		}
		d.in <- frame
	}
}

// say sends a frame that the document allows.
func (d *device) say(frame string, args ...any) {
	d.Helper()
	frame = fmt.Sprintf(frame, args...)
	typ := field[string](d.T, []byte(frame), "type")
	require.NoError(d, d.async.validate(d.T, "messages/client_"+typ+"/payload", []byte(frame)), frame)
	d.sent[typ] = true
	require.NoError(d, d.conn.Write(d.ctx, websocket.MessageText, []byte(frame)))
}

// send says a message, with a trace context of its own.
func (d *device) send(conversation, content string) {
	d.Helper()
	d.say(`{"type":"send","conversation_id":%q,"client_msg_id":%q,"content":%q,"traceparent":"00-%s-%s-01"}`,
		conversation, chat.NewClientMsgID(time.Now()), content, strings.ReplaceAll(chat.NewID().String(), "-", ""), "00f067aa0ba902b7")
}

// await reads until a frame of the type fits, and judges each on the way.
func (d *device) await(typ string, fits func(wire.ServerFrame) bool) wire.ServerFrame {
	d.Helper()
	for _, f := range d.kept {
		if f.Type == typ && (fits == nil || fits(f)) {
			return f
		}
	}
	late := time.After(patience)
	for {
		select {
		case <-late:
			require.Fail(d, "no such frame", "type %s; heard %+v", typ, d.kept)
		case text, open := <-d.in:
			require.True(d, open, "closed before %s; heard %+v", typ, d.kept)
			f := d.judge(text)
			if f.Type == typ && (fits == nil || fits(f)) {
				return f
			}
		}
	}
}

func (d *device) judge(text []byte) (f wire.ServerFrame) {
	d.Helper()
	require.NoError(d, json.Unmarshal(text, &f))
	require.NoError(d, d.async.validate(d.T, "messages/server_"+f.Type+"/payload", text), "%s", text)
	d.kept = append(d.kept, f)
	return f
}

// hangUp closes the socket and judges what came last.
func (d *device) hangUp() {
	_ = d.conn.Close(websocket.StatusNormalClosure, "")
	for text := range d.in {
		d.judge(text)
	}
}

// record is a record of the log as its headers and value.
type record struct {
	topic, key string
	headers    map[string]string
	value      []byte
}

func (r record) judge(t *testing.T, d asyncDocument, message string) {
	t.Helper()
	described := d.at(t, "components", "messages", message)
	headers, err := json.Marshal(r.headers)
	require.NoError(t, err)
	require.NoError(t, d.validate(t, "messages/"+message+"/headers", headers), "%s: %s", r.topic, headers)
	value := r.value
	if typ := described["contentType"]; typ != nil { // bytes, not JSON
		require.Equal(t, "application/octet-stream", typ)
		value, err = json.Marshal(value)
		require.NoError(t, err)
	}
	require.NoError(t, d.validate(t, "messages/"+message+"/payload", value), "%s: %s", r.topic, r.value)
}
