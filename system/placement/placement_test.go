package placement_test

import (
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	sim "github.com/chatlab/chatlab/sim/cassandra"
	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/placement"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

const partition = 3

func open(t *testing.T) *cassandra.Store {
	c, err := sim.New(sim.Config{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := cassandra.Config{Hosts: c.Hosts(), Keyspace: "chat", Replicas: 3, Network: transport.Network{Names: c.Routes()}, Log: slog.New(slog.DiscardHandler)}
	require.NoError(t, cassandra.Migrate(t.Context(), cfg))
	s, err := cassandra.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// entry is a record with what must come of it.
type entry struct {
	rec     wire.Record
	at      kafka.Record
	repeat  bool
	message chat.Message
	members []chat.ID // who may see it
}

// story is one conversation's log, and what a single reader who never fails makes of it.
type story struct {
	conv    chat.Conversation
	users   []chat.ID
	log     []entry
	members map[chat.ID]bool            // at the end
	seen    map[chat.ID]chat.Membership // at the end
}

func drawStory(t *rapid.T) *story {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := &story{members: map[chat.ID]bool{}, seen: map[chat.ID]chat.Membership{}}
	for i := range 5 {
		s.users = append(s.users, chat.ID{byte(i + 1)})
	}
	s.conv = chat.Conversation{ID: chat.NewID(), Kind: chat.Group, Members: slices.Clone(s.users[:3]), CreatedAt: now, LastMessageAt: now}
	for _, u := range s.conv.Members {
		s.members[u], s.seen[u] = true, chat.Membership{ConversationID: s.conv.ID}
	}
	for i := range rapid.IntRange(1, 16).Draw(t, "records") {
		now = now.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "step ms")) * time.Millisecond)
		rec := s.draw(t, i, now)
		if i > 0 && rapid.IntRange(0, 4).Draw(t, "retry") == 0 {
			rec = s.log[rapid.IntRange(0, i-1).Draw(t, "of")].rec
		}
		s.log = append(s.log, entry{rec: rec, at: kafka.Record{Offset: int64(2*i + 1), Time: now}})
	}
	return s
}

func (s *story) draw(t *rapid.T, i int, now time.Time) wire.Record {
	m := chat.Message{ConversationID: s.conv.ID, SenderID: s.users[0], ClientMsgID: chat.ID{7, byte(i)}, Type: chat.TypeText, Content: "hello", CreatedAt: now}
	if kind := rapid.SampledFrom([]string{chat.TypeText, chat.TypeMembersAdded, chat.TypeMembersRemoved}).Draw(t, "type"); kind != chat.TypeText {
		m.Type = kind
		m.Content = content(rapid.SliceOfN(rapid.SampledFrom(s.users), 1, 3).Draw(t, "who"))
	}
	m.ID = chat.MessageID(m.SenderID, m.ClientMsgID)
	return wire.RecordOf(m)
}

func content(users []chat.ID) string {
	b, _ := json.Marshal(users)
	return string(b)
}

// tell fills in what comes of each record, told independently of the code under test.
func (s *story) tell() {
	placed, seq := map[chat.ID]bool{}, int64(0)
	for i := range s.log {
		e := &s.log[i]
		if e.repeat = placed[e.rec.ClientMsgID]; e.repeat {
			continue
		}
		placed[e.rec.ClientMsgID] = true
		seq++
		before := s.present()
		e.message = e.rec.Message()
		e.message.Place.Seq = seq
		s.apply(e, seq)
		e.members = s.present()
		if e.message.Type == chat.TypeMembersRemoved {
			e.members = before
		}
	}
}

func (s *story) apply(e *entry, seq int64) {
	if e.message.Type == chat.TypeText {
		return
	}
	var users []chat.ID
	_ = json.Unmarshal([]byte(e.rec.Content), &users)
	adds := e.message.Type == chat.TypeMembersAdded
	did := []chat.ID{}
	for _, u := range users {
		if s.members[u] == adds {
			continue
		}
		s.members[u], did = adds, append(did, u)
		m := s.seen[u]
		m.ConversationID, m.LeftSeq = s.conv.ID, seq
		if adds {
			m.JoinedSeq, m.LeftSeq = seq-1, 0
		}
		s.seen[u] = m
	}
	e.message.Content = content(did)
}

func (s *story) present() (out []chat.ID) {
	for _, u := range s.users {
		if s.members[u] {
			out = append(out, u)
		}
	}
	return out
}

// reader follows the log; a worker among them stores, in steps between which it may die or freeze.
type reader struct {
	places *placement.Places
	next   int
	todo   []func() error // left of the last record
}

type world struct {
	*story
	t         *rapid.T
	store     *cassandra.Store
	committed int // index into the log: all before it is stored
	commit    func(to int)
}

func (w *world) step(r *reader, stores bool) {
	if len(r.todo) > 0 {
		require.NoError(w.t, r.todo[0]())
		r.todo = r.todo[1:]
		return
	}
	if r.next >= len(w.log) {
		return
	}
	e := w.log[r.next]
	c, err := r.places.Get(w.t.Context(), w.conv.ID, e.at.Offset)
	require.NoError(w.t, err)
	m, members, repeat, err := c.Take(e.rec, e.at)
	require.NoError(w.t, err)
	r.next++
	require.Equal(w.t, e.repeat, repeat)
	if repeat {
		return
	}
	require.ElementsMatch(w.t, e.members, members, "who may see offset %d", e.at.Offset)
	require.Equal(w.t, e.message.Place.Seq, m.Place.Seq)
	require.Equal(w.t, e.message.Content, m.Content)
	if stores {
		upTo := r.next
		r.todo = []func() error{
			func() error { return w.store.Insert(w.t.Context(), m) },
			func() error { return placement.Apply(w.t.Context(), w.store, m) },
			func() error { w.commit(upTo); return nil },
		}
	}
}

// Any crash, replay, zombie or second role sees the same places and the same members, whatever is stored meanwhile, and
// what remains is what one reader that never fails would have stored.
func TestAnyReaderSeesTheSamePlacesAndMembers(t *testing.T) {
	store := open(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		s.tell()
		require.NoError(t, store.Create(t.Context(), s.conv))
		w := &world{story: s, t: t, store: store}
		w.commit = func(to int) { w.committed = to } // unfenced: it may go back
		workers := []*reader{{places: placement.New(store, partition)}}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0: // another takes over; the one before does not know
				workers = append(workers, &reader{places: placement.New(store, partition), next: w.committed})
			case 1: // another role reads from anywhere behind the commit
				other := &reader{places: placement.New(store, partition), next: rapid.IntRange(0, w.committed).Draw(t, "from")}
				for other.next < len(s.log) {
					w.step(other, false)
				}
			default:
				w.step(workers[rapid.IntRange(0, len(workers)-1).Draw(t, "worker")], true)
			}
		}
		last := &reader{places: placement.New(store, partition), next: w.committed}
		for last.next < len(s.log) || len(last.todo) > 0 {
			w.step(last, true)
		}
		w.agrees()
	})
}

