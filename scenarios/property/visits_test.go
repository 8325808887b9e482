package property

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/scenarios/history"
)

// What the system of visits takes at most; a little more is what the properties under test allow.
const (
	tellsWho  = 4 * time.Second  // who has come
	tellsGone = 14 * time.Second // who has gone
	notifies  = 19 * time.Second // who is away of what was said
	confirms  = 2 * time.Second  // what is shown
)

// visits makes the history of a system that tells the truth of who is there, in time, and notifies of what is not confirmed
// who is away. While a fault lasts it tells nothing or anything. pick(n) chooses one of n.
type visits struct {
	rec    *history.Recorder
	pick   func(n int) int
	now    time.Duration
	later  []planned // in the order of time
	people []*visitor
	groups []*gathering
	faulty bool
	serial int
}

type planned struct {
	at time.Duration
	do func()
}

type visitor struct {
	device, user history.ID
	watches      []*visitor
	here         bool
	since        time.Duration
}

type gathering struct {
	id      history.ID
	said    []*saying
	pending map[*visitor]bool // a notification is under way
}

type saying struct {
	id        history.ID
	by        *visitor
	shown     map[*visitor]time.Duration
	confirmed map[*visitor]bool
}

// someVisits draws such a history, as a file.
func someVisits(t *rapid.T) []byte {
	var file bytes.Buffer
	rec := history.NewRecorder(&file, history.Config{})
	v := &visits{rec: rec, pick: func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }}
	rec.Text("online")
	rec.Text("offline")
	v.phase("fault") // what is late in steady state is none of these properties' business
	for i := range 2 + v.pick(3) {
		name := fmt.Sprintf("u%d", i)
		p := &visitor{device: rec.Text(name + "/phone"), user: rec.Text(name)}
		v.people = append(v.people, p)
		v.emit(history.Event{Kind: history.DeviceKnown, Device: p.device, User: p.user})
	}
	for range 1 + v.pick(2) {
		v.gather()
	}
	for _, p := range v.people {
		v.watchSome(p)
	}
	for _, p := range v.people {
		v.come(p)
	}
	for range 5 + v.pick(40) {
		v.step()
	}
	v.wait(40 * time.Second)
	v.phase("end")
	require.NoError(t, rec.Close())
	return file.Bytes()
}

func (v *visits) step() {
	v.wait(8 * time.Second)
	p := v.people[v.pick(len(v.people))]
	switch action := v.pick(10); {
	case action == 0:
		v.breakOrMend()
	case action <= 3 && p.here:
		v.leave(p)
	case action <= 4 && !p.here:
		v.come(p)
	case v.faulty:
		v.babble()
	case p.here:
		v.say(p, v.groups[v.pick(len(v.groups))])
	}
}

func (v *visits) emit(e history.Event) {
	v.now += time.Duration(1+v.pick(1000)) * time.Microsecond
	e.At = v.now
	v.rec.Record(e)
}

func (v *visits) phase(name string) {
	v.emit(history.Event{Kind: history.Phase, Text: v.rec.Text(name)})
}

// upTo draws a time.
func (v *visits) upTo(most time.Duration) time.Duration {
	return time.Duration(v.pick(int(most/time.Millisecond))) * time.Millisecond
}

// wait lets a time pass, and what was planned happen in it.
func (v *visits) wait(most time.Duration) {
	until := v.now + v.upTo(most)
	for len(v.later) > 0 && v.later[0].at <= until {
		next := v.later[0]
		v.later = v.later[1:]
		v.now = max(v.now, next.at)
		next.do()
	}
	v.now = max(v.now, until)
}

func (v *visits) within(most time.Duration, do func()) {
	at := v.now + v.upTo(most)
	i := slices.IndexFunc(v.later, func(p planned) bool { return p.at > at })
	if i < 0 {
		i = len(v.later)
	}
	v.later = slices.Insert(v.later, i, planned{at, do})
}

// gather makes a conversation of all.
func (v *visits) gather() {
	g := &gathering{id: v.rec.Text(fmt.Sprintf("c%d", len(v.groups))), pending: map[*visitor]bool{}}
	v.groups = append(v.groups, g)
	v.emit(history.Event{Kind: history.Conversation, Conversation: g.id, Label: g.id, Text: v.rec.Text("group")})
	for _, p := range v.people {
		v.emit(history.Event{Kind: history.Joined, Conversation: g.id, User: p.user, Seq: 1})
	}
}

func (v *visits) watchSome(p *visitor) {
	for _, other := range v.people {
		if other != p && v.pick(3) > 0 {
			p.watches = append(p.watches, other)
			v.emit(history.Event{Kind: history.Watching, Device: p.device, User: other.user})
		}
	}
}

