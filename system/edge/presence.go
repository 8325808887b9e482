package edge

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

type presenceRequest struct {
	Device  string `json:"device"`
	Gateway string `json:"gateway"`
	Epoch   int64  `json:"epoch"`
}

// putPresence is a device's own sign of life, where gateways do not give it. The gateway is the one of its session, by
// address or by name.
func (e *Edge) putPresence(r request) (int, any, error) {
	var in presenceRequest
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if err := chat.ValidateDevice(in.Device); err != nil {
		return 0, nil, err
	}
	gateway, ok := e.gateways.nameOf(in.Gateway)
	if !ok || in.Epoch < 1 {
		return 0, nil, chat.Errorf(chat.CodeBadRequest, "gateway and epoch: want those of the session")
	}
	req := &pb.AnnounceRequest{Device: &pb.DevicePresence{UserId: r.user.ID[:], Device: in.Device, Gateway: gateway, Epoch: in.Epoch}}
	_, err := do(r.Context(), e.presence.any(repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.AnnounceResponse, error) {
		return pb.NewPresencesClient(c).Announce(ctx, req, o)
	})
	return http.StatusNoContent, nil, err
}

type presenceAnswer struct {
	Presence []presence `json:"presence"`
}

type presence struct {
	UserID  chat.ID  `json:"user_id"`
	Online  bool     `json:"online"`
	Devices []device `json:"devices"`
}

// device says nothing of its gateway: contacts need not know how the system is built.
type device struct {
	Device string `json:"device"`
}

// getPresence answers for at most chat.MaxPresenceUsers users, each once and in the order asked. All of them must be
// contacts of the one who asks, or that one.
func (e *Edge) getPresence(r request) (int, any, error) {
	users, err := askedUsers(r)
	if err != nil {
		return 0, nil, err
	}
	if err := e.onlyContacts(r.Context(), r.user.ID, users); err != nil {
		return 0, nil, err
	}
	res, err := e.online(r.Context(), &pb.OnlineRequest{Users: wire.IDBytes(users...)})
	if err != nil {
		return 0, nil, err
	}
	devices := make(map[chat.ID][]device, len(users))
	for _, d := range res.Devices {
		u := wire.ID(d.UserId)
		devices[u] = append(devices[u], device{d.Device})
	}
	out := presenceAnswer{make([]presence, len(users))}
	for i, u := range users {
		out.Presence[i] = presence{u, len(devices[u]) > 0, append([]device{}, devices[u]...)}
	}
	return http.StatusOK, out, nil
}

// onlyContacts refuses a question for strangers. It names how many there are, not who: that a user exists is also news.
func (e *Edge) onlyContacts(ctx context.Context, asker chat.ID, users []chat.ID) error {
	others := slices.DeleteFunc(slices.Clone(users), func(u chat.ID) bool { return u == asker })
	if len(others) == 0 {
		return nil
	}
	req := &pb.ContactsRequest{UserId: asker[:], Users: wire.IDBytes(others...)}
	res, err := do(ctx, e.messages.of(asker, repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.ContactsResponse, error) {
		return pb.NewMessagesClient(c).Contacts(ctx, req, o)
	})
	if err != nil {
		return err
	}
	if strangers := len(others) - len(res.Users)/16; strangers > 0 {
		return chat.Errorf(chat.CodeNotContact, "%d of %d users are no contacts of yours", strangers, len(users))
	}
	return nil
}

func (e *Edge) online(ctx context.Context, req *pb.OnlineRequest) (*pb.OnlineResponse, error) {
	return do(ctx, e.presence.any(repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.OnlineResponse, error) {
		return pb.NewPresencesClient(c).Online(ctx, req, o)
	})
}

func askedUsers(r request) ([]chat.ID, error) {
	q, err := r.query("users")
	if err != nil {
		return nil, err
	}
	texts := strings.Split(q.values.Get("users"), ",")
	if len(texts) > chat.MaxPresenceUsers {
		return nil, chat.Errorf(chat.CodeBadRequest, "%d users: at most %d in one question", len(texts), chat.MaxPresenceUsers)
	}
	seen := make(map[chat.ID]bool, len(texts))
	var users []chat.ID
	for _, text := range texts {
		u, err := chat.ParseID(text)
		if err != nil {
			return nil, err
		}
		if !seen[u] {
			seen[u] = true
			users = append(users, u)
		}
	}
	return users, nil
}
