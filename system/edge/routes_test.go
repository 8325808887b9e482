package edge

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/limit"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

func unlimited() *limit.Users {
	return limit.NewUsers(limit.Config{PerSecond: 1e6, Burst: 1e6})
}

// oneSend admits one message a minute.
func oneSend() *limit.Users {
	return limit.NewUsers(limit.Config{PerSecond: 1.0 / 60, Burst: 1})
}

func read[T any](t *testing.T, a answer, status int) (v T) {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	d := json.NewDecoder(strings.NewReader(string(a.body)))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&v))
	return v
}

func TestSession(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, func(c *Config) { c.Heartbeat = 7 * time.Second }).ready(t)
	var last int64
	for range 3 {
		s := read[sessionAnswer](t, w.ask(t, "POST", "/api/v1/sessions", `{"device":"phone"}`), http.StatusCreated)
		assert.Equal(t, "public-1:443", s.Gateway)
		assert.Equal(t, int64(7000), s.HeartbeatMS)
		assert.Greater(t, s.Epoch, last)
		assert.WithinDuration(t, time.Now(), time.UnixMicro(s.Epoch), time.Minute)
		assert.WithinDuration(t, time.Now(), s.ServerTime, time.Minute)
		assert.WithinDuration(t, time.Now().Add(ticketLife), s.TicketExpiresAt, 5*time.Second)
		ticket, err := w.tickets.Ticket(s.Ticket)
		require.NoError(t, err)
		assert.Equal(t, w.alice.ID, ticket.User)
		assert.Equal(t, "phone", ticket.Device)
		assert.Equal(t, "gateway-1", ticket.Gateway)
		assert.Equal(t, s.Epoch, ticket.Epoch)
		assert.True(t, w.alice.Expires.Equal(ticket.UserExpires))
		assert.True(t, s.TicketExpiresAt.Equal(ticket.Expires))
		assert.True(t, s.TokenExpiresAt.Equal(ticket.UserExpires))
		last = s.Epoch
	}
}

func TestATicketDoesNotOutliveItsUserToken(t *testing.T) {
	soon, now := time.Now().Add(time.Second), time.Now()
	assert.Equal(t, soon, earlier(now.Add(ticketLife), soon))
	assert.Equal(t, now, earlier(now, soon))
}

func TestEpochsGrowWhateverTheClockDoes(t *testing.T) {
	var e epochs
	now := time.Now()
	first := e.next(now)
	assert.Equal(t, now.UnixMicro(), first)
	assert.Equal(t, first+1, e.next(now))
	assert.Equal(t, first+2, e.next(now.Add(-time.Hour)))
	assert.Equal(t, now.Add(time.Second).UnixMicro(), e.next(now.Add(time.Second)))
}

func TestConversations(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil)
	bob, c := chat.NewID(), chat.NewID()
	at := time.Date(2026, 11, 24, 12, 0, 0, 5e6, time.UTC)
	made := &pb.Conversation{
		ConversationId: c[:], Kind: "direct", Members: wire.IDBytes(bob, w.alice.ID), CreatedAtMs: at.UnixMilli(), LastMessageAtMs: at.UnixMilli(), LastSeq: 9, ReadSeq: 5, Unread: 4,
	}
	w.messages[0].will(gives(made))
	got := read[createAnswer](t, w.ask(t, "POST", "/api/v1/conversations", `{"type":"direct","members":["`+bob.String()+`"]}`), http.StatusCreated)
	assert.Equal(t, createAnswer{c, "direct", []chat.ID{bob, w.alice.ID}, at}, got)
	req := w.messages[0].last().(*pb.CreateConversationRequest)
	assert.Equal(t, w.alice.ID[:], req.UserId)
	assert.Equal(t, "direct", req.Kind)
	assert.Equal(t, bob[:], req.Members)

	w.messages[0].will(gives(&pb.ListConversationsResponse{Conversations: []*pb.Conversation{made}, More: true}))
	list := read[listAnswer](t, w.ask(t, "GET", "/api/v1/conversations?limit=1&skip=4", ""), http.StatusOK)
	assert.Equal(t, listAnswer{[]conversation{{c, "direct", []chat.ID{bob, w.alice.ID}, at, 9, 5, 4}}, true}, list)
	asked := w.messages[0].last().(*pb.ListConversationsRequest)
	assert.Equal(t, []int32{1, 4}, []int32{asked.Limit, asked.Skip})
	w.messages[0].will(nothing)
	a := w.ask(t, "GET", "/api/v1/conversations", "")
	assert.JSONEq(t, `{"conversations":[],"more":false}`, string(a.body))
	assert.Equal(t, int32(defaultConversations), w.messages[0].last().(*pb.ListConversationsRequest).Limit)

	a = w.ask(t, "POST", "/api/v1/conversations/"+c.String()+"/members", `{"add":["`+bob.String()+`"],"remove":["`+w.alice.ID.String()+`"]}`)
	assert.Equal(t, http.StatusNoContent, a.status)
	assert.Empty(t, a.body)
	change := w.messages[0].last().(*pb.ChangeMembersRequest)
	assert.Equal(t, [][]byte{w.alice.ID[:], c[:], bob[:], w.alice.ID[:]}, [][]byte{change.UserId, change.ConversationId, change.Add, change.Remove})
}