// come connects somebody, who gets what was missed. Those who watch are told, and so is who comes.
func (v *visits) come(p *visitor) {
	v.emit(history.Event{Kind: history.Connecting, Device: p.device, Attempt: 1})
	v.emit(history.Event{Kind: history.Connected, Device: p.device, Text: v.rec.Text("gateway-1")})
	p.here, p.since = true, v.now
	for _, g := range v.groups {
		for i := range g.said {
			v.show(p, g, i)
		}
	}
	v.tellOf(p, tellsWho)
	for _, other := range p.watches {
		v.tell(p, other, tellsWho)
	}
}

// leave ends a connection. What it has shown for long enough is confirmed, and of the rest there may be notifications.
func (v *visits) leave(p *visitor) {
	v.emit(history.Event{Kind: history.Disconnected, Device: p.device, CloseCode: int32(1000 * v.pick(2))})
	p.here = false
	for _, g := range v.groups {
		for _, s := range g.said {
			if at, shown := s.shown[p]; shown && v.now-max(at, p.since) >= confirms {
				s.confirmed[p] = true
			}
		}
		if v.pick(2) == 0 {
			v.notify(p, g)
		}
	}
	v.tellOf(p, tellsGone)
}

func (v *visits) tellOf(p *visitor, most time.Duration) {
	for _, w := range v.people {
		if slices.Contains(w.watches, p) {
			v.tell(w, p, most)
		}
	}
}

// tell tells what is so when it is told.
func (v *visits) tell(w, p *visitor, most time.Duration) {
	v.within(most, func() {
		if w.here && !v.faulty {
			v.word(w, p, p.here)
		}
	})
}

func (v *visits) word(w, p *visitor, online bool) {
	text := "offline"
	if online {
		text = "online"
	}
	v.emit(history.Event{Kind: history.Presence, Device: w.device, User: p.user, Text: v.rec.Text(text)})
}

// breakOrMend begins a fault or ends it. Then everybody is told all anew.
func (v *visits) breakOrMend() {
	v.faulty = !v.faulty
	e := history.Event{Kind: history.FaultBegun, Text: v.rec.Text("kill redis-presence")}
	if !v.faulty {
		e.Kind = history.FaultEnded
	}
	v.emit(e)
	for _, p := range v.people {
		v.tellOf(p, tellsWho) // nothing comes of it where a fault begins
	}
}

// babble tells somebody something.
func (v *visits) babble() {
	if w := v.people[v.pick(len(v.people))]; w.here && len(w.watches) > 0 {
		v.word(w, w.watches[v.pick(len(w.watches))], v.pick(2) == 0)
	}
}

// say has somebody say something, and all others get it or a notification.
func (v *visits) say(p *visitor, g *gathering) {
	v.serial++
	s := &saying{id: v.rec.Text(fmt.Sprintf("m%d", v.serial)), by: p, shown: map[*visitor]time.Duration{}, confirmed: map[*visitor]bool{}}
	g.said = append(g.said, s)
	v.emit(history.Event{Kind: history.Send, Device: p.device, Sender: p.user, Conversation: g.id, ClientMsg: s.id, Intended: v.now})
	v.emit(history.Event{Kind: history.Attempt, Device: p.device, ClientMsg: s.id, Attempt: 1})
	v.emit(history.Event{Kind: history.Acked, Device: p.device, ClientMsg: s.id, Message: s.id})
	for _, m := range v.people {
		if m.here {
			v.show(m, g, len(g.said)-1)
		} else {
			v.notify(m, g)
		}
	}
}

func (v *visits) show(p *visitor, g *gathering, i int) {
	s := g.said[i]
	if _, again := s.shown[p]; again {
		return
	}
	v.emit(history.Event{Kind: history.Shown, Device: p.device, Conversation: g.id, Seq: int64(i + 1), ClientMsg: s.id, Message: s.id, Sender: s.by.user})
	s.shown[p] = v.now
}

// notify notifies somebody who is still away then and lacks something. One notification stands for all that there is.
func (v *visits) notify(p *visitor, g *gathering) {
	if g.pending[p] {
		return
	}
	g.pending[p] = true
	v.within(notifies, func() {
		g.pending[p] = false
		lacks := slices.ContainsFunc(g.said, func(s *saying) bool { return s.by != p && !s.confirmed[p] })
		if !p.here && lacks {
			v.emit(history.Event{Kind: history.Notified, Device: p.device, Conversation: g.id})
		}
	})
}
