package gateway

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// stream is a worker's, which waits for the answer to each of its messages.
type stream struct {
	t testing.TB
	pb.Gateway_DeliverClient
}

func (w *world) stream() stream {
	s, err := w.worker.Deliver(context.Background())
	require.NoError(w.t, err)
	w.t.Cleanup(func() { s.CloseSend() })
	return stream{w.t, s}
}

func (s stream) deliver(list ...*pb.Delivery) *pb.DeliverResponse {
	require.NoError(s.t, s.Send(&pb.DeliverRequest{Deliveries: list}))
	res, err := s.Recv()
	require.NoError(s.t, err)
	return res
}

func text(seq int) []byte {
	return wire.Encode(wire.ServerFrame{Type: wire.TypeMessage, Seq: int64(seq), Content: fmt.Sprint(seq)})
}

func TestDeliveriesToInlineUsersAndAudiences(t *testing.T) {
	w := newWorld(t, nil)
	ann, bob, away := chat.NewID(), chat.NewID(), chat.NewID()
	phone, laptop, bobs := w.resume(ann, "phone", 1), w.resume(ann, "laptop", 1), w.resume(bob, "phone", 1)
	conv, other := chat.NewID(), chat.NewID()
	s := w.stream()
	hears := func(d *device, seq int) {
		t.Helper()
		require.Equal(t, int64(seq), d.hear().Seq)
	}

	res := s.deliver(&pb.Delivery{Number: 1, ConversationId: conv[:], Users: wire.IDBytes(ann, away), Frame: text(1)})
	require.EqualValues(t, 1, res.Number)
	require.Len(t, res.Misses, 1)
	require.EqualValues(t, 1, res.Misses[0].Number)
	require.Equal(t, away[:], res.Misses[0].Users)
	hears(phone, 1)
	hears(laptop, 1)

	res = s.deliver(&pb.Delivery{Number: 2, ConversationId: conv[:], Audience: true, Users: wire.IDBytes(ann, bob), Frame: text(2)},
		&pb.Delivery{Number: 3, ConversationId: conv[:], Frame: text(3)},
		&pb.Delivery{Number: 4, ConversationId: other[:], Users: bob[:], Frame: text(4)},
		&pb.Delivery{Number: 5, ConversationId: conv[:], Users: bob[:], Frame: text(5)},
		&pb.Delivery{Number: 6, ConversationId: conv[:], Frame: text(6)},
		&pb.Delivery{ConversationId: conv[:], Resync: true})
	require.EqualValues(t, 6, res.Number, "one answer, the highest number")
	require.Empty(t, res.Misses)
	for _, d := range []*device{phone, laptop} {
		for _, seq := range []int{2, 3, 6} {
			hears(d, seq)
		}
	}
	for seq := 2; seq <= 6; seq++ {
		hears(bobs, seq)
	}
	for _, d := range []*device{phone, laptop, bobs} {
		require.Equal(t, wire.ServerFrame{Type: wire.TypeResync, Conversations: []chat.ID{conv}}, d.hear())
	}

	res = s.deliver(&pb.Delivery{Number: 7, ConversationId: conv[:], Audience: true, Users: bob[:]})
	require.EqualValues(t, 7, res.Number, "an audience alone reaches nobody")
	s.deliver(&pb.Delivery{Number: 8, ConversationId: conv[:], Frame: text(8)})
	hears(bobs, 8)
	require.EqualValues(t, 1, w.metric("chat_gateway_misses_total"))
	require.EqualValues(t, 17, w.metric("chat_gateway_pushes_total"), "one for each device")
}

