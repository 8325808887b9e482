package gateway

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

func sendFrame(conv chat.ID, content string) wire.ClientFrame {
	return wire.ClientFrame{Type: wire.TypeSend, ConversationID: conv, ClientMsgID: chat.NewClientMsgID(time.Now()), Content: content}
}

func encode(t testing.TB, v any) string {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// Every way in which the gateway itself refuses a frame, over a socket that stays open.
func TestFramesAreRefusedWithACode(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.BadFrames = 1000 })
	user, conv := chat.NewID(), chat.NewID()
	d := w.resume(user, "phone", 1)
	fresh := w.open(w.ticket(chat.NewID(), "phone", 1))
	good := sendFrame(conv, "hello")
	with := func(change func(*wire.ClientFrame)) string {
		f := good
		change(&f)
		return encode(t, f)
	}
	for _, c := range []struct {
		name  string
		from  *device
		frame string
		code  chat.Code
		named bool // by its client_msg_id
	}{
		{"nothing", d, ``, chat.CodeBadFrame, false},
		{"no JSON", d, `hello`, chat.CodeBadFrame, false},
		{"half a frame", d, `{"type":"send"`, chat.CodeBadFrame, false},
		{"an array", d, `[]`, chat.CodeBadFrame, false},
		{"null", d, `null`, chat.CodeBadFrame, false},
		{"deep nesting", d, strings.Repeat(`[`, 20_000), chat.CodeBadFrame, false},
		{"no type", d, `{}`, chat.CodeBadFrame, false},
		{"unknown type", d, `{"type":"dance"}`, chat.CodeBadFrame, false},
		{"a server's type", d, `{"type":"ack"}`, chat.CodeBadFrame, false},
		{"wrong kind of field", d, `{"type":"send","content":7}`, chat.CodeBadFrame, false},
		{"not an id", d, `{"type":"send","conversation_id":"x"}`, chat.CodeBadFrame, false},
		{"auth without token", d, `{"type":"auth"}`, chat.CodeBadFrame, false},
		{"received without seq", d, `{"type":"received","conversation_id":"` + conv.String() + `"}`, chat.CodeBadFrame, false},
		{"too many positions", d, encode(t, wire.ClientFrame{Type: wire.TypeHeartbeat, Positions: make([]chat.Position, chat.MaxPositions+1)}), chat.CodeBadFrame, false},
		{"send without conversation", d, with(func(f *wire.ClientFrame) { f.ConversationID = chat.ID{} }), chat.CodeBadFrame, true},
		{"send without id", d, with(func(f *wire.ClientFrame) { f.ClientMsgID = chat.ID{} }), chat.CodeBadRequest, false},
		{"send with a random id", d, with(func(f *wire.ClientFrame) { f.ClientMsgID = chat.NewID() }), chat.CodeBadRequest, true},
		{"send without content", d, with(func(f *wire.ClientFrame) { f.Content = "" }), chat.CodeBadRequest, true},
		{"send of too much", d, with(func(f *wire.ClientFrame) { f.Content = strings.Repeat("x", chat.MaxContentBytes+1) }), chat.CodeTooLarge, true},
		{"expired token", d, encode(t, wire.ClientFrame{Type: wire.TypeAuth, Token: w.userToken(user, -time.Minute)}), chat.CodeTokenExpired, false},
		{"send before resume", fresh, encode(t, good), chat.CodeBadFrame, true},
		{"heartbeat before resume", fresh, `{"type":"heartbeat"}`, chat.CodeBadFrame, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.from.write(websocket.MessageText, []byte(c.frame))
			f := c.from.hear()
			require.Equal(t, wire.TypeError, f.Type)
			require.Equal(t, c.code, f.Code, f.Message)
			require.NotEmpty(t, f.Message)
			require.Equal(t, c.named, f.ClientMsgID != chat.ID{})
		})
	}
	d.write(websocket.MessageBinary, []byte(encode(t, good)))
	require.Equal(t, chat.CodeBadFrame, d.hear().Code)
	d.say(good)
	require.Equal(t, wire.TypeAck, d.hear().Type, "the socket is as good as before")
}

