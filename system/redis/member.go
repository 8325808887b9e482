package redis

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// memberVersion changes with the form of member. Readers pass over members of other versions, as if they were not
// cached.
const memberVersion = 1

// member is a cached message. It is a pure function of the message as storage gives it back, so that the same message
// is one member however often, and by whom, it is added.
type member struct {
	Version   int     `json:"v"`
	At        string  `json:"at"` // the timestamp in the order of time: Redis sorts equal scores by these bytes
	Seq       int64   `json:"seq,omitempty"`
	Partition int32   `json:"partition,omitempty"`
	Offset    int64   `json:"offset,omitempty"`
	ID        chat.ID `json:"id"`
	Sender    chat.ID `json:"sender"`
	Client    chat.ID `json:"client_msg_id"`
	Type      string  `json:"type"`
	Content   string  `json:"content"`
	CreatedMS int64   `json:"created_ms"`
}

func encodeMember(m chat.Message) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(member{
		Version: memberVersion, At: sortable(m.Place.Timestamp), Seq: m.Place.Seq, Partition: m.Place.Partition, Offset: m.Place.Offset,
		ID: m.ID, Sender: m.SenderID, Client: m.ClientMsgID, Type: m.Type, Content: m.Content, CreatedMS: m.CreatedAt.UnixMilli(),
	})
	if err != nil {
		panic("encode member: " + err.Error()) // it holds only plain fields
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func decodeMember(conv chat.ID, text string) (chat.Message, error) {
	var m member
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return chat.Message{}, fmt.Errorf("decode member: %w", err)
	}
	at, ok := unsortable(m.At)
	if !ok || m.Version != memberVersion {
		return chat.Message{}, fmt.Errorf("decode member: version %d, at %.40q", m.Version, m.At)
	}
	return chat.Message{
		ID: m.ID, ConversationID: conv, SenderID: m.Sender, ClientMsgID: m.Client, Type: m.Type, Content: m.Content,
		CreatedAt: time.UnixMilli(m.CreatedMS).UTC(),
		Place:     chat.Place{Seq: m.Seq, Timestamp: at, Partition: m.Partition, Offset: m.Offset},
	}, nil
}

// score orders members: by place where the write path gives one, else by the sender's pod's clock.
func score(m chat.Message) float64 {
	if m.Place.Seq > 0 {
		return float64(m.Place.Seq)
	}
	return float64(m.CreatedAt.UnixMilli())
}

// sortable puts the bytes of a time UUID into the order of their weight.
func sortable(id chat.ID) string {
	var b [16]byte
	copy(b[0:], id[6:8])
	copy(b[2:], id[4:6])
	copy(b[4:], id[0:4])
	copy(b[8:], id[8:])
	return hex.EncodeToString(b[:])
}

func unsortable(s string) (id chat.ID, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 16 {
		return id, false
	}
	copy(id[6:], b[0:2])
	copy(id[4:], b[2:4])
	copy(id[0:], b[4:8])
	copy(id[8:], b[8:])
	return id, true
}
