package fanout

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

// move is one thing that happens in a town, and how long it is quiet then.
type move struct {
	Do     string
	Device int
	At     int // the gateway
	Quiet  time.Duration
}

func (m move) String() string {
	return fmt.Sprintf("{%q, %d, %d, %d * time.Second}", m.Do, m.Device, m.At, int(m.Quiet/time.Second))
}

const (
	connects    = "connect"
	disconnects = "disconnect"
	vanishes    = "vanish"
	subscribes  = "subscribe"
	crashes     = "crash"
	restarts    = "restart"
	storeAway   = "store away"
	storeLost   = "store lost"
	storeBack   = "store back"
)

func moves() *rapid.Generator[move] {
	return rapid.Custom(func(t *rapid.T) move {
		do := []string{connects, connects, connects, subscribes, subscribes, disconnects, vanishes, crashes, restarts, storeAway, storeLost, storeBack, storeBack}
		return move{
			rapid.SampledFrom(do).Draw(t, "do"), rapid.IntRange(0, townUsers*userDevices-1).Draw(t, "device"), rapid.IntRange(0, townGateways-1).Draw(t, "at"),
			time.Duration(rapid.SampledFrom([]int{0, 1, 7, 19, 22, 41, 70}).Draw(t, "quiet")) * time.Second,
		}
	})
}

func (w *town) do(m move) {
	d, p := w.devices[m.Device], w.pods[m.At]
	switch m.Do {
	case connects:
		d.connect(p)
	case disconnects:
		d.disconnect()
	case vanishes:
		d.vanish()
	case subscribes:
		d.subscribe()
	case crashes:
		p.crash()
		for _, d := range w.devices {
			if d.at == p {
				d.drop()
			}
		}
	case restarts:
		p.restart()
	case storeAway, storeLost:
		require.NoError(w.t, w.store.Kill(m.Do == storeLost))
		w.answers = false
	case storeBack:
		if !w.answers {
			require.NoError(w.t, w.store.Restart())
			w.answers, w.returned = true, time.Now()
		}
	}
}

// play does the moves and says at which moment somebody was told what is not so, or too late. At the end it is quiet until all
// bounds have passed.
func play(t *testing.T, program []move) (err error) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t)
		defer w.close()
		end := []move{{storeBack, 0, 0, w.bounds.Offline + w.bounds.Again}}
		for i, m := range slices.Concat(program, end) {
			w.do(m)
			for since := time.Now(); err == nil; {
				synctest.Wait()
				if err = w.judge(); err != nil || time.Since(since) >= m.Quiet {
					break
				}
				<-time.After(min(time.Second, m.Quiet-time.Since(since)))
			}
			if err != nil {
				err = fmt.Errorf("after %d moves: %w", i+1, err)
				return
			}
		}
	})
	return err
}

// truth is whether a user is online, and since when.
func (w *town) truth(user chat.ID) (living []*phone, since time.Time) {
	for _, d := range w.devices {
		switch {
		case d.user != user:
		case d.at == nil && len(living) == 0 && d.changed.After(since):
			since = d.changed
		case d.at != nil:
			if len(living) == 0 || d.changed.Before(since) {
				since = d.changed
			}
			living = append(living, d)
		}
	}
	return living, since
}

