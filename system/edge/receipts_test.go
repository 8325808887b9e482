package edge

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

func TestReadMovesTheUsersCursor(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil)
	for _, test := range []struct {
		name   string
		answer *pb.AdvanceResponse
		want   chat.Code
	}{
		{"it stands", &pb.AdvanceResponse{}, ""},
		{"a stranger", &pb.AdvanceResponse{Refused: []int32{0}}, chat.CodeNotMember},
		{"a place that nobody has", &pb.AdvanceResponse{Later: []int32{0}}, chat.CodeUnavailable},
	} {
		w.messages[0].will(gives(test.answer))
		a := w.ask(t, "POST", conv+"/read", `{"seq":4}`)
		assert.Equal(t, test.want, a.code(t), test.name)
		if test.want == "" {
			assert.Equal(t, http.StatusNoContent, a.status)
		}
		req := w.messages[0].last().(*pb.AdvanceRequest)
		require.Len(t, req.Cursors, 1)
		c := wire.CursorFromPB(req.Cursors[0])
		assert.Equal(t, chat.Cursor{
			Position: chat.Position{ConversationID: wire.ID(req.Cursors[0].ConversationId), Seq: 4}, User: w.alice.ID, Device: restDevice, Kind: chat.Read,
		}, c)
	}
}

func TestReceipts(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil)
	w.messages[0].will(gives(&pb.ReceiptsResponse{Members: 499, Counts: []*pb.ReceiptCount{{Seq: 7, Delivered: 431, Read: 12}, {Seq: 9}}}))
	a := w.ask(t, "GET", conv+"/receipts?seq=7,9", "")
	assert.Equal(t, http.StatusOK, a.status)
	assert.JSONEq(t, `{"members":499,"receipts":[{"seq":7,"delivered":431,"read":12},{"seq":9,"delivered":0,"read":0}]}`, string(a.body))
	req := w.messages[0].last().(*pb.ReceiptsRequest)
	assert.Equal(t, []int64{7, 9}, req.Seqs)
	assert.Equal(t, w.alice.ID[:], req.UserId)
	w.messages[0].will(refuses(chat.Errorf(chat.CodeNotMember, "no")))
	assert.Equal(t, chat.CodeNotMember, w.ask(t, "GET", conv+"/receipts?seq=1", "").code(t))
}
