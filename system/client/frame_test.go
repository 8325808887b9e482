package client

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// TestDecodeIsTheInverseOfEncode covers contents with every kind of character.
func TestDecodeIsTheInverseOfEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := chat.Message{
			ID: chat.NewID(), ConversationID: chat.NewID(), SenderID: chat.NewID(), ClientMsgID: chat.NewID(),
			Type:    rapid.SampledFrom([]string{chat.TypeText, chat.TypeMembersAdded}).Draw(t, "type"),
			Content: strings.ToValidUTF8(rapid.String().Draw(t, "content"), "?"), CreatedAt: time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "ms")).UTC(),
			Place: chat.Place{Seq: rapid.Int64Min(0).Draw(t, "seq"), Timestamp: stamp(7)},
		}
		var f frame
		require.NoError(t, f.decode(wire.Encode(wire.MessageFrame(m))))
		require.Equal(t, wire.TypeMessage, f.Type)
		require.Equal(t, m, f.message)

		reordered, err := json.Marshal(map[string]any{"content": m.Content, "seq": m.Place.Seq, "type": "message", "new": []int{1}})
		require.NoError(t, err)
		require.NoError(t, f.decode(reordered))
		require.Equal(t, chat.Message{Content: m.Content, Place: chat.Place{Seq: m.Place.Seq}}, f.message)
	})
}

// FuzzDecode demands that a message frame which encoding/json reads is read to the same fields.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"type":"message","seq":1}`))
	f.Add(wire.Encode(wire.MessageFrame(msg(3))))
	f.Add([]byte(`{"type":"message","content":"\u00e9\ud83d\ude00\n"}`))
	f.Add([]byte(`{"type":"resumed","newer":[]}`))
	f.Add([]byte(`{"type":"message",`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got frame
		var want wire.ServerFrame
		if err := got.decode(data); err != nil || json.Unmarshal(data, &want) != nil || got.Type != wire.TypeMessage {
			return
		}
		if want.Type == wire.TypeMessage && strings.Count(string(data), `"seq"`) == 1 {
			require.Equal(t, want.Seq, got.message.Place.Seq)
			require.Equal(t, want.MessageID, got.message.ID)
		}
	})
}

func TestDecodePage(t *testing.T) {
	for _, tc := range []struct {
		body string
		n    int
		more bool
		ok   bool
	}{
		{`{"messages":[{"seq":1},{"seq":2}],"more":true}`, 2, true, true},
		{`{"messages":[],"more":false}`, 0, false, true},
		{`{"messages":null}`, 0, false, true},
		{`{"messages":[{"seq":"1"}]}`, 0, false, false},
		{`{"messages":[{"seq":1}`, 0, false, false},
		{`{}`, 0, false, false},
		{``, 0, false, false},
	} {
		ms, more, err := decodePage([]byte(tc.body), conv)
		require.Equal(t, tc.ok, err == nil, "%s: %v", tc.body, err)
		require.Len(t, ms, tc.n, tc.body)
		require.Equal(t, tc.more, more, tc.body)
	}
}
