// Package ready_test asks every role of a running system what /readyz and /metrics say while something is away.
package ready_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/node"
)

// patience is how long the truth may take on a machine that runs other tests: workers join their group again.
const patience = time.Minute

// roles are the columns of the table.
var roles = []string{node.Edge, node.Gateway, node.Message, node.Presence, node.Fanout, node.Push}

// outage is a row: what is away, and the dependencies that each role says it lacks. A name in brackets is one that the
// role goes on without.
type outage struct {
	what       string
	begin, end func(*rig) error
	lacks      map[string]string
}

func outages() []outage {
	return []outage{
		{"one Kafka broker of three", (*rig).killBroker, (*rig).restartBrokers, nil},
		{"one Kafka broker of three, frozen", (*rig).freezeBroker, (*rig).thawBroker, nil},
		{"all Kafka brokers", (*rig).killBrokers, (*rig).restartBrokers,
			map[string]string{node.Message: "kafka", node.Fanout: "kafka", node.Push: "kafka"}},
		{"Redis of presence", func(r *rig) error { return r.Stores.Presence.Kill(false) }, func(r *rig) error { return r.Stores.Presence.Restart() },
			map[string]string{node.Edge: "(presence)", node.Gateway: "(presence)", node.Presence: "presence-store", node.Fanout: "(presence-store)", node.Push: "(presence-store)"}},
		{"Redis of the cache", func(r *rig) error { return r.Stores.Cache.Kill(false) }, func(r *rig) error { return r.Stores.Cache.Restart() },
			map[string]string{node.Message: "(cache)", node.Fanout: "(cache)"}},
		{"one Cassandra node of three", stopNodes(1), startNodes, nil},
		{"two Cassandra nodes of three", stopNodes(2), startNodes, map[string]string{node.Message: "cassandra", node.Fanout: "cassandra", node.Push: "cassandra"}},
		{"all Cassandra nodes", stopNodes(3), startNodes, map[string]string{node.Message: "cassandra", node.Fanout: "cassandra", node.Push: "cassandra"}},
	}
}

// rig is a system whose stores can be broken.
type rig struct {
	*world.World
	t *testing.T
}

