package message

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// Contact sets are kept for a short time: a device asks for the same people again and again. Those of maxContactSets
// users are kept at once, about 80 KB for somebody who is in 100 groups of the largest social size.
const (
	contactTTL     = 10 * time.Second
	maxContactSets = 1000
)

// contactSet is everybody who shares a direct conversation or a social group with one user.
type contactSet struct {
	users []chat.ID // sorted
	read  time.Time
}

func (c contactSet) has(user chat.ID) bool {
	_, found := slices.BinarySearchFunc(c.users, user, compareIDs)
	return found
}

func compareIDs(a, b chat.ID) int { return slices.Compare(a[:], b[:]) }

// Contacts answers who of the users asked for is a contact, in the order asked. Who stops to be one is one for contactTTL
// more; who has become one is at the latest after memberTTL.
func (s *Service) Contacts(ctx context.Context, req *pb.ContactsRequest) (*pb.ContactsResponse, error) {
	users, err := wire.IDs(req.Users)
	switch {
	case err != nil:
		return nil, chat.Errorf(chat.CodeBadRequest, "%v", err)
	case len(users) > chat.MaxPresenceUsers:
		return nil, chat.Errorf(chat.CodeBadRequest, "%d users: at most %d in one question", len(users), chat.MaxPresenceUsers)
	}
	asker := wire.ID(req.UserId)
	set, err := s.contacts.get(ctx, asker)
	if err == nil && !s.knowsAll(set, users) && time.Since(set.read) > memberTTL {
		s.contacts.forget(asker)
		set, err = s.contacts.get(ctx, asker)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	known := slices.DeleteFunc(users, func(u chat.ID) bool { return !set.has(u) })
	return &pb.ContactsResponse{Users: wire.IDBytes(known...)}, nil
}

func (s *Service) knowsAll(set contactSet, users []chat.ID) bool {
	return !slices.ContainsFunc(users, func(u chat.ID) bool { return !set.has(u) })
}

// readContacts joins the members of the user's conversations that are small enough.
func (s *Service) readContacts(ctx context.Context, user chat.ID) (contactSet, error) {
	set := contactSet{read: time.Now()}
	memberships, err := s.cfg.Store.Memberships(ctx, user)
	if err != nil {
		return set, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	var mu sync.Mutex
	for _, m := range memberships {
		if m.LeftSeq != 0 {
			continue
		}
		g.Go(func() error {
			c, err := s.conversation(ctx, m.ConversationID)
			if err != nil || len(c.Members) > chat.MaxSocialGroup || !c.Has(user) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			set.users = append(set.users, c.Members...)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return contactSet{}, err
	}
	slices.SortFunc(set.users, compareIDs)
	set.users = slices.Clip(slices.Compact(set.users))
	return set, nil
}
