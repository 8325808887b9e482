// Package presence is the role that knows who is online: it takes signs of life from gateways and devices, and answers
// for any user on which gateways they are.
package presence

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/readiness"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// MaxRefresh is how many devices one Refresh may renew.
const MaxRefresh = 10_000

// retryAfter is when to repeat a call that the store did not answer. Every call may be repeated.
const retryAfter = 500 * time.Millisecond

// Config is what the role needs.
type Config struct {
	Store   *redis.Presence
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Service implements pb.PresencesServer. It holds no state: any pod answers for any user.
type Service struct {
	pb.UnimplementedPresencesServer
	cfg     Config
	metrics metrics
}

// New makes the role. A Log or Metrics left nil goes nowhere.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil {
		return nil, errors.New("make presence role: no store")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, metrics: m}, nil
}

// Depends is the store: it takes a write and gives it back.
func (s *Service) Depends() readiness.Dependencies {
	return readiness.Dependencies{readiness.PresenceStore(s.cfg.Store.Ready)}
}

// Announce enters a device. One that an already announced newer connection has replaced changes nothing: its late call
// is no error, and learns of it.
func (s *Service) Announce(ctx context.Context, req *pb.AnnounceRequest) (*pb.AnnounceResponse, error) {
	d, err := deviceOf(req.Device)
	if err != nil {
		s.metrics.heartbeat(refused, 1)
		return nil, err
	}
	current, err := s.cfg.Store.Announce(ctx, d)
	if err != nil {
		s.metrics.heartbeat(failed, 1)
		return nil, s.unavailable("announce device", err)
	}
	s.metrics.heartbeats([]bool{current})
	return &pb.AnnounceResponse{Replaced: !current}, nil
}

// Refresh renews many devices, and names those that a newer connection has replaced. One that cannot be read refuses the
// whole batch: its gateway is broken.
func (s *Service) Refresh(ctx context.Context, req *pb.RefreshRequest) (*pb.RefreshResponse, error) {
	ds, err := devicesOf(req.Devices)
	if err != nil {
		s.metrics.heartbeat(refused, len(req.Devices))
		return nil, err
	}
	s.metrics.batch.Observe(float64(len(ds)))
	current, err := s.cfg.Store.Refresh(ctx, ds)
	if err != nil {
		s.metrics.heartbeat(failed, len(ds))
		return nil, s.unavailable("refresh devices", err)
	}
	s.metrics.heartbeats(current)
	res := &pb.RefreshResponse{}
	for i, c := range current {
		if !c {
			res.Replaced = append(res.Replaced, int32(i))
		}
	}
	return res, nil
}

// Leave removes a device unless a newer connection has announced it.
func (s *Service) Leave(ctx context.Context, req *pb.LeaveRequest) (*pb.LeaveResponse, error) {
	d, err := deviceOf(req.Device)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Store.Leave(ctx, d); err != nil {
		return nil, s.unavailable("remove device", err)
	}
	return &pb.LeaveResponse{}, nil
}

// Online returns the devices of these users that are online, user by user as asked.
func (s *Service) Online(ctx context.Context, req *pb.OnlineRequest) (*pb.OnlineResponse, error) {
	users, err := wire.IDs(req.Users)
	switch {
	case err != nil:
		return nil, chat.Errorf(chat.CodeBadRequest, "%v", err)
	case len(users) > chat.MaxPresenceUsers:
		return nil, chat.Errorf(chat.CodeBadRequest, "%d users: at most %d in one question", len(users), chat.MaxPresenceUsers)
	}
	start := time.Now()
	found, err := s.cfg.Store.Lookup(ctx, users)
	s.metrics.lookup.Observe(time.Since(start).Seconds())
	if err != nil {
		return nil, s.unavailable("look up users", err)
	}
	res := &pb.OnlineResponse{}
	for _, u := range users {
		for _, d := range found[u] {
			res.Devices = append(res.Devices, &pb.DevicePresence{UserId: d.User[:], Device: d.Name, Gateway: d.Gateway, Epoch: d.Epoch})
		}
		delete(found, u) // asked for twice, answered once
	}
	return res, nil
}

func (s *Service) unavailable(what string, err error) error {
	s.cfg.Log.Warn(what, "error", err)
	return chat.Errorf(chat.CodeUnavailable, "the presence store does not answer: repeat the call").After(retryAfter)
}

func devicesOf(ps []*pb.DevicePresence) ([]redis.Device, error) {
	if len(ps) > MaxRefresh {
		return nil, chat.Errorf(chat.CodeBadRequest, "%d devices: at most %d in one batch", len(ps), MaxRefresh)
	}
	ds := make([]redis.Device, len(ps))
	for i, p := range ps {
		var err error
		if ds[i], err = deviceOf(p); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

func deviceOf(p *pb.DevicePresence) (redis.Device, error) {
	d := redis.Device{User: wire.ID(p.GetUserId()), Name: p.GetDevice(), Gateway: p.GetGateway(), Epoch: p.GetEpoch()}
	switch {
	case d.User == chat.ID{}:
		return d, chat.Errorf(chat.CodeBadRequest, "a device needs its user")
	case d.Name == "" || len(d.Name) > chat.MaxDeviceName:
		return d, chat.Errorf(chat.CodeBadRequest, "a device name has 1 to %d bytes, not %d", chat.MaxDeviceName, len(d.Name))
	case d.Gateway == "" || len(d.Gateway) > maxGatewayName:
		return d, chat.Errorf(chat.CodeBadRequest, "a gateway name has 1 to %d bytes, not %d", maxGatewayName, len(d.Gateway))
	case d.Epoch < 1 || d.Epoch > redis.MaxEpoch:
		return d, chat.Errorf(chat.CodeBadRequest, "epoch %d: want 1 to 2^53", d.Epoch)
	}
	return d, nil
}

// maxGatewayName is the longest name that a host may have.
const maxGatewayName = 253
