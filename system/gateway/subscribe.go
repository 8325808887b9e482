package gateway

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// subscribe lets the device be told of users' presence: of all of them at once, and then of changes, until the next
// subscribe. How old that may be Config.Freshness says; while presence does not answer nothing is told.
//
// Only contacts can be watched. Strangers are counted in an error, and the others are watched all the same. If nobody can
// say now who is a contact, an error says so, and the session asks again by itself: no error names the frame that it
// answers, so a device cannot know what to repeat.
func (s *session) subscribe(users []chat.ID) {
	ctx, settled := s.g.watches.begin(s.g.ctx, s)
	users = unique(users)
	refusal := s.enlist(ctx, users)
	if refusal == nil {
		settled()
		return
	}
	s.refuse(refusal, chat.ID{})
	s.g.work.Go(func() {
		defer settled()
		s.enlistLater(ctx, users, refusal)
	})
}

// enlist makes the session watch those of the users who are contacts, unless another subscription has come.
func (s *session) enlist(ctx context.Context, users []chat.ID) *chat.Error {
	contacts, err := s.contactsOf(ctx, users)
	if err != nil {
		return transport.Refusal(err)
	}
	if !s.g.watches.replace(ctx, s, contacts) {
		return chat.Errorf(chat.CodeServerLimit, "this gateway watches as many users as it can").After(time.Minute)
	}
	if ctx.Err() != nil {
		return nil
	}
	if strangers := len(users) - len(contacts); strangers > 0 {
		s.refuse(chat.Errorf(chat.CodeNotContact, "%d of %d users are no contacts of yours", strangers, len(users)), chat.ID{})
	}
	if len(contacts) == 0 {
		return nil
	}
	if err := s.g.ask(contacts); err != nil {
		s.refuse(transport.Refusal(err), chat.ID{}) // the next questions are asked by themselves
	}
	return nil
}

// enlistLater tries again what was refused, ever later up to a bound, until the session ends or subscribes anew. Devices
// that were refused together do not ask together.
func (s *session) enlistLater(ctx context.Context, users []chat.ID, refusal *chat.Error) {
	pause := resilience.GatewayContacts.Policy().Backoff
	for wait := pause.First; refusal != nil && refusal.Code.Retryable(); wait = min(2*wait, pause.Max) {
		next := time.NewTimer(refusal.RetryAfter + wait/2 + rand.N(wait/2))
		select {
		case <-ctx.Done():
			next.Stop()
			return
		case <-next.C:
		}
		if refusal = s.enlist(ctx, users); refusal != nil && !refusal.Code.Retryable() {
			s.refuse(refusal, chat.ID{})
		}
	}
}

func unique(users []chat.ID) []chat.ID {
	seen := make(map[chat.ID]bool, len(users))
	return slices.DeleteFunc(users, func(u chat.ID) bool {
		again := seen[u]
		seen[u] = true
		return again
	})
}

// contactsOf returns those of the users whom the device's user may watch; one's own other devices need no contact.
func (s *session) contactsOf(ctx context.Context, users []chat.ID) ([]chat.ID, error) {
	others := slices.DeleteFunc(slices.Clone(users), func(u chat.ID) bool { return u == s.user })
	var contacts []chat.ID
	if len(others) > 0 {
		ctx, cancel := context.WithTimeout(ctx, s.g.cfg.Limits.Call)
		defer cancel()
		res, err := s.g.cfg.MessagesFor(s.user).Contacts(ctx, &pb.ContactsRequest{UserId: s.user[:], Users: wire.IDBytes(others...)})
		if err != nil {
			return nil, err
		}
		if contacts, err = wire.IDs(res.Users); err != nil {
			return nil, err
		}
	}
	if len(others) < len(users) {
		contacts = append(contacts, s.user)
	}
	return contacts, nil
}

// askAgain is when to ask again after a question that was not answered. Presence may be down: one question a gateway does it
// no harm.
const askAgain = time.Second

// watch asks after all who are watched, again and again while anybody is.
func (g *Gateway) watch() {
	every := time.NewTimer(0)
	defer every.Stop()
	<-every.C
	wait := g.cfg.Limits.Watch
	for {
		select {
		case <-g.stop:
			return
		case <-g.watches.some:
		}
		for users := g.watches.all(); len(users) > 0; users = g.watches.all() {
			every.Reset(wait)
			select {
			case <-g.stop:
				return
			case <-every.C:
			}
			wait = g.cfg.Limits.Watch
			if !g.askAll(g.watches.all()) {
				wait = min(wait, askAgain)
			}
		}
	}
}

// askAll asks in batches, one after the other, so that the cost is one call an interval for chat.MaxPresenceUsers
// watched users. A round ends with the first question that is not answered: the next round is near. It says whether all
// were answered.
func (g *Gateway) askAll(users []chat.ID) bool {
	for batch := range slices.Chunk(users, chat.MaxPresenceUsers) {
		if err := g.ask(batch); err != nil {
			return false
		}
	}
	return true
}

// ask asks presence after users and tells the sessions concerned.
func (g *Gateway) ask(users []chat.ID) error {
	ctx, cancel := context.WithTimeout(g.ctx, g.cfg.Limits.Call)
	defer cancel()
	asked := g.clock()
	res, err := g.cfg.Presence.Online(ctx, &pb.OnlineRequest{Users: wire.IDBytes(users...)})
	if err != nil {
		g.presenceFailed("online", err)
		return err
	}
	isOnline := map[chat.ID]bool{}
	for _, d := range res.Devices {
		isOnline[wire.ID(d.UserId)] = true
	}
	g.watches.learn(users, isOnline, asked)
	return nil
}