func (w *world) agrees() {
	c, err := w.store.Conversation(w.t.Context(), w.conv.ID)
	require.NoError(w.t, err)
	require.ElementsMatch(w.t, w.present(), c.Members)
	for u, want := range w.seen {
		got, err := w.store.Membership(w.t.Context(), u, w.conv.ID)
		require.NoError(w.t, err)
		require.Equal(w.t, want, got, "membership of %s", u)
	}
}

// A group takes no more members than it may have, whatever several pods believed when they let the changes pass.
func TestAGroupIsNeverOverfull(t *testing.T) {
	store := open(t)
	conv := chat.Conversation{ID: chat.NewID(), Kind: chat.Group, CreatedAt: time.Now(), LastMessageAt: time.Now()}
	for range chat.MaxMembers - 1 {
		conv.Members = append(conv.Members, chat.NewID())
	}
	require.NoError(t, store.Create(t.Context(), conv))
	c, err := placement.New(store, partition).Get(t.Context(), conv.ID, 0)
	require.NoError(t, err)
	two := []chat.ID{chat.NewID(), chat.NewID()}
	rec := wire.Record{ConversationID: conv.ID, MessageType: chat.TypeMembersAdded, Content: content(two)}
	m, members, _, err := c.Take(rec, kafka.Record{Time: time.Now()})
	require.NoError(t, err)
	require.Len(t, members, chat.MaxMembers)
	require.Equal(t, content(two[:1]), m.Content)
}