func TestSendAndHistory(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil)
	cid, mid := chat.NewClientMsgID(time.Now()), chat.NewID()
	w.messages[0].will(gives(&pb.SendResponse{MessageId: mid[:]}))
	sent := read[sendAnswer](t, w.ask(t, "POST", conv+"/messages", `{"client_msg_id":"`+cid.String()+`","content":"<hi> & \"bye\""}`), http.StatusCreated)
	assert.Equal(t, sendAnswer{cid, mid}, sent)
	req := w.messages[0].last().(*pb.SendRequest)
	assert.Equal(t, `<hi> & "bye"`, req.Content)
	assert.Equal(t, [][]byte{cid[:], w.alice.ID[:]}, [][]byte{req.ClientMsgId, req.SenderId})

	m := chat.Message{
		ID: mid, ConversationID: wire.ID(req.ConversationId), SenderID: w.alice.ID, ClientMsgID: cid, Type: chat.TypeText, Content: req.Content,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Place: chat.Place{Seq: 4, Timestamp: order.TimeUUID(order.TicksOf(time.Now()), 1, 2)},
	}
	w.messages[0].will(gives(&pb.HistoryResponse{Messages: []*pb.ChatMessage{wire.MessageToPB(m)}, More: true}))
	a := w.ask(t, "GET", conv+"/messages?limit=7&after="+m.Place.Timestamp.String(), "")
	frame := strings.Replace(string(wire.Encode(wire.MessageFrame(m))), `"type":"message",`, "", 1)
	assert.Equal(t, `{"messages":[`+frame+`],"more":true}`, strings.TrimSpace(string(a.body)))
	asked := w.messages[0].last().(*pb.HistoryRequest)
	assert.Equal(t, int32(7), asked.Limit)
	assert.Equal(t, m.Place.Timestamp[:], asked.After)
	assert.Nil(t, asked.Before)

	first := order.First()
	for query, want := range map[string]*pb.HistoryRequest{
		"":                                      {Limit: chat.DefaultHistory},
		"?after=0":                              {Limit: chat.DefaultHistory, After: first[:]},
		"?before=" + m.Place.Timestamp.String(): {Limit: chat.DefaultHistory, Before: m.Place.Timestamp[:]},
	} {
		w.ask(t, "GET", conv+"/messages"+query, "")
		asked := w.messages[0].last().(*pb.HistoryRequest)
		assert.Equal(t, []any{want.Limit, want.After, want.Before}, []any{asked.Limit, asked.After, asked.Before}, query)
	}
	w.messages[0].will(nothing)
	assert.JSONEq(t, `{"messages":[],"more":false}`, string(w.ask(t, "GET", conv+"/messages", "").body))
}

