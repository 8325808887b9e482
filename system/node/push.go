package node

import (
	"context"

	"github.com/chatlab/chatlab/system/push"
	"github.com/chatlab/chatlab/system/redis"
)

func (n *Node) buildPush(ctx context.Context) error {
	store, err := n.openStore(ctx)
	if err != nil {
		return err
	}
	r, err := push.New(push.Config{
		Switches: n.cfg.Switches, Name: n.cfg.Name, Log: n.log(), Store: store, Presence: redis.NewPresence(n.redis(n.cfg.RedisPresence), n.cfg.PresenceTTL),
		Providers: n.cfg.Push, Network: n.cfg.Network, Now: n.cfg.Now, Logger: n.cfg.Logger, Metrics: n.registry,
		Session: n.cfg.GroupSession, Pace: n.cfg.Pace, PresenceTTL: n.cfg.PresenceTTL,
	})
	if err != nil {
		return err
	}
	n.depends = r.Depends()
	n.run(r.Run)
	return nil
}
