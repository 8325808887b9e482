package fanout_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/wire"
)

// write puts a record into the log past every message pod, where a conversation's records go.
func (r *rig) write(conv chat.ID, value []byte) {
	p := r.client.Producer(wire.TopicMessages)
	defer p.Close()
	require.NoError(r.t, p.Write(r.t.Context(), wire.Record{ConversationID: conv}.Key(), value))
}

func (r *rig) writeRecord(conv, sender chat.ID, text string) {
	m := chat.Message{ConversationID: conv, SenderID: sender, ClientMsgID: chat.NewClientMsgID(time.Now()), Type: chat.TypeText, Content: text, CreatedAt: time.Now()}
	m.ID = chat.MessageID(sender, m.ClientMsgID)
	value, err := json.Marshal(wire.RecordOf(m))
	require.NoError(r.t, err)
	r.write(conv, value)
}

func (r *rig) letters(want int) []deadletter.Letter {
	var got []deadletter.Letter
	require.Eventually(r.t, func() bool {
		var err error
		got, err = deadletter.List(r.t.Context(), r.client)
		return err == nil && len(got) >= want
	}, 20*time.Second, 20*time.Millisecond)
	require.Len(r.t, got, want)
	return got
}

// What no worker can process goes to the dead letters; what stands around it in the same partition takes its places
// as if that had never been there.
func TestPoisonNeverStopsItsPartition(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{chat.ProfileHardened, chat.ProfileDocument} {
		t.Run(profile, func(t *testing.T) {
			r := newRig(t, profile)
			r.switches.Mutant = "handling_panics"
			a, b := chat.NewID(), chat.NewID()
			conv := r.conversation(a, b)
			r.send(a, conv, chat.NewClientMsgID(time.Now()), "one")
			r.write(conv, []byte(`{"conversation_id":`))
			r.write(conv, nil)
			r.send(a, conv, chat.NewClientMsgID(time.Now()), "two")
			r.writeRecord(conv, a, "panic")
			r.send(a, conv, chat.NewClientMsgID(time.Now()), "three")
			defer r.work()()
			require.Eventually(t, func() bool { return len(r.gateway.frames(b)) == 3 }, 20*time.Second, 10*time.Millisecond)
			letters := r.letters(3)
			for _, l := range letters {
				require.Equal(t, wire.TopicMessages, l.Origin.Topic)
				require.Equal(t, wire.GroupFanout, l.Origin.Group)
				require.Equal(t, conv.String(), string(l.Key))
				require.Equal(t, "fanout-1", l.Pod)
			}
			errors := letters[0].Error + letters[1].Error + letters[2].Error
			require.Contains(t, errors, "decode record")
			require.Contains(t, errors, "cannot bear")
			if profile == chat.ProfileHardened {
				require.Eventually(t, func() bool { return len(r.history(b, conv)) == 3 }, 5*time.Second, 10*time.Millisecond)
				require.Equal(t, []int64{1, 2, 3}, seqs(r.history(b, conv)), "a dead letter takes no place")
			}
		})
	}
}

func TestARowThatStorageRefusesIsADeadLetter(t *testing.T) {
	r := newRig(t, chat.ProfileHardened)
	a, b := chat.NewID(), chat.NewID()
	conv := r.conversation(a, b)
	large := r.client.ProducerUpTo(wire.TopicMessages, 4<<20)
	defer large.Close()
	m := wire.Record{MessageID: chat.NewID(), ConversationID: conv, SenderID: a, ClientMsgID: chat.NewClientMsgID(time.Now()),
		MessageType: chat.TypeText, CreatedAt: time.Now(), Content: strings.Repeat("x", cassandra.MaxRowBytes+1)}
	value, err := json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, large.Write(t.Context(), m.Key(), value))
	r.send(a, conv, chat.NewClientMsgID(time.Now()), "after")
	defer r.work()()
	letters := r.letters(1)
	require.Contains(t, letters[0].Error, "longer than 262144")
	require.Equal(t, value, letters[0].Value)
	require.Eventually(t, func() bool { return len(r.history(b, conv)) == 1 }, 5*time.Second, 10*time.Millisecond)
	require.Len(t, r.gateway.frames(b), 1, "nobody has seen it")
}