func TestPresence(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 2}, nil)
	for given, want := range map[string]string{"gateway-2": "gateway-2", "public-1:443": "gateway-1"} {
		a := w.ask(t, "PUT", "/api/v1/presence", `{"device":"phone","gateway":"`+given+`","epoch":1764000000000000}`)
		assert.Equal(t, http.StatusNoContent, a.status)
		d := w.presence[0].last().(*pb.AnnounceRequest).Device
		assert.Equal(t, []any{w.alice.ID[:], "phone", want, int64(1764000000000000)}, []any{d.UserId, d.Device, d.Gateway, d.Epoch})
	}
	bob, carol := chat.NewID(), chat.NewID()
	w.presence[0].will(gives(&pb.OnlineResponse{Devices: []*pb.DevicePresence{
		{UserId: bob[:], Device: "phone", Gateway: "gateway-1", Epoch: 5}, {UserId: bob[:], Device: "tablet", Gateway: "gateway-2", Epoch: 6},
	}}))
	w.messages[0].will(gives(&pb.ContactsResponse{Users: slices.Concat(carol[:], bob[:])}))
	a := w.ask(t, "GET", "/api/v1/presence?users="+strings.Join([]string{carol.String(), bob.String(), carol.String()}, ","), "")
	assert.JSONEq(t, `{"presence":[
		{"user_id":"`+carol.String()+`","online":false,"devices":[]},
		{"user_id":"`+bob.String()+`","online":true,"devices":[{"device":"phone"},{"device":"tablet"}]}]}`, string(a.body))
	assert.Equal(t, slices.Concat(carol[:], bob[:]), w.presence[0].last().(*pb.OnlineRequest).Users, "each user once")
	asked := w.messages[0].last().(*pb.ContactsRequest)
	assert.Equal(t, []any{w.alice.ID[:], slices.Concat(carol[:], bob[:])}, []any{asked.UserId, asked.Users})
}

// Strangers learn nothing of each other, and a question for some of them is not answered in part.
func TestPresenceIsForContacts(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil)
	bob, eve := chat.NewID(), chat.NewID()
	w.messages[0].will(gives(&pb.ContactsResponse{Users: bob[:]}))
	a := w.ask(t, "GET", "/api/v1/presence?users="+bob.String()+","+eve.String()+","+w.alice.ID.String(), "")
	p := checkProblem(t, a)
	assert.Equal(t, chat.CodeNotContact, p.Code)
	assert.Contains(t, p.Detail, "1 of 3")
	assert.NotContains(t, p.Detail, eve.String())
	assert.Empty(t, w.presence[0].took(), "presence is not even asked")

	w.messages[0].will(refuses(chat.Errorf(chat.CodeUnavailable, "no storage")))
	assert.Equal(t, chat.CodeUnavailable, w.ask(t, "GET", "/api/v1/presence?users="+bob.String(), "").code(t))
	assert.Equal(t, http.StatusOK, w.ask(t, "GET", "/api/v1/presence?users="+w.alice.ID.String(), "").status, "one's own devices need no contact")
}

func TestDevices(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil)
	a := w.ask(t, "PUT", "/api/v1/devices", `{"device":"my phone","provider":"fcm","token":"abc:DEF_-"}`)
	assert.Equal(t, http.StatusNoContent, a.status)
	put := w.messages[0].last().(*pb.PutDeviceRequest)
	assert.Equal(t, []any{w.alice.ID[:], "my phone", "fcm", "abc:DEF_-"}, []any{put.UserId, put.Device, put.Provider, put.Token})
	a = w.ask(t, "DELETE", "/api/v1/devices/my%20phone", "")
	assert.Equal(t, http.StatusNoContent, a.status)
	forgotten := w.messages[0].last().(*pb.DeleteDeviceRequest)
	assert.Equal(t, []any{w.alice.ID[:], "my phone"}, []any{forgotten.UserId, forgotten.Device})
}

func TestReady(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil).ready(t)
	require.NoError(t, w.edge.Depends().Ask(t.Context()).Err())
	w.messages[0].will(refuses(chat.Errorf(chat.CodeUnavailable, "no storage")))
	require.NoError(t, w.edge.Depends().Ask(t.Context()).Err(), "the pod is there, and devices are told what it said")
	w.presence[0].will(refuses(chat.Errorf(chat.CodeUnavailable, "no redis")))
	report := w.edge.Depends().Ask(t.Context())
	require.NoError(t, report.Err(), "sessions and messages go on")
	require.Len(t, report.Without(), 1)
	require.ErrorContains(t, report.Without()[0].Err, "no redis")
	lonely := newWorld(t, transport.Network{}, size{1, 1, 0}, nil)
	require.ErrorContains(t, lonely.edge.Depends().Ask(t.Context()).Err(), "gateway: see /readyz of the gateways")
}

// BenchmarkSend is one send over HTTP and gRPC on loopback: client, edge and a message pod that does nothing.
func BenchmarkSend(b *testing.B) {
	w := newWorld(b, transport.Network{}, size{1, 1, 1}, func(c *Config) { c.Sends = unlimited(); c.RequestsPerSecond = 1e9 })
	b.ReportAllocs()
	for b.Loop() {
		if a := w.ask(b, "POST", conv+"/messages", goodBody); a.status != http.StatusCreated {
			b.Fatal(string(a.body))
		}
	}
}
