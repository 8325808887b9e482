package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// changeMembers has members add and remove guests at the plan's times. What becomes of a change the log decides, and
// the notices tell.
func (r *run) changeMembers(ctx context.Context) {
	for _, c := range r.play.Plan.Changes {
		if !sleep(ctx, time.Until(r.began.Add(c.At))) {
			return
		}
		if err := r.change(ctx, c); err != nil && ctx.Err() == nil {
			r.rec.Record(history.Event{Kind: history.Note, Text: r.rec.Text(fmt.Sprintf("members of %s not changed: %v", c.Conversation, err))})
		}
	}
}

func (r *run) change(ctx context.Context, c workload.Change) error {
	for _, conv := range r.fleet.convs {
		if conv.Name == c.Conversation {
			return r.fleet.devices[c.By].client.Members(ctx, conv.id, r.fleet.ids(c.Add), r.fleet.ids(c.Remove))
		}
	}
	return nil
}

func (f *fleet) ids(users []int) []chat.ID {
	out := make([]chat.ID, len(users))
	for i, u := range users {
		out[i] = f.devices[u].userID
	}
	return out
}

// memberships remembers which notices of changed members the history knows.
type memberships struct {
	mu   sync.Mutex
	told map[place]bool
}

type place struct {
	conv chat.ID
	seq  int64
}

// noticed records who may see what from a notice's place on, the first time that any device shows it or the store has
// it: who is added sees the notice itself, and so does who is removed, and nothing after it.
func (r *run) noticed(conv chat.ID, kind string, seq int64, content string) {
	if kind != chat.TypeMembersAdded && kind != chat.TypeMembersRemoved || seq == 0 {
		return
	}
	var users []chat.ID
	if json.Unmarshal([]byte(content), &users) != nil {
		return
	}
	m := &r.members
	m.mu.Lock()
	defer m.mu.Unlock()
	at := place{conv, seq}
	if m.told[at] {
		return
	}
	if m.told == nil {
		m.told = map[place]bool{}
	}
	m.told[at] = true
	h := history.Event{Kind: history.Joined, Conversation: r.rec.UUID(conv), Seq: seq}
	if kind == chat.TypeMembersRemoved {
		h.Kind = history.Left
	}
	for _, u := range users {
		h.User = r.rec.UUID(u)
		r.rec.Record(h)
	}
}
