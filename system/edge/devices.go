package edge

import (
	"context"
	"net/http"

	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire/pb"
)

type deviceRequest struct {
	Device   string `json:"device"`
	Provider string `json:"provider"`
	Token    string `json:"token"`
}

// putDevice registers where a device of the caller takes notifications. An app repeats it whenever its provider gives
// it another token.
func (e *Edge) putDevice(r request) (int, any, error) {
	var in deviceRequest
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	d := chat.PushDevice{User: r.user.ID, Device: in.Device, Provider: in.Provider, Token: in.Token}
	if err := d.Validate(); err != nil {
		return 0, nil, err
	}
	req := &pb.PutDeviceRequest{UserId: d.User[:], Device: d.Device, Provider: d.Provider, Token: d.Token}
	_, err := do(r.Context(), e.messages.any(repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.PutDeviceResponse, error) {
		return pb.NewMessagesClient(c).PutDevice(ctx, req, o)
	})
	return http.StatusNoContent, nil, err
}

// deleteDevice forgets a device of the caller, as an app does when its user signs out.
func (e *Edge) deleteDevice(r request) (int, any, error) {
	name := r.PathValue("device")
	if err := chat.ValidateDevice(name); err != nil {
		return 0, nil, err
	}
	req := &pb.DeleteDeviceRequest{UserId: r.user.ID[:], Device: name}
	_, err := do(r.Context(), e.messages.any(repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.DeleteDeviceResponse, error) {
		return pb.NewMessagesClient(c).DeleteDevice(ctx, req, o)
	})
	return http.StatusNoContent, nil, err
}
