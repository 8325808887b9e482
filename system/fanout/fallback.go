package fanout

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	fallbackUsers = 10_000 // in one question
)

// fallback finds users without presence: it asks every gateway who of them is connected there. Gateways know it better
// than presence does, but each question costs one call a gateway, where presence costs one in all.
type fallback struct {
	outlets *outlets
	metrics metrics
	log     *slog.Logger
}

// connected is what one gateway answered; ok says whether it did.
type connected struct {
	gateway string
	users   []chat.ID
	ok      bool
}

// find returns the gateways of each user. A gateway that does not answer in time keeps the users whom it had: if it is
// only slow they are served, and if it is dead its outlet gives up in time and tells them to resync, while
// taking them for offline would lose the message in silence until their next heartbeat.
func (f *fallback) find(ctx context.Context, users []chat.ID, before map[chat.ID][]string) map[chat.ID][]string {
	start := time.Now()
	defer func() { f.metrics.fallbackTook.Observe(time.Since(start).Seconds()) }()
	found, silent := map[chat.ID][]string{}, map[string]bool{}
	for chunk := range slices.Chunk(users, fallbackUsers) {
		for _, answer := range f.askAll(ctx, wire.IDBytes(chunk...)) {
			silent[answer.gateway] = silent[answer.gateway] || !answer.ok
			for _, u := range answer.users {
				found[u] = append(found[u], answer.gateway)
			}
		}
	}
	for u, gateways := range before {
		for _, g := range gateways {
			if silent[g] && !slices.Contains(found[u], g) {
				found[u] = append(found[u], g)
			}
		}
	}
	return found
}

// askAll asks all gateways at once and returns when all have answered or their time is up.
func (f *fallback) askAll(ctx context.Context, users []byte) []connected {
	ctx, cancel := context.WithTimeout(ctx, resilience.FanoutConnected.Timeout())
	defer cancel()
	var mu sync.Mutex
	var asked sync.WaitGroup
	var answers []connected
	for name, out := range f.outlets.byName {
		asked.Go(func() {
			answer := f.ask(ctx, name, out.client, users)
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, answer)
		})
	}
	asked.Wait()
	return answers
}

func (f *fallback) ask(ctx context.Context, name string, client pb.GatewayClient, users []byte) connected {
	res, err := client.Connected(ctx, &pb.ConnectedRequest{Users: users})
	var ids []chat.ID
	if err == nil {
		ids, err = wire.IDs(res.Users)
	}
	if err != nil {
		f.metrics.fallbackCalls.WithLabelValues("error").Inc()
		f.log.Warn("ask gateway who is connected", "gateway", name, "error", err)
		return connected{gateway: name}
	}
	f.metrics.fallbackCalls.WithLabelValues("ok").Inc()
	return connected{name, ids, true}
}
