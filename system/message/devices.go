package message

import (
	"context"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// PutDevice registers where a device takes notifications, instead of where it did before.
func (s *Service) PutDevice(ctx context.Context, req *pb.PutDeviceRequest) (*pb.PutDeviceResponse, error) {
	d := chat.PushDevice{User: wire.ID(req.UserId), Device: req.Device, Provider: req.Provider, Token: req.Token}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	if err := s.cfg.Store.PutDevice(ctx, d); err != nil {
		return nil, unknown(err)
	}
	return &pb.PutDeviceResponse{}, nil
}

// DeleteDevice forgets a device; one that is not registered is no error.
func (s *Service) DeleteDevice(ctx context.Context, req *pb.DeleteDeviceRequest) (*pb.DeleteDeviceResponse, error) {
	if err := chat.ValidateDevice(req.Device); err != nil {
		return nil, err
	}
	if err := s.cfg.Store.DeleteDevice(ctx, wire.ID(req.UserId), req.Device); err != nil {
		return nil, unknown(err)
	}
	return &pb.DeleteDeviceResponse{}, nil
}
