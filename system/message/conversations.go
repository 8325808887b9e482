package message

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/placement"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// CreateConversation makes a conversation with its creator among the members.
func (s *Service) CreateConversation(ctx context.Context, req *pb.CreateConversationRequest) (*pb.Conversation, error) {
	members, err := wire.IDs(req.Members)
	if err != nil {
		return nil, chat.Errorf(chat.CodeBadRequest, "%v", err)
	}
	if creator := wire.ID(req.UserId); !slices.Contains(members, creator) {
		members = append(members, creator)
	}
	now := s.cfg.Now().UTC()
	c := chat.Conversation{ID: chat.NewID(), Kind: req.Kind, Members: members, CreatedAt: now, LastMessageAt: now}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := s.cfg.Store.Create(ctx, c); err != nil {
		s.cfg.Logger.Warn("create conversation", "error", err)
		return nil, unknown(err)
	}
	return conversationToPB(c), nil
}

func conversationToPB(c chat.Conversation) *pb.Conversation {
	return &pb.Conversation{
		ConversationId: c.ID[:], Kind: c.Kind, Members: wire.IDBytes(c.Members...), CreatedAtMs: c.CreatedAt.UnixMilli(),
		LastMessageAtMs: c.LastMessageAt.UnixMilli(),
	}
}

// ChangeMembers writes the change as a message: where the log decides, its place there decides who sees what. Any member
// may change the members of a group.
func (s *Service) ChangeMembers(ctx context.Context, req *pb.ChangeMembersRequest) (*pb.ChangeMembersResponse, error) {
	user, conv := wire.ID(req.UserId), wire.ID(req.ConversationId)
	add, err1 := wire.IDs(req.Add)
	remove, err2 := wire.IDs(req.Remove)
	if err1 != nil || err2 != nil || len(add)+len(remove) == 0 {
		return nil, chat.Errorf(chat.CodeBadRequest, "name users to add or to remove")
	}
	s.conversations.forget(conv)
	c, err := s.membersFor(ctx, user, conv)
	switch {
	case err != nil:
		return nil, err
	case c.Kind != chat.Group:
		return nil, chat.Errorf(chat.CodeBadRequest, "a direct conversation keeps its two members")
	case len(c.Members)+len(add)-len(remove) > chat.MaxMembers:
		return nil, chat.Errorf(chat.CodeTooManyMembers, "a group has at most %d members", chat.MaxMembers)
	}
	for i, change := range []struct {
		kind  string
		users []chat.ID
	}{{chat.TypeMembersAdded, add}, {chat.TypeMembersRemoved, remove}} {
		if len(change.users) == 0 {
			continue
		}
		err := s.recordChange(ctx, change.kind, c, user, change.users)
		if err != nil && i > 0 && len(add) > 0 {
			err = errors.New("half of the change is recorded") // no refusal that says that nothing was done
		}
		if err != nil {
			return nil, unknown(err)
		}
	}
	s.conversations.forget(conv)
	return &pb.ChangeMembersResponse{}, nil
}

// recordChange writes a change of members as a message of the conversation. Where the log decides, its place there makes
// it happen; the other write paths have no such place, and the pod makes it happen before it tells.
func (s *Service) recordChange(ctx context.Context, kind string, c chat.Conversation, by chat.ID, users []chat.ID) error {
	now := s.cfg.Now().UTC()
	m := chat.Message{ConversationID: c.ID, SenderID: by, ClientMsgID: chat.NewClientMsgID(now), Type: kind, CreatedAt: now}
	if s.cfg.Switches.WritePath != chat.WriteLogFirst {
		users = placement.Effective(c.Members, kind, users)
	}
	content, err := json.Marshal(users)
	if err != nil {
		return err
	}
	m.Content = string(content)
	m = s.identify(m)
	if s.cfg.Switches.WritePath != chat.WriteLogFirst {
		if err := placement.Apply(ctx, s.cfg.Store, m); err != nil {
			return err
		}
	}
	return s.writer.write(ctx, m, append(slices.Clone(c.Members), users...))
}

// ListConversations returns a user's conversations, those with the newest message first.
func (s *Service) ListConversations(ctx context.Context, req *pb.ListConversationsRequest) (*pb.ListConversationsResponse, error) {
	lines, more, err := s.list(ctx, wire.ID(req.UserId), int(req.Skip), int(req.Limit))
	if err != nil {
		return nil, unavailable(err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	out := make([]*pb.Conversation, len(lines))
	for i, l := range lines {
		g.Go(func() error {
			c, err := s.conversation(ctx, l.ConversationID)
			c.LastMessageAt = l.at
			p := conversationToPB(c)
			p.LastSeq, p.ReadSeq, p.Unread = l.newest.Seq, l.read, l.unread()
			out[i] = p
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, unavailable(err)
	}
	return &pb.ListConversationsResponse{Conversations: out, More: more}, nil
}

// Heads names the newest places above those that the device has, in every conversation that its user is in.
func (s *Service) Heads(ctx context.Context, req *pb.HeadsRequest) (*pb.HeadsResponse, error) {
	memberships, err := s.cfg.Store.Memberships(ctx, wire.ID(req.UserId))
	if err != nil {
		return nil, unavailable(err)
	}
	have := map[chat.ID]chat.Position{}
	for _, p := range wire.PositionsFromPB(req.Positions) {
		have[p.ConversationID] = p
	}
	var mu sync.Mutex
	var newer []chat.Position
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, m := range memberships {
		if m.LeftSeq > 0 && have[m.ConversationID].Seq >= m.LeftSeq {
			continue // nothing follows
		}
		g.Go(func() error {
			head, err := s.newest(ctx, m)
			if err == nil && ahead(head.Position, have[m.ConversationID], m) {
				mu.Lock()
				newer = append(newer, head.Position)
				mu.Unlock()
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, unavailable(err)
	}
	return &pb.HeadsResponse{Newer: wire.PositionsToPB(newer)}, nil
}

// ahead says whether the head is news to a device with position p and membership m.
func ahead(head, p chat.Position, m chat.Membership) bool {
	if head.Seq == 0 { // the pods' clocks decide
		return m.LeftSeq == 0 && laterTimeUUID(head.Timestamp, p.Timestamp)
	}
	newest := head.Seq
	if m.LeftSeq != 0 {
		newest = min(newest, m.LeftSeq)
	}
	return newest > max(p.Seq, m.JoinedSeq)
}