// What other services refuse reaches the device with the same code and time.
func TestRefusalsOfServicesReachTheDevice(t *testing.T) {
	detailed := func(code chat.Code) error {
		st, err := status.New(codes.Aborted, "no").WithDetails(&pb.Refusal{Code: string(code), Message: "no", RetryAfterMs: 1500})
		require.NoError(t, err)
		return st.Err()
	}
	type call = func(context.Context) error
	cases := map[string]struct {
		call call
		code chat.Code
	}{
		"no answer":  {func(ctx context.Context) error { <-ctx.Done(); return status.FromContextError(ctx.Err()).Err() }, chat.CodeUnknownOutcome},
		"no service": {func(context.Context) error { return status.Error(codes.Unavailable, "") }, chat.CodeUnknownOutcome},
		"overloaded": {func(context.Context) error { return status.Error(codes.ResourceExhausted, "") }, chat.CodeUnavailable},
	}
	for _, code := range []chat.Code{chat.CodeNotMember, chat.CodeStaleSend, chat.CodeGroupLimit, chat.CodeServerLimit, chat.CodeUnavailable,
		chat.CodeUnknownOutcome, chat.CodeInternal, chat.CodeBadRequest} {
		cases[string(code)] = struct {
			call call
			code chat.Code
		}{func(context.Context) error { return detailed(code) }, code}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world) {
				d := w.resume(chat.NewID(), "phone", 1)
				d.patience = time.Minute
				w.messages.send = func(ctx context.Context, _ *pb.SendRequest) (*pb.SendResponse, error) { return nil, c.call(ctx) }
				out := sendFrame(chat.NewID(), "hello")
				d.say(out)
				f := d.hear()
				require.Equal(t, wire.TypeError, f.Type)
				require.Equal(t, c.code, f.Code)
				require.Equal(t, out.ClientMsgID, f.ClientMsgID)
				if name == string(c.code) {
					require.EqualValues(t, 1500, f.RetryAfterMS)
				}
			})
		})
	}
}

func TestUserLimitSaysWhenToRetry(t *testing.T) {
	user := chat.NewID()
	w := newWorld(t, func(c *Config) {
		c.Limiter = func(u chat.ID) (bool, time.Duration) { return u != user, 1200 * time.Millisecond }
	})
	d := w.resume(user, "phone", 1)
	out := sendFrame(chat.NewID(), "hello")
	d.say(out)
	f := d.hear()
	require.Equal(t, chat.CodeUserLimit, f.Code)
	require.EqualValues(t, 1200, f.RetryAfterMS)
	require.Equal(t, out.ClientMsgID, f.ClientMsgID)
	d.say(wire.ClientFrame{Type: wire.TypeHeartbeat})
	require.Equal(t, wire.TypeHeartbeat, d.hear().Type, "only sends are limited")
}

// A session may have so many frames under way, whatever they wait for; what is beyond is refused at once.
func TestFramesUnderWayAreBounded(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.Sends = 3 })
	user := chat.NewID()
	d := w.resume(user, "phone", 1)
	w.atRest(user)
	held := make(chan struct{})
	let := sync.OnceFunc(func() { close(held) })
	t.Cleanup(let) // before the gateway closes, which waits for what is under way
	w.messages.send = func(_ context.Context, r *pb.SendRequest) (*pb.SendResponse, error) {
		<-held
		return &pb.SendResponse{MessageId: r.ClientMsgId}, nil
	}
	conv := chat.NewID()
	frames := []wire.ClientFrame{sendFrame(conv, "a"), sendFrame(conv, "b"), sendFrame(chat.NewID(), "c"), sendFrame(chat.NewID(), "d")}
	for _, f := range frames {
		d.say(f)
	}
	f := d.hear()
	require.Equal(t, chat.CodeServerLimit, f.Code)
	require.Equal(t, frames[3].ClientMsgID, f.ClientMsgID)
	require.NotZero(t, f.RetryAfterMS)
	let()
	for range 3 {
		require.Equal(t, wire.TypeAck, d.hear().Type)
	}
	w.atRest(user)
	d.say(frames[3])
	require.Equal(t, wire.TypeAck, d.hear().Type)
}

// atRest waits until nothing of the user's frames is under way: an answer is heard a moment before its frame is done with.
func (w *world) atRest(user chat.ID) {
	require.Eventually(w.t, func() bool {
		rest := true
		w.g.table.eachOf(user, func(s *session) { rest = rest && !s.lanes.busy() })
		return rest
	}, 5*time.Second, time.Millisecond)
}

func TestAckNamesTheMessage(t *testing.T) {
	w := newWorld(t, nil)
	user := chat.NewID()
	d := w.resume(user, "phone", 1)
	out := sendFrame(chat.NewID(), `<"hello">`)
	var got *pb.SendRequest
	w.messages.send = func(_ context.Context, r *pb.SendRequest) (*pb.SendResponse, error) {
		got = r
		id := chat.MessageID(user, out.ClientMsgID)
		return &pb.SendResponse{MessageId: id[:]}, nil
	}
	d.say(out)
	require.Equal(t, wire.ServerFrame{Type: wire.TypeAck, ClientMsgID: out.ClientMsgID, MessageID: chat.MessageID(user, out.ClientMsgID)}, d.hear())
	require.Equal(t, user, wire.ID(got.SenderId))
	require.Equal(t, out.ConversationID, wire.ID(got.ConversationId))
	require.Equal(t, out.ClientMsgID, wire.ID(got.ClientMsgId))
	require.Equal(t, out.Content, got.Content)
}