// judge compares what everybody was told and a worker knows with what is so, where the bounds say that it must agree.
func (w *town) judge() error {
	by := w.routes.byGateway(context.Background(), w.users())
	if !w.answers {
		return nil // nothing is promised
	}
	for _, d := range w.devices {
		if d.at != nil && d.line.over() {
			return fmt.Errorf("%s lost its connection", d.name)
		}
	}
	for _, user := range w.users() {
		living, since := w.truth(user)
		if err := w.judgeRoutes(user, living, since, routed(by, user)); err != nil {
			return err
		}
		for _, d := range w.devices {
			if err := w.judgeView(d, user, len(living) > 0, since); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *town) judgeView(d *phone, user chat.ID, online bool, since time.Time) error {
	if d.watching.IsZero() {
		return nil
	}
	due := latest(since.Add(w.bounds.Offline), d.watching, w.returned.Add(w.bounds.Online))
	if online {
		due = latest(since.Add(w.bounds.Online), d.watching, w.returned.Add(w.bounds.Again))
	}
	sees, told := d.line.sees(user)
	if time.Now().After(due) && (!told || sees != online) {
		return fmt.Errorf("%s sees user %d online %v, told %v; it is %v since %s, and now it is %s later", d.name, user[0], sees, told, online, since.Format("04:05"), time.Since(since))
	}
	return nil
}

func (w *town) judgeRoutes(user chat.ID, living []*phone, since time.Time, at []string) error {
	now := time.Now()
	if len(living) == 0 {
		if now.After(latest(since.Add(w.bounds.Lapse+routeTTL), w.returned.Add(w.bounds.Online))) && len(at) > 0 {
			return fmt.Errorf("user %d is gone for %s, and routed to %v", user[0], time.Since(since), at)
		}
		return nil
	}
	for _, d := range living {
		if now.After(latest(d.arrived.Add(routeTTL), w.returned.Add(w.bounds.Again))) && !slices.Contains(at, d.at.name) {
			return fmt.Errorf("%s of user %d is at %s for %s, and routed to %v", d.name, user[0], d.at.name, time.Since(d.changed), at)
		}
	}
	return nil
}

func (w *town) users() (all []chat.ID) {
	for i := range townUsers {
		all = append(all, chat.ID{byte(1 + i)})
	}
	return all
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// TestPresenceIsFresh: whatever happens, who has a living device is seen online by all who watch, and found by workers, who has
// none is not, within what gateway.Freshness says; and nobody is seen offline in between.
func TestPresenceIsFresh(t *testing.T) {
	seed := flag.Lookup("rapid.seed").Value
	if seed.String() == "0" { // not asked for another
		require.NoError(t, seed.Set("1"))
		defer func() { _ = seed.Set("0") }()
	}
	rapid.Check(t, func(rt *rapid.T) {
		program := rapid.SliceOfN(moves(), 1, 12).Draw(rt, "program")
		if err := play(t, program); err != nil {
			rt.Fatalf("%v\n%v", err, program)
		}
	})
}

// TestPresenceStaysFresh plays again what was once told wrongly, or would be by a plausible mistake.
func TestPresenceStaysFresh(t *testing.T) {
	for name, program := range map[string][]move{
		"who subscribed while the store was away was never told what others knew": {
			{connects, 0, 0, time.Second}, {connects, 2, 0, time.Second}, {subscribes, 0, 0, time.Second}, {storeAway, 0, 0, 0}, {subscribes, 2, 0, 0},
		},
		"a phone that moved is left by its old gateway afterwards": {
			{connects, 0, 0, 7 * time.Second}, {connects, 2, 1, 0}, {subscribes, 2, 0, 0}, {connects, 0, 1, 70 * time.Second}, {connects, 0, 0, 70 * time.Second},
		},
		"a gateway dies, and only some of its phones come back": {
			{connects, 0, 0, 0}, {connects, 2, 0, 0}, {connects, 4, 1, 0}, {subscribes, 4, 0, 19 * time.Second}, {crashes, 0, 0, time.Second}, {connects, 2, 1, 70 * time.Second},
		},
		"a store that loses everything just after a refresh": {
			{connects, 0, 0, 0}, {connects, 2, 1, 0}, {subscribes, 2, 0, 22 * time.Second}, {storeLost, 0, 0, 0}, {storeBack, 0, 0, 70 * time.Second},
		},
		"one of two phones vanishes, then the other": {
			{connects, 0, 0, 0}, {connects, 1, 1, 0}, {connects, 2, 0, 0}, {subscribes, 2, 0, 0}, {vanishes, 0, 0, 41 * time.Second}, {vanishes, 1, 0, 70 * time.Second},
		},
	} {
		t.Run(name, func(t *testing.T) { require.NoError(t, play(t, program)) })
	}
}
