package edge

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	// restDevice is the device that a read over REST counts as.
	restDevice = "rest"
	// maxReceiptPlaces bounds one question.
	maxReceiptPlaces = 100
	// placeRetryAfter is when a place that was pushed is surely stored.
	placeRetryAfter = time.Second
)

type readRequest struct {
	Seq       int64 `json:"seq"`
	Timestamp id    `json:"timestamp"`
}

// read moves the user's read cursor, by the seq of a message or by its timestamp.
func (e *Edge) read(r request) (int, any, error) {
	conv, err := r.pathID()
	if err != nil {
		return 0, nil, err
	}
	var in readRequest
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	at := chat.Position{ConversationID: conv, Seq: in.Seq, Timestamp: chat.ID(in.Timestamp)}
	if at.Seq < 0 || at.Seq == 0 && at.Timestamp.Version() != 1 || at.Timestamp != (chat.ID{}) && at.Timestamp.Version() != 1 {
		return 0, nil, chat.Errorf(chat.CodeBadRequest, "give the seq or the timestamp of the newest message that is read")
	}
	c := wire.CursorToPB(chat.Cursor{Position: at, User: r.user.ID, Device: restDevice, Kind: chat.Read})
	res, err := do(r.Context(), e.messages.of(conv, repeatable), func(ctx context.Context, cc *grpc.ClientConn, o grpc.CallOption) (*pb.AdvanceResponse, error) {
		return pb.NewMessagesClient(cc).Advance(ctx, &pb.AdvanceRequest{Cursors: []*pb.Cursor{c}}, o)
	})
	switch {
	case err != nil:
		return 0, nil, err
	case len(res.Refused) > 0:
		return 0, nil, chat.NotMember(conv)
	case len(res.Later) > 0:
		return 0, nil, chat.Errorf(chat.CodeUnavailable, "the place is not stored, or storage does not answer").After(placeRetryAfter)
	}
	return http.StatusNoContent, nil, nil
}

type receiptsAnswer struct {
	Members  int            `json:"members"`
	Receipts []wire.Receipt `json:"receipts"`
}

// receipts counts how many of the other members have got and read messages.
func (e *Edge) receipts(r request) (int, any, error) {
	conv, err := r.pathID()
	if err != nil {
		return 0, nil, err
	}
	q, err := r.query("seq")
	if err != nil {
		return 0, nil, err
	}
	seqs, err := q.seqs()
	if err != nil {
		return 0, nil, err
	}
	req := &pb.ReceiptsRequest{ConversationId: conv[:], UserId: r.user.ID[:], Seqs: seqs}
	res, err := do(r.Context(), e.messages.of(conv, repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.ReceiptsResponse, error) {
		return pb.NewMessagesClient(c).Receipts(ctx, req, o)
	})
	if err != nil {
		return 0, nil, err
	}
	out := receiptsAnswer{Members: int(res.Members), Receipts: make([]wire.Receipt, len(res.Counts))}
	for i, c := range res.Counts {
		out.Receipts[i] = wire.Receipt{Seq: c.Seq, Delivered: int(c.Delivered), Read: int(c.Read)}
	}
	return http.StatusOK, out, nil
}

// seqs reads "seq=7,8,9".
func (q query) seqs() (out []int64, err error) {
	for text := range strings.SplitSeq(q.values.Get("seq"), ",") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 || len(out) == maxReceiptPlaces {
			return nil, chat.Errorf(chat.CodeBadRequest, "parameter seq: want 1 to %d numbers from 1 on, joined by commas", maxReceiptPlaces)
		}
		out = append(out, n)
	}
	return out, nil
}
