package wire

import (
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// MessageToPB converts a placed message.
func MessageToPB(m chat.Message) *pb.ChatMessage {
	return &pb.ChatMessage{
		MessageId: m.ID[:], ConversationId: m.ConversationID[:], SenderId: m.SenderID[:], ClientMsgId: m.ClientMsgID[:],
		Type: m.Type, Content: m.Content, CreatedAtMs: m.CreatedAt.UnixMilli(), Seq: m.Place.Seq, Timestamp: m.Place.Timestamp[:],
		LogOffset: m.Place.Offset,
	}
}

// MessageFromPB converts back.
func MessageFromPB(p *pb.ChatMessage) chat.Message {
	return chat.Message{
		ID: ID(p.MessageId), ConversationID: ID(p.ConversationId), SenderID: ID(p.SenderId), ClientMsgID: ID(p.ClientMsgId),
		Type: p.Type, Content: p.Content, CreatedAt: time.UnixMilli(p.CreatedAtMs).UTC(),
		Place: chat.Place{Seq: p.Seq, Timestamp: ID(p.Timestamp), Offset: p.LogOffset},
	}
}

// PositionsToPB converts positions.
func PositionsToPB(ps []chat.Position) []*pb.Position {
	out := make([]*pb.Position, len(ps))
	for i, p := range ps {
		out[i] = &pb.Position{ConversationId: p.ConversationID[:], Seq: p.Seq, Timestamp: p.Timestamp[:]}
	}
	return out
}

// PositionsFromPB converts back.
func PositionsFromPB(ps []*pb.Position) []chat.Position {
	out := make([]chat.Position, len(ps))
	for i, p := range ps {
		out[i] = chat.Position{ConversationID: ID(p.ConversationId), Seq: p.Seq, Timestamp: ID(p.Timestamp)}
	}
	return out
}

// CursorToPB converts a cursor.
func CursorToPB(c chat.Cursor) *pb.Cursor {
	return &pb.Cursor{
		ConversationId: c.ConversationID[:], UserId: c.User[:], Device: c.Device, Kind: c.Kind, Seq: c.Seq, Timestamp: c.Timestamp[:],
	}
}

// CursorFromPB converts back.
func CursorFromPB(p *pb.Cursor) chat.Cursor {
	return chat.Cursor{
		Position: chat.Position{ConversationID: ID(p.ConversationId), Seq: p.Seq, Timestamp: ID(p.Timestamp)},
		User:     ID(p.UserId), Device: p.Device, Kind: p.Kind,
	}
}
