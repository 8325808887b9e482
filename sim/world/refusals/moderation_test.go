package refusals_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/message"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/wire"
)

// stored is everything that the stores hold, as text: each record of the log, each row, each key with its value.
func (r *rig) stored() (log, tables, cache string) {
	return r.records(), r.rows(), r.keys(r.Stores.Cache) + r.keys(r.Stores.Presence)
}

func (r *rig) records() string {
	var all strings.Builder
	ends, err := r.Stores.Log.Ends(wire.TopicMessages)
	require.NoError(r.t, err)
	dialer := &kafka.Dialer{DialFunc: func(ctx context.Context, network, address string) (net.Conn, error) {
		return r.Stores.Network.Dial(ctx, network, address)
	}}
	for p, end := range ends {
		reader := kafka.NewReader(kafka.ReaderConfig{
			Brokers: []string{r.Stores.Log.Brokers()[0].Announced}, Topic: wire.TopicMessages, Partition: p, Dialer: dialer, MaxWait: 50 * time.Millisecond,
		})
		for read := int64(0); read < end; read++ {
			m, err := reader.ReadMessage(r.t.Context())
			require.NoError(r.t, err)
			fmt.Fprintf(&all, "%s %s\n", m.Key, m.Value)
		}
		require.NoError(r.t, reader.Close())
	}
	return all.String()
}

func (r *rig) rows() string {
	var all strings.Builder
	for _, n := range r.Stores.Tables.Names() {
		for _, table := range []string{"messages", "conversations", "user_conversations", "cursors", "devices"} {
			rows, err := r.Stores.Tables.Rows(n, "chat", table)
			require.NoError(r.t, err)
			fmt.Fprintln(&all, rows)
		}
	}
	return all.String()
}

func (r *rig) keys(s *redis.Server) string {
	var all strings.Builder
	ctx := r.t.Context()
	c := goredis.NewClient(&goredis.Options{Addr: s.Addr()})
	defer c.Close()
	keys, err := c.Keys(ctx, "*").Result()
	require.NoError(r.t, err)
	for _, k := range keys {
		kind, err := c.Type(ctx, k).Result()
		require.NoError(r.t, err)
		var value any
		switch kind {
		case "string":
			value, err = c.Get(ctx, k).Result()
		case "hash":
			value, err = c.HGetAll(ctx, k).Result()
		case "zset":
			value, err = c.ZRange(ctx, k, 0, -1).Result()
		case "set":
			value, err = c.SMembers(ctx, k).Result()
		case "list":
			value, err = c.LRange(ctx, k, 0, -1).Result()
		default:
			require.FailNow(r.t, "a key of a type that the test cannot read", "%s is a %s", k, kind)
		}
		require.NoError(r.t, err)
		fmt.Fprintln(&all, k, value)
	}
	return all.String()
}

// TestARefusedTextReachesNoStore: neither log nor tables nor cache hold anything of it, and nobody is pushed it. That
// the same search finds a text that was accepted shows that it can find one.
func TestARefusedTextReachesNoStore(t *testing.T) {
	t.Parallel()
	r := start(t, func(cfg *world.Config) {
		cfg.Tune = func(_ string, c *node.Config) { c.Moderate = message.RefuseWords([]string{"abracadabra"}) }
	})
	alice, bob := r.user(), r.user()
	group := alice.group(bob)
	phone, other := alice.connect("phone"), bob.connect("phone")
	settle()
	require.Equal(t, chat.CodeModerated, alice.say(group, "say Abracadabra now").code)
	phone.send(sendFrame(group, "say abracadabra again"))
	require.Equal(t, chat.CodeModerated, phone.refusal().Code)
	require.Empty(t, alice.say(group, "say please").code)
	other.shows("say please")
	var log, tables, cache string
	require.Eventually(t, func() bool {
		log, tables, cache = r.stored()
		return strings.Contains(tables, "say please") && strings.Contains(cache, "say please")
	}, patience, 100*time.Millisecond, "the search finds what was accepted")
	require.Contains(t, log, "say please")
	for name, text := range map[string]string{"log": log, "tables": tables, "redis": cache, "a member's socket": strings.Join(other.raw, "\n")} {
		require.NotContains(t, strings.ToLower(text), "abracadabra", name)
	}
	require.Equal(t, []string{"say please"}, bob.history(group))
}

// TestAnOpaqueTextPassesUnchanged: what devices encrypt end to end is text to the system, which neither reads nor
// changes it, on any of its ways.
func TestAnOpaqueTextPassesUnchanged(t *testing.T) {
	t.Parallel()
	r := start(t, func(cfg *world.Config) {
		cfg.Tune = func(_ string, c *node.Config) { c.Moderate = message.RefuseWords([]string{"abracadabra"}) }
	})
	alice, bob := r.user(), r.user()
	group := alice.group(bob)
	phone, other := alice.connect("phone"), bob.connect("phone")
	settle()
	var said []string
	for _, size := range []int{1, 100, 20 << 10} {
		sealed := make([]byte, size)
		_, err := rand.Read(sealed)
		require.NoError(t, err)
		said = append(said, base64.StdEncoding.EncodeToString(sealed))
	}
	for i, text := range said {
		if i%2 == 0 {
			phone.send(sendFrame(group, text))
		} else {
			require.Empty(t, alice.say(group, text).code)
		}
		other.shows(text)
		phone.shows(text)
	}
	require.Eventually(t, func() bool { return slices.Equal(said, bob.history(group)) }, patience, 50*time.Millisecond)
	_, tables, _ := r.stored()
	for _, text := range said {
		require.Contains(t, tables, text)
	}
}