func start(t *testing.T) *rig {
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	w, err := world.Start(t.Context(), world.Config{Partitions: 3, Switches: switches, Session: 5 * time.Second, Pace: 200 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return &rig{w, t}
}

func (r *rig) killBroker() error   { return r.Stores.Log.Kill(r.Stores.Log.Brokers()[0].Name) }
func (r *rig) freezeBroker() error { return r.Stores.Log.Freeze(r.Stores.Log.Brokers()[0].Name) }
func (r *rig) thawBroker() error   { return r.Stores.Log.Thaw(r.Stores.Log.Brokers()[0].Name) }

func (r *rig) killBrokers() error    { return r.eachBroker(r.Stores.Log.Kill) }
func (r *rig) restartBrokers() error { return r.eachBroker(r.Stores.Log.Restart) }

func (r *rig) eachBroker(do func(string) error) error {
	for _, b := range r.Stores.Log.Brokers() {
		if err := do(b.Name); err != nil {
			return err
		}
	}
	return nil
}

func stopNodes(n int) func(*rig) error {
	return func(r *rig) error {
		for _, name := range r.Stores.Tables.Names()[:n] {
			if err := r.Stores.Tables.Stop(name); err != nil {
				return err
			}
		}
		return nil
	}
}

func startNodes(r *rig) error {
	for _, name := range r.Stores.Tables.Names() {
		if err := r.Stores.Tables.Start(name); err != nil {
			return err
		}
	}
	return nil
}

// get asks a role's admin address.
func (r *rig) get(role, path string) (int, string) {
	for _, a := range r.Addresses() {
		if a.Role == role {
			res, err := http.Get("http://" + a.Admin + path)
			require.NoError(r.t, err)
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			require.NoError(r.t, err)
			return res.StatusCode, string(text)
		}
	}
	require.FailNow(r.t, "no such role", role)
	return 0, ""
}

// says is whether /readyz and chat_dependency_up say that a role lacks exactly this.
func (r *rig) says(role, lacks string) (bool, string) {
	status, text := r.get(role, "/readyz")
	name := strings.Trim(lacks, "()")
	needed := lacks != "" && lacks == name
	switch {
	case lacks == "":
		return status == http.StatusOK && text == "ready\n", text
	case needed && (status != http.StatusServiceUnavailable || !strings.Contains(text, "\n"+name+": see ")):
		return false, text
	case !needed && (status != http.StatusOK || !strings.Contains(text, "\nwithout "+name+": see ")):
		return false, text
	}
	_, metrics := r.get(role, "/metrics")
	return strings.Contains(metrics, fmt.Sprintf("chat_dependency_up{dependency=%q,needed=\"%t\"} 0\n", name, needed)), text
}

func (r *rig) eventually(what string, ok func() (bool, string)) {
	r.t.Helper()
	begun := time.Now()
	for {
		fine, text := ok()
		if fine {
			return
		}
		require.Less(r.t, time.Since(begun), patience, "%s: %s", what, text)
		<-time.After(50 * time.Millisecond)
	}
}

// TestReadyTellsTheTruth breaks one thing after the other. What a row does not name must not be unready for as long as the
// outage is watched; a broker that stands still is watched through the election of other leaders.
func TestReadyTellsTheTruth(t *testing.T) {
	t.Parallel()
	r := start(t)
	for _, row := range outages() {
		require.NoError(t, row.begin(r), row.what)
		for role, lacks := range row.lacks {
			r.eventually(row.what+" is away: "+role, func() (bool, string) { return r.says(role, lacks) })
		}
		watched := time.Now()
		for looks := 0; looks < 2 || row.lacks == nil && time.Since(watched) < 5*time.Second; looks++ {
			for _, role := range roles {
				if lacks := row.lacks[role]; lacks == "" || strings.HasPrefix(lacks, "(") {
					status, text := r.get(role, "/readyz")
					require.Equal(t, http.StatusOK, status, "%s is away: %s: %s", row.what, role, text)
				}
				status, _ := r.get(role, "/healthz")
				require.Equal(t, http.StatusOK, status, "%s is away: %s lives", row.what, role)
			}
			<-time.After(20 * time.Millisecond) // asked without a pause, the roles would have a core to themselves
		}
		require.NoError(t, row.end(r), row.what)
		for _, role := range roles {
			r.eventually(row.what+" is back: "+role, func() (bool, string) { return r.says(role, "") })
		}
	}
}

// TestPeersAway stops roles on which others depend.
func TestPeersAway(t *testing.T) {
	t.Parallel()
	for _, row := range peers() {
		t.Run(row.what, func(t *testing.T) {
			r := start(t)
			r.Stop(t.Context(), strings.TrimSuffix(row.what, " pods"))
			for _, role := range roles {
				if role+" pods" != row.what {
					r.eventually(row.what+" are away: "+role, func() (bool, string) { return r.says(role, row.lacks[role]) })
				}
			}
		})
	}
}

func peers() []outage {
	return []outage{
		{what: "message pods", lacks: map[string]string{node.Edge: "message", node.Gateway: "message"}},
		{what: "presence pods", lacks: map[string]string{node.Edge: "(presence)", node.Gateway: "(presence)"}},
		{what: "gateway pods", lacks: map[string]string{node.Edge: "gateway"}},
		{what: "fanout pods"},
		{what: "push pods"},
	}
}

// TestTheDocumentIsTheTable: docs/READINESS.md shows what the tests above hold.
func TestTheDocumentIsTheTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("| away | " + strings.Join(roles, " | ") + " |\n|---" + strings.Repeat("|---", len(roles)) + "|\n")
	for _, row := range append(outages(), peers()...) {
		b.WriteString("| " + row.what)
		for _, role := range roles {
			switch lacks := row.lacks[role]; {
			case row.what == role+" pods":
				b.WriteString(" | ")
			case lacks == "":
				b.WriteString(" | ready")
			case strings.HasPrefix(lacks, "("):
				b.WriteString(" | ready, without " + strings.Trim(lacks, "()"))
			default:
				b.WriteString(" | **503** " + lacks)
			}
		}
		b.WriteString(" |\n")
	}
	const file = "../../../docs/READINESS.md"
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(text), "UPDATE=1 go test ./sim/world/ready writes it")
}

const head = `# When a role is ready

Made from the tests in ` + "`sim/world/ready`" + `, which break each of these in a running system; ` + "`UPDATE=1 go test ./sim/world/ready`" + ` writes it.

A role is unready only when it cannot do its work. /readyz then answers 503, names what is away and says what to do; when it is
ready it names what it goes on without. A peer that answers with a refusal is there: its own /readyz says what it lacks.
` + "`chat_dependency_up`" + ` says the same as of the last /readyz, and the alerts ChatNotReady and ChatDegraded follow it. /healthz is 200 as long as the process lives.

`
