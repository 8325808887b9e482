package cassandra

import (
	"context"
	"fmt"

	"github.com/gocql/gocql"

	"github.com/chatlab/chatlab/system/chat"
)

// PutDevice stores where a device takes notifications, instead of what it said before.
func (s *Store) PutDevice(ctx context.Context, d chat.PushDevice) error {
	if err := s.s.Query(insertDevice, gocql.UUID(d.User), d.Device, d.Provider, d.Token).WithContext(ctx).Exec(); err != nil {
		return fmt.Errorf("store device: %w", err)
	}
	return nil
}

// DeleteDevice forgets a device. One that is not there is no error.
func (s *Store) DeleteDevice(ctx context.Context, user chat.ID, device string) error {
	if err := s.s.Query(deleteDevice, gocql.UUID(user), device).WithContext(ctx).Exec(); err != nil {
		return fmt.Errorf("delete device: %w", err)
	}
	return nil
}

// Devices reads a user's devices that take notifications.
func (s *Store) Devices(ctx context.Context, user chat.ID) ([]chat.PushDevice, error) {
	it := s.s.Query(selectDevices, gocql.UUID(user)).WithContext(ctx).Iter()
	var out []chat.PushDevice
	d := chat.PushDevice{User: user}
	for it.Scan(&d.Device, &d.Provider, &d.Token) {
		out = append(out, d)
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	return out, nil
}