func TestResumeAndHeartbeatNameWhatIsNewer(t *testing.T) {
	w := newWorld(t, nil)
	user := chat.NewID()
	have := []chat.Position{{ConversationID: chat.NewID(), Seq: 3, Timestamp: chat.NewID()}}
	newer := []chat.Position{{ConversationID: have[0].ConversationID, Seq: 5, Timestamp: chat.NewID()}}
	w.messages.heads = func(_ context.Context, r *pb.HeadsRequest) (*pb.HeadsResponse, error) {
		if wire.ID(r.UserId) != user || wire.PositionsFromPB(r.Positions)[0] != have[0] {
			return nil, chat.Errorf(chat.CodeBadRequest, "not what the device said")
		}
		return &pb.HeadsResponse{Newer: wire.PositionsToPB(newer)}, nil
	}
	d := w.open(w.ticket(user, "phone", 1))
	for typ, answer := range map[string]string{wire.TypeResume: wire.TypeResumed} {
		d.say(wire.ClientFrame{Type: typ, Positions: have})
		f := d.hear()
		require.Equal(t, answer, f.Type)
		require.Equal(t, newer, f.Newer)
		require.WithinDuration(t, time.Now(), f.ServerTime, time.Minute)
	}
	d.say(wire.ClientFrame{Type: wire.TypeHeartbeat, Positions: have})
	f := d.hear()
	require.Equal(t, wire.TypeHeartbeat, f.Type)
	require.Equal(t, newer, f.Newer)
	require.False(t, f.ServerTime.IsZero())
}

// A socket whose places cannot be compared is told so, and lives.
func TestResumeWithoutHeadsStillOpensTheSocket(t *testing.T) {
	w := newWorld(t, nil)
	w.messages.heads = func(context.Context, *pb.HeadsRequest) (*pb.HeadsResponse, error) {
		return nil, status.Error(codes.ResourceExhausted, "")
	}
	d := w.open(w.ticket(chat.NewID(), "phone", 1))
	d.say(wire.ClientFrame{Type: wire.TypeResume})
	require.Equal(t, chat.CodeUnavailable, d.hear().Code)
	require.Equal(t, wire.TypeResumed, d.hear().Type)
	d.say(wire.ClientFrame{Type: wire.TypeHeartbeat})
	require.Equal(t, chat.CodeUnavailable, d.hear().Code)
	w.messages.mu.Lock()
	w.messages.heads = nil
	w.messages.mu.Unlock()
	d.say(wire.ClientFrame{Type: wire.TypeHeartbeat})
	require.Equal(t, wire.TypeHeartbeat, d.hear().Type)
}

func TestReceivedKeepsTheNewest(t *testing.T) {
	w := newWorld(t, nil)
	user, conv := chat.NewID(), chat.NewID()
	d := w.resume(user, "phone", 1)
	for _, seq := range []int64{3, 9, 4} {
		d.say(wire.ClientFrame{Type: wire.TypeReceived, ConversationID: conv, Seq: seq})
	}
	d.say(wire.ClientFrame{Type: wire.TypeHeartbeat})
	d.hear()
	require.EqualValues(t, 9, w.g.Received(user, conv))
	var c cursors
	for range 2 * chat.MaxPositions {
		c.note(chat.Delivered, chat.Position{ConversationID: chat.NewID(), Seq: 1})
	}
	require.Len(t, c.at, chat.MaxPositions)
}

// A device that is newer than its gateway may say now and then what the gateway does not know, for as long as it lives.
func TestBadFramesEndASessionOnlyInARow(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.BadFrames = 3 })
	d := w.resume(chat.NewID(), "phone", 1)
	bad := func() { d.write(websocket.MessageText, []byte(`{"type":"dance"}`)) }
	for range 4 {
		bad()
		bad()
		require.Equal(t, chat.CodeBadFrame, d.hear().Code)
		require.Equal(t, chat.CodeBadFrame, d.hear().Code)
		d.say(wire.ClientFrame{Type: wire.TypeHeartbeat})
		require.Equal(t, wire.TypeHeartbeat, d.hear().Type)
	}
	bad()
	bad()
	bad()
	require.Equal(t, chat.CloseProtocol, d.closed())
}
