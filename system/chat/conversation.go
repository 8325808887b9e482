package chat

import (
	"slices"
	"time"
)

// Kinds of conversation.
const (
	Direct = "direct" // two members
	Group  = "group"  // at most MaxMembers
)

// Conversation is a set of members who see one order of messages.
type Conversation struct {
	ID            ID
	Kind          string
	Members       []ID
	LastMessageAt time.Time
	CreatedAt     time.Time
}

// Has says whether the user is a member now.
func (c Conversation) Has(user ID) bool { return slices.Contains(c.Members, user) }

// Membership is the part of a conversation's order that one user may see.
type Membership struct {
	ConversationID ID
	JoinedSeq      int64 // sees places above this one
	LeftSeq        int64 // and up to this one; 0: still a member

	// What the member's inbox knows; nil: the conversation itself, or its cursors, must be asked.
	Newest  *Position
	ReadSeq *int64
}

// Sees says whether a place falls into the membership.
func (m Membership) Sees(seq int64) bool {
	return seq > m.JoinedSeq && (m.LeftSeq == 0 || seq <= m.LeftSeq)
}

// Validate refuses a conversation that must not be made.
func (c Conversation) Validate() error {
	seen := make(map[ID]bool, len(c.Members))
	for _, m := range c.Members {
		if seen[m] {
			return Errorf(CodeBadRequest, "member %s is named twice", m)
		}
		seen[m] = true
	}
	switch {
	case c.Kind != Direct && c.Kind != Group:
		return Errorf(CodeBadRequest, "type %q is unknown: want %q or %q", clip(c.Kind, 20), Direct, Group)
	case c.Kind == Direct && len(c.Members) != 2:
		return Errorf(CodeBadRequest, "a direct conversation has 2 members, not %d", len(c.Members))
	case len(c.Members) == 0:
		return Errorf(CodeBadRequest, "a conversation needs members")
	case len(c.Members) > MaxMembers:
		return Errorf(CodeTooManyMembers, "%d members: a group has at most %d", len(c.Members), MaxMembers)
	}
	return nil
}
