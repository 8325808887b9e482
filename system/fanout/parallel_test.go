package fanout_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// A message and its retries are one, in history and on every device, the sender's too.
func TestParallelTakesARetryForTheSameMessage(t *testing.T) {
	r := newRig(t, chat.ProfileMitigated)
	a, b := chat.NewID(), chat.NewID()
	conv := r.conversation(a, b)
	defer r.work()()
	for i := range 20 {
		id := chat.NewClientMsgID(time.Now())
		r.send(a, conv, id, fmt.Sprint(i))
		r.send(a, conv, id, fmt.Sprint(i))
	}
	require.Len(t, r.history(b, conv), 20, "acknowledged is stored")
	for _, u := range []chat.ID{a, b} {
		require.Eventually(t, func() bool { return len(r.gateway.frames(u)) == 20 }, 20*time.Second, 10*time.Millisecond)
		for _, f := range r.gateway.frames(u) {
			require.Zero(t, f.Seq)
			require.EqualValues(t, 1, f.Timestamp.Version())
		}
	}
}

// What only the log has, because a pod died or its other write failed, the worker stores; and a second row of the same
// message, as another pod leaves it, readers pass over.
func TestParallelWorkerAppliesTheInsert(t *testing.T) {
	r := newRig(t, chat.ProfileMitigated)
	a, b := chat.NewID(), chat.NewID()
	conv := r.conversation(a, b)
	defer r.work()()
	now := time.Now().UTC()
	m := chat.Message{ConversationID: conv, SenderID: a, ClientMsgID: chat.NewClientMsgID(now), Type: chat.TypeText, Content: "orphan", CreatedAt: now}
	m.ID = chat.MessageID(a, m.ClientMsgID)
	m.Place.Timestamp = order.TimeUUID(order.TicksOf(now), 0, 1)
	value, err := json.Marshal(wire.RecordOf(m))
	require.NoError(t, err)
	producer := r.client.Producer(wire.TopicMessages)
	defer producer.Close()
	require.NoError(t, producer.Write(t.Context(), []byte(conv.String()), value))
	require.Eventually(t, func() bool { return len(r.history(b, conv)) == 1 }, 20*time.Second, 10*time.Millisecond)
	again := m
	again.Place.Timestamp = order.TimeUUID(order.TicksOf(now.Add(time.Second)), 0, 2)
	require.NoError(t, r.store.Insert(t.Context(), again))
	stored, err := r.store.Newest(t.Context(), conv, 10)
	require.NoError(t, err)
	require.Len(t, stored, 2)
	require.Len(t, r.history(b, conv), 1)
}

// A change of members takes effect on the write paths in which the log decides nothing.
func TestMembersChangeOnEveryWritePath(t *testing.T) {
	for _, profile := range []string{chat.ProfileDocument, chat.ProfileMitigated} {
		t.Run(profile, func(t *testing.T) {
			r := newRig(t, profile)
			a, b, c := chat.NewID(), chat.NewID(), chat.NewID()
			conv := r.conversation(a, b)
			_, err := r.presence.Announce(t.Context(), redis.Device{User: c, Name: "phone", Gateway: "gateway-1", Epoch: 9})
			require.NoError(t, err)
			defer r.work()()
			_, err = r.service.ChangeMembers(t.Context(), &pb.ChangeMembersRequest{UserId: a[:], ConversationId: conv[:], Add: c[:], Remove: b[:]})
			require.NoError(t, err)
			r.send(c, conv, chat.NewClientMsgID(time.Now()), "hello")
			r.send(a, conv, chat.NewClientMsgID(time.Now()), "welcome")
			require.Eventually(t, func() bool { return said(r.gateway.frames(c), "welcome") }, 20*time.Second, 10*time.Millisecond)
			require.Len(t, r.history(a, conv), 4)
			require.Len(t, r.history(c, conv), 4)
			require.Eventually(t, func() bool { return len(r.history(b, conv)) == 0 }, 5*time.Second, 50*time.Millisecond)
			require.False(t, said(r.gateway.frames(b), "welcome"))
		})
	}
}

func said(frames []wire.ServerFrame, text string) bool {
	for _, f := range frames {
		if f.Content == text {
			return true
		}
	}
	return false
}
