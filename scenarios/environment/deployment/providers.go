package deployment

import (
	"fmt"
	"os"
	"path/filepath"

	simpush "github.com/chatlab/chatlab/sim/push"
)

// startProviders starts the push providers' stand-in, if a pod of the topology talks to it, and writes the files that
// its owner would have got from them.
func (s *System) startProviders() error {
	if s.spec.Topology.Pushes == 0 {
		return nil
	}
	var err error
	cfg := simpush.Config{Name: at(pushProviders, pushPort), Log: s.spec.Log}
	if s.spec.Notified != nil {
		cfg.Observe = func(n simpush.Notification) { s.spec.Notified(n.Token, n.Conversation) }
	}
	if s.push, err = simpush.Start(cfg); err != nil {
		return fmt.Errorf("start push providers: %w", err)
	}
	credentials, err := s.push.FCMCredentials()
	if err != nil {
		return err
	}
	key, err := s.push.APNsKey()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		flag, name string
		data       []byte
	}{{"--fcm-credentials", "fcm.json", credentials}, {"--apns-key", "apns.p8", key}, {"--push-ca", "push-ca.pem", s.push.Authority()}} {
		file := filepath.Join(s.keys.dir, f.name)
		if err := os.WriteFile(file, f.data, 0o600); err != nil {
			return fmt.Errorf("write push credentials: %w", err)
		}
		s.keys.push = append(s.keys.push, f.flag, file)
	}
	url := s.push.URL()
	s.keys.push = append(s.keys.push, "--fcm-url", url, "--apns-url", url, "--apns-key-id", simpush.KeyID, "--apns-team", simpush.Team, "--apns-topic", simpush.Topic)
	return nil
}

// Notifications are those that the push providers took; none where no pod of the topology sends any.
func (s *System) Notifications() []simpush.Notification {
	if s.push == nil {
		return nil
	}
	return s.push.Notifications()
}
