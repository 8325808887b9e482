package world

import (
	"fmt"

	simpush "github.com/chatlab/chatlab/sim/push"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/push"
)

// startPush starts the push providers' stand-in and gives the role what its owner would have got from them.
func (w *World) startPush(cfg *node.Config) error {
	s, err := simpush.Start(simpush.Config{Listen: w.cfg.Host("push-providers").ListenFunc, Name: pushAddress, Now: w.cfg.Now, Log: w.cfg.Log})
	if err != nil {
		return fmt.Errorf("start push providers: %w", err)
	}
	w.onClose(s.Close)
	w.Push, w.names[pushAddress] = s, s.Addr()
	credentials, err := s.FCMCredentials()
	if err != nil {
		return err
	}
	key, err := s.APNsKey()
	if err != nil {
		return err
	}
	cfg.Push = push.Providers{
		FCMCredentials: credentials, FCMURL: s.URL(), APNsKey: key, APNsKeyID: simpush.KeyID, APNsTeam: simpush.Team,
		APNsTopic: simpush.Topic, APNsURL: s.URL(), CA: s.Authority(),
	}
	return nil
}
