package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

const shortTTL = 200 * time.Millisecond

func TestAnnounceLookupLeave(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	p := NewPresence(s.client, 0)
	alice, bob, carol := chat.NewID(), chat.NewID(), chat.NewID()
	phone := Device{alice, "phone", "gateway-1", 10}
	laptop := Device{alice, "laptop", "gateway|2", 11} // no gateway name confuses the form
	tablet := Device{bob, "tablet", "gateway-1", 12}
	for _, d := range []Device{phone, laptop, tablet} {
		current, err := p.Announce(ctx, d)
		require.NoError(t, err)
		assert.True(t, current)
	}
	found, err := p.Lookup(ctx, []chat.ID{alice, bob, carol})
	require.NoError(t, err)
	assert.Equal(t, map[chat.ID][]Device{alice: {laptop, phone}, bob: {tablet}}, found)

	require.NoError(t, p.Leave(ctx, phone))
	one, err := p.LookupOne(ctx, alice)
	require.NoError(t, err)
	assert.Equal(t, []Device{laptop}, one)
	require.NoError(t, p.Leave(ctx, laptop))
	one, err = p.LookupOne(ctx, alice)
	require.NoError(t, err)
	assert.Empty(t, one)
	found, err = p.Lookup(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestAnOldEpochChangesNothing(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	p := NewPresence(s.client, 0)
	alice := chat.NewID()
	newer := Device{alice, "phone", "gateway-2", 1_764_000_000_000_002}
	older := Device{alice, "phone", "gateway-1", 1_764_000_000_000_001}
	_, err := p.Announce(ctx, newer)
	require.NoError(t, err)

	current, err := p.Announce(ctx, older)
	require.NoError(t, err)
	assert.False(t, current)
	all, err := p.Refresh(ctx, []Device{older, newer})
	require.NoError(t, err)
	assert.Equal(t, []bool{false, true}, all)
	require.NoError(t, p.Leave(ctx, older), "a late goodbye")
	one, err := p.LookupOne(ctx, alice)
	require.NoError(t, err)
	assert.Equal(t, []Device{newer}, one)
}

func TestDevicesExpireOneByOne(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	p := NewPresence(s.client, shortTTL)
	alice := chat.NewID()
	phone, laptop := Device{alice, "phone", "g", 5}, Device{alice, "laptop", "g", 6}
	_, err := p.Announce(ctx, phone)
	require.NoError(t, err)
	s.pass(shortTTL * 3 / 5)
	_, err = p.Announce(ctx, laptop)
	require.NoError(t, err)
	s.pass(shortTTL * 3 / 5)
	one, err := p.LookupOne(ctx, alice)
	require.NoError(t, err)
	assert.Equal(t, []Device{laptop}, one, "the phone's last sign of life is older than the TTL")

	old := Device{alice, "phone", "g", 4}
	current, err := p.Announce(ctx, old)
	require.NoError(t, err)
	assert.True(t, current, "what has expired stands in nobody's way")

	s.pass(shortTTL * 11 / 10)
	n, err := s.client.db.Exists(ctx, presenceKey(alice)).Result()
	require.NoError(t, err)
	assert.Zero(t, n, "the key goes with its last device")
}

func TestRefreshKeepsAlive(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	p := NewPresence(s.client, shortTTL)
	var ds []Device
	var users []chat.ID
	for i := range 2*touchChunk + 7 {
		ds = append(ds, Device{chat.NewID(), "phone", "g", int64(i + 1)})
		users = append(users, ds[i].User)
	}
	for range 3 {
		current, err := p.Refresh(ctx, ds) // the first enters: Redis may have come back empty
		require.NoError(t, err)
		require.Len(t, current, len(ds))
		require.NotContains(t, current, false)
		s.pass(shortTTL * 3 / 5)
	}
	found, err := p.Lookup(ctx, users)
	require.NoError(t, err)
	assert.Len(t, found, len(ds))
	current, err := p.Refresh(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, current)
}

func TestScriptsComeBackAfterARestart(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	p := NewPresence(s.client, 0)
	d := Device{chat.NewID(), "phone", "g", 1}
	for range 2 {
		_, err := p.Announce(ctx, d)
		require.NoError(t, err)
		require.NoError(t, s.client.db.ScriptFlush(ctx).Err())
	}
	_, err := p.Refresh(ctx, slices.Repeat([]Device{d}, 3*touchChunk))
	require.NoError(t, err)
}

func TestEpochsThatLuaCannotCompareAreRefused(t *testing.T) {
	s := newServer(t)
	p := NewPresence(s.client, 0)
	for _, epoch := range []int64{0, -1, MaxEpoch + 1} {
		_, err := p.Announce(t.Context(), Device{chat.NewID(), "phone", "g", epoch})
		assert.Error(t, err)
	}
}

func TestForeignFieldsAreNobody(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	p := NewPresence(s.client, 0)
	alice := chat.NewID()
	key := presenceKey(alice)
	for i, v := range []string{"", "g", "g|1", "g|x|99999999999999", "g|1|x", "||"} {
		require.NoError(t, s.client.db.HSet(ctx, key, fmt.Sprint("d", i), v).Err())
	}
	one, err := p.LookupOne(ctx, alice)
	require.NoError(t, err)
	assert.Empty(t, one)
	d := Device{alice, "d0", "g", 1}
	_, err = p.Announce(ctx, d)
	require.NoError(t, err)
	fields, err := s.client.db.HKeys(ctx, key).Result()
	require.NoError(t, err)
	assert.Equal(t, []string{"d0"}, fields, "what nobody can read is removed")
}

// The store is a map of devices in which the largest epoch that has not expired wins.
func TestPresenceModel(t *testing.T) {
	s := newServer(t)
	if s.mini == nil {
		t.Log("the model steers the server's clock: it runs on miniredis only")
		return
	}
	p := NewPresence(s.client, shortTTL)
	rapid.Check(t, func(t *rapid.T) {
		type key struct {
			user int
			name string
		}
		type entry struct {
			Device
			expires time.Time
		}
		ctx, model := context.Background(), map[key]entry{}
		users := []chat.ID{chat.NewID(), chat.NewID()}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			k := key{rapid.IntRange(0, 1).Draw(t, "user"), rapid.SampledFrom([]string{"phone", "laptop"}).Draw(t, "device")}
			d := Device{users[k.user], k.name, rapid.SampledFrom([]string{"g1", "g2"}).Draw(t, "gateway"), rapid.Int64Range(1, 5).Draw(t, "epoch")}
			there, ok := model[k]
			free := !ok || !there.expires.After(s.now) || there.Epoch <= d.Epoch
			switch action := rapid.SampledFrom([]string{"announce", "refresh", "leave", "pass"}).Draw(t, "action"); action {
			case "announce", "refresh":
				got, err := p.Refresh(ctx, []Device{d})
				require.NoError(t, err)
				require.Equal(t, free, got[0])
				if free {
					model[k] = entry{d, s.now.Add(shortTTL)}
				}
			case "leave":
				require.NoError(t, p.Leave(ctx, d))
				if free {
					delete(model, k)
				}
			case "pass":
				s.pass(time.Duration(rapid.IntRange(0, 250).Draw(t, "ms")) * time.Millisecond)
			}
			want := map[chat.ID][]Device{}
			for k, e := range model {
				if e.expires.UnixMilli() > s.now.UnixMilli() {
					want[users[k.user]] = append(want[users[k.user]], e.Device)
				}
			}
			for _, ds := range want {
				slices.SortFunc(ds, func(a, b Device) int { return strings.Compare(a.Name, b.Name) })
			}
			got, err := p.Lookup(ctx, users)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})
}

func BenchmarkRefresh500(b *testing.B) {
	s := newServer(b)
	p := NewPresence(s.client, 0)
	ds := make([]Device, 500)
	for i := range ds {
		ds[i] = Device{chat.NewID(), "phone", "gateway-1", 1}
	}
	for b.Loop() {
		if _, err := p.Refresh(b.Context(), ds); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup500(b *testing.B) {
	s := newServer(b)
	p := NewPresence(s.client, 0)
	var ds []Device
	var users []chat.ID
	for range 500 {
		ds = append(ds, Device{chat.NewID(), "phone", "gateway-1", 1})
		users = append(users, ds[len(ds)-1].User)
	}
	_, err := p.Refresh(b.Context(), ds)
	require.NoError(b, err)
	for b.Loop() {
		if _, err := p.Lookup(b.Context(), users); err != nil {
			b.Fatal(err)
		}
	}
}

// A store knows every device that lives when it is older than the TTL: one that came back empty does not.
func TestAYoungStoreIsNotWhole(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	p := NewPresence(s.client, shortTTL)
	alice, bob := chat.NewID(), chat.NewID()
	find := func() Found {
		found, err := p.Find(ctx, []chat.ID{alice, bob})
		require.NoError(t, err)
		return found
	}
	enter := func() {
		_, err := p.Announce(ctx, Device{alice, "phone", "g", 5})
		require.NoError(t, err)
	}
	require.Equal(t, Found{Devices: map[chat.ID][]Device{}}, find(), "nobody has entered yet")
	enter()
	require.False(t, find().Whole)
	s.pass(shortTTL * 3 / 5)
	enter()
	require.False(t, find().Whole)
	s.pass(shortTTL * 3 / 5)
	require.True(t, find().Whole)
	require.Len(t, find().Devices, 1, "alice's last sign")
	require.NoError(t, s.client.db.FlushAll(ctx).Err())
	require.False(t, find().Whole)
	enter()
	require.False(t, find().Whole)
}
