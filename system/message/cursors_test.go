package message

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// While storage is slow cursors are answered before their caller gives up: what is not done is told later, and not all of it again.
func TestCursorsAreAnsweredInTime(t *testing.T) {
	t.Parallel()
	s, tables := readerOver(t)
	alice, bob := chat.NewID(), chat.NewID()
	made, err := s.CreateConversation(t.Context(), &pb.CreateConversationRequest{UserId: alice[:], Kind: chat.Direct, Members: wire.IDBytes(bob)})
	require.NoError(t, err)
	for _, node := range tables.Names() {
		require.NoError(t, tables.Freeze(node))
	}
	cursor := chat.Cursor{User: alice, Device: "phone", Kind: chat.Read, Position: chat.Position{ConversationID: wire.ID(made.ConversationId), Seq: 1}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	res, err := s.Advance(ctx, &pb.AdvanceRequest{Cursors: []*pb.Cursor{wire.CursorToPB(cursor)}})
	require.NoError(t, err)
	require.NoError(t, ctx.Err(), "there is time left for the answer")
	require.Equal(t, []int32{0}, res.Later)
}