// A worker that refers to what the stream does not know has to start again: nothing is passed over in silence.
func TestStreamsThatCannotBeFollowedEnd(t *testing.T) {
	w := newWorld(t, nil)
	conv, user := chat.NewID(), chat.NewID()
	known := &pb.Delivery{Number: 1, ConversationId: conv[:], Audience: true, Users: user[:], Frame: text(1)}
	for name, list := range map[string][]*pb.Delivery{
		"no audience":        {{Number: 1, ConversationId: conv[:], Frame: text(1)}},
		"forgotten audience": {known, {ConversationId: conv[:], Forget: true}, {Number: 2, ConversationId: conv[:], Frame: text(2)}},
		"resync of nobody":   {{ConversationId: conv[:], Resync: true}},
		"half an id":         {{Number: 1, ConversationId: conv[:], Users: user[:9], Frame: text(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			other := w.stream()
			require.EqualValues(t, 1, other.deliver(known).Number)
			s := w.stream()
			require.NoError(t, s.Send(&pb.DeliverRequest{Deliveries: list}))
			_, err := s.Recv()
			require.Equal(t, codes.InvalidArgument, status.Code(err), "%v", err)
			require.EqualValues(t, 2, other.deliver(&pb.Delivery{Number: 2, ConversationId: conv[:], Frame: text(2)}).Number)
		})
	}
}

func TestDeliverOneTellsWhetherThereIsASocket(t *testing.T) {
	w := newWorld(t, nil)
	user := chat.NewID()
	d := w.resume(user, "phone", 1)
	ask := func(id []byte, frame string) bool {
		res, err := w.worker.DeliverOne(context.Background(), &pb.DeliverOneRequest{UserId: id, Frame: []byte(frame)})
		require.NoError(t, err)
		return res.Delivered
	}
	stranger := chat.NewID()
	require.False(t, ask(stranger[:], "{}"))
	require.True(t, ask(user[:], `{"type":"message","seq":3}`))
	require.EqualValues(t, 3, d.hear().Seq)
	_, err := w.worker.DeliverOne(context.Background(), &pb.DeliverOneRequest{UserId: user[:3], Frame: []byte("{}")})
	require.Error(t, err)
}

// Workers, direct pushes and the session's own answers all write to one socket; what each puts in, in order, comes out
// in order.
func TestOrderIsKeptUnderConcurrency(t *testing.T) {
	const workers, users, each = 4, 10, 200
	w := newWorld(t, nil)
	var ids []chat.ID
	var devices []*device
	for range users {
		ids = append(ids, chat.NewID())
		devices = append(devices, w.resume(ids[len(ids)-1], "phone", 1))
	}
	var work sync.WaitGroup
	for n := range workers {
		work.Go(func() {
			s := w.stream()
			conv := chat.ID{byte(n + 1)}
			for i := 0; i < each; i += 4 {
				var list []*pb.Delivery
				for j := i; j < i+4; j++ {
					frame := wire.Encode(wire.ServerFrame{Type: wire.TypeMessage, ConversationID: conv, Seq: int64(j + 1)})
					one := &pb.Delivery{Number: uint64(j + 1), ConversationId: conv[:], Frame: frame}
					if j == 0 {
						one.Audience, one.Users = true, wire.IDBytes(ids...)
					}
					list = append(list, one)
				}
				s.deliver(list...)
			}
		})
	}
	for _, d := range devices {
		work.Go(func() {
			at := map[chat.ID]int64{}
			for range workers * each {
				f := d.hear()
				if f.Seq != at[f.ConversationID]+1 {
					t.Errorf("conversation %s: %d after %d", f.ConversationID, f.Seq, at[f.ConversationID])
					return
				}
				at[f.ConversationID] = f.Seq
			}
		})
	}
	work.Wait()
}

// A device that does not wait for answers is still heard in the order in which it spoke, conversation by conversation.
func TestPipelinedSendsKeepTheirOrder(t *testing.T) {
	const convs, each = 3, 40
	var mu sync.Mutex
	heard := map[chat.ID][]string{}
	w := newWorld(t, func(c *Config) { c.Limits.Sends = convs*each + 1 })
	blocked := make(chan struct{})
	w.messages.send = func(_ context.Context, r *pb.SendRequest) (*pb.SendResponse, error) {
		conv := wire.ID(r.ConversationId)
		if conv == (chat.ID{1}) && r.Content == "0" {
			<-blocked // a slow conversation holds up no other
		}
		mu.Lock()
		defer mu.Unlock()
		heard[conv] = append(heard[conv], r.Content)
		return &pb.SendResponse{MessageId: r.ClientMsgId}, nil
	}
	d := w.resume(chat.NewID(), "phone", 1)
	sent := map[chat.ID]chat.ID{} // conversation by client_msg_id
	for i := range each {
		for c := range convs {
			f := sendFrame(chat.ID{byte(c + 1)}, fmt.Sprint(i))
			sent[f.ClientMsgID] = f.ConversationID
			d.say(f)
		}
	}
	for range (convs - 1) * each {
		f := d.hear()
		require.Equal(t, wire.TypeAck, f.Type, f.Message)
		require.NotEqual(t, chat.ID{1}, sent[f.ClientMsgID])
	}
	close(blocked)
	for range each {
		require.Equal(t, wire.TypeAck, d.hear().Type)
	}
	var want []string
	for i := range each {
		want = append(want, fmt.Sprint(i))
	}
	for c := range convs {
		require.Equal(t, want, heard[chat.ID{byte(c + 1)}])
	}
	require.Eventually(t, func() bool {
		empty := true
		w.g.table.each(func(s *session) { empty = empty && !s.lanes.busy() && s.lanes.of == nil })
		return empty
	}, 10*time.Second, time.Millisecond, "lanes go when they are empty")
}

func TestDirectPushIsASwitch(t *testing.T) {
	for _, on := range []bool{true, false} {
		t.Run(fmt.Sprint(on), func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.Switches.DirectPush = on })
			ann, bob := chat.NewID(), chat.NewID()
			sender, receiver := w.resume(ann, "phone", 1), w.resume(bob, "phone", 1)
			w.messages.send = func(context.Context, *pb.SendRequest) (*pb.SendResponse, error) {
				return &pb.SendResponse{MessageId: ann[:], DirectUsers: wire.IDBytes(bob, chat.NewID()), Frame: text(5)}, nil
			}
			sender.say(sendFrame(chat.NewID(), "hello"))
			require.Equal(t, wire.TypeAck, sender.hear().Type)
			receiver.say(wire.ClientFrame{Type: wire.TypeHeartbeat})
			var types []string
			for first := true; first || !slices.Contains(types, wire.TypeHeartbeat); first = false {
				types = append(types, receiver.hear().Type)
			}
			require.Equal(t, on, slices.Contains(types, wire.TypeMessage))
		})
	}
}
