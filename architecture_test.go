// Package chatlab_test holds the rules of who may import whom, and of the house, as failing tests.
package chatlab_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/chatlab/chatlab/"

// rule forbids imports; each says why.
type rule struct {
	from    string   // packages whose path has this prefix; "" means all
	except  []string // but not these
	mustNot []string // prefixes of imports
	may     []string // exceptions to mustNot
	why     string
}

func rules() []rule {
	return []rule{
		{from: "system/", mustNot: []string{"scenarios", "chaos", "sim", "reports", "cmd"},
			why: "the chat system is deployable without the lab"},
		{from: "system/chat", mustNot: []string{"!github.com/google/uuid", "system"},
			why: "the domain depends on nothing but ids"},
		{from: "system/order", mustNot: []string{"!std", "system"}, may: []string{"system/chat"},
			why: "a place is a pure function of the log's prefix: nothing that does I/O may creep in"},
		{from: "system/kafka", mustNot: []string{"system/redis", "system/cassandra"}, why: "an adapter knows one technology"},
		{from: "system/redis", mustNot: []string{"system/kafka", "system/cassandra"}, why: "an adapter knows one technology"},
		{from: "system/cassandra", mustNot: []string{"system/kafka", "system/redis"}, why: "an adapter knows one technology"},
		{except: []string{"system/cassandra", "sim/cassandra", "scenarios/environment"}, mustNot: []string{"github.com/gocql/gocql"},
			why: "one adapter holds the driver, so that moving to its successor is small"},
		{except: []string{"system/kafka", "sim/kafka", "scenarios/environment/containers"}, mustNot: []string{"github.com/segmentio/kafka-go"}, why: "one adapter holds the driver"},
		{except: []string{"system/redis", "sim/redis", "scenarios/environment/containers"}, mustNot: []string{"github.com/redis/go-redis"}, why: "one adapter holds the driver"},
		{from: "chaos", mustNot: []string{"system", "scenarios", "sim", "reports", "cmd"}, why: "faults act on names and links, whatever runs behind them"},
		{from: "scenarios", except: []string{"scenarios/environment"}, mustNot: []string{"system", "sim", "reports", "cmd"},
			may: []string{"system/client", "system/wire", "system/chat", "system/transport"},
			why: "the lab sees the system as a device does; only environments start roles"},
		{from: "scenarios/history", mustNot: []string{"system", "chaos", "net"}, why: "a history is judged without the system that made it"},
		{from: "scenarios/property", mustNot: []string{"system", "chaos", "net", "os"}, why: "a property is a pure function of the history"},
		{from: "scenarios/workload", mustNot: []string{"system", "chaos", "net", "os"}, why: "the same plan and seed give the same sends"},
		{except: []string{"scenarios/environment/containers"}, mustNot: []string{"github.com/testcontainers", "github.com/moby"}, why: "one environment needs an engine"},
		{from: "reports", mustNot: []string{"system", "chaos", "sim", "cmd"}, why: "a report is a view of results"},
		{except: []string{"sim"}, mustNot: []string{"testing"}, why: "the lab is a program: no library of it takes *testing.T"},
	}
}

func TestImportsPointTheRightWay(t *testing.T) {
	for pkg, imports := range imports(t) {
		for _, r := range rules() {
			for _, i := range imports {
				if r.forbids(pkg, i) {
					t.Errorf("%s imports %s: %s", pkg, i, r.why)
				}
			}
		}
	}
}

func TestAForbiddenImportIsSeen(t *testing.T) {
	seen := func(pkg, imp string) bool {
		for _, r := range rules() {
			if r.forbids(pkg, imp) {
				return true
			}
		}
		return false
	}
	require.True(t, seen("system/gateway", module+"scenarios/history"))
	require.True(t, seen("system/order", "github.com/segmentio/kafka-go"))
	require.True(t, seen("system/chat", "github.com/redis/go-redis/v9"))
	require.True(t, seen("scenarios/catalogue", module+"system/node"))
	require.False(t, seen("scenarios/environment/embedded", module+"system/node"))
	require.False(t, seen("scenarios", module+"system/client"))
	require.False(t, seen("system/order", "time"))
}

func (r rule) forbids(pkg, imp string) bool {
	if !within(pkg, r.from) || anyWithin(pkg, r.except) {
		return false
	}
	local := strings.TrimPrefix(imp, module)
	if anyWithin(local, r.may) {
		return false
	}
	for _, m := range r.mustNot {
		only, isOnly := strings.CutPrefix(m, "!")
		switch {
		case isOnly && strings.Contains(imp, ".") && !strings.HasPrefix(imp, module) && !within(imp, only):
			return true
		case !isOnly && within(local, m):
			return true
		}
	}
	return false
}

func within(p, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return prefix == "" || p == prefix || strings.HasPrefix(p, prefix+"/")
}

func anyWithin(p string, prefixes []string) bool {
	for _, x := range prefixes {
		if within(p, x) {
			return true
		}
	}
	return false
}

// imports lists each package's imports, without those of its tests.
func imports(t *testing.T) map[string][]string {
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = "."
	out, err := cmd.Output()
	require.NoError(t, err)
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		all[strings.TrimPrefix(f[0], module)] = f[1:]
	}
	require.Greater(t, len(all), 10)
	return all
}
