package gateway

import (
	"context"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// maxConnected bounds the users of one question: about a millisecond of looking up.
const maxConnected = 10_000

// Connected answers which of some users have a socket here. It asks nobody else, so that workers can find users while
// presence is away.
func (g *Gateway) Connected(_ context.Context, req *pb.ConnectedRequest) (*pb.ConnectedResponse, error) {
	users := req.Users
	if len(users)%16 != 0 || len(users) > 16*maxConnected {
		return nil, chat.Errorf(chat.CodeBadRequest, "%d bytes of users: want whole ids, at most %d", len(users), maxConnected)
	}
	res := &pb.ConnectedResponse{}
	for ; len(users) > 0; users = users[16:] {
		if g.table.has(chat.ID(users[:16])) {
			res.Users = append(res.Users, users[:16]...)
		}
	}
	return res, nil
}
