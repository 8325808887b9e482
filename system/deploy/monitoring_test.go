package deploy_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deploy"
)

var update = flag.Bool("update", false, "write the dashboard")

func TestDashboardIsGenerated(t *testing.T) {
	text, err := deploy.Dashboard()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("monitoring/dashboard.json", text, 0o600))
	}
	golden, err := os.ReadFile("monitoring/dashboard.json")
	require.NoError(t, err)
	require.Equal(t, string(golden), string(text), "go test ./system/deploy -update writes it")
}

// metricNames are the metrics that the roles' code names.
func metricNames(t *testing.T) map[string]bool {
	names := map[string]bool{}
	pattern := regexp.MustCompile(`^chat_[a-z_]+$`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "../deploy") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil && pattern.MatchString(text) {
					names[text] = true
				}
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(names), 20)
	return names
}

// used are the metrics that a text speaks of, without what Prometheus adds to a histogram's name.
func used(text string) []string {
	all := regexp.MustCompile(`\bchat_[a-z_]+`).FindAllString(text, -1)
	for i := range all {
		all[i] = regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(all[i], "")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestEveryMetricThatIsWatchedExists(t *testing.T) {
	names := metricNames(t)
	for _, file := range []string{"monitoring/alerts.yaml", "monitoring/alerts_test.yaml", "monitoring/dashboard.json", "kubernetes/gateway.yaml", "kubernetes/fanout.yaml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotEmpty(t, used(string(text)), file)
		for _, name := range used(string(text)) {
			require.True(t, names[name], "%s speaks of %s, which no role has", file, name)
		}
	}
}

// TestEveryAlertIsTested asks that each rule is in the unit tests that promtool runs.
func TestEveryAlertIsTested(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Annotations map[string]string
			}
		}
	}
	text, err := os.ReadFile("monitoring/alerts.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &rules))
	tests, err := os.ReadFile("monitoring/alerts_test.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, rules.Groups)
	for _, r := range rules.Groups[0].Rules {
		require.Contains(t, string(tests), r.Alert)
		require.NotEmpty(t, r.Annotations["summary"])
	}
}

// TestTheSixMetricsOfTheDocument scrapes every role of a running system that has done some work.
func TestTheSixMetricsOfTheDocument(t *testing.T) {
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	w, err := world.Start(t.Context(), world.Config{Switches: switches, Partitions: 2, Pace: 50 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	work(t, w)
	want := []string{
		"chat_gateway_connections", "chat_gateway_connections_limit", "chat_consumer_lag_records", "chat_delivery_duration_seconds_count",
		"chat_gateway_heartbeats_total", "chat_cache_reads_total", "chat_cassandra_write_duration_seconds_count",
		"chat_consumer_oldest_record_timestamp_seconds",
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		seen := scrape(t, w)
		for _, name := range want {
			require.Contains(c, seen, name)
		}
		require.NotEqual(c, "0", seen["chat_delivery_duration_seconds_count"])
	}, 10*time.Second, 50*time.Millisecond)
	named := metricNames(t)
	for name := range scrape(t, w) {
		require.True(t, named[used(name)[0]], "%s is served, and no role's code names it", name)
	}
}

// work lets alice be online, send herself something and read it.
func work(t *testing.T, w *world.World) {
	alice := chat.NewID()
	bearer, err := w.Token(alice, time.Hour)
	require.NoError(t, err)
	do := func(method, path, body string) string {
		req, err := http.NewRequestWithContext(t.Context(), method, w.EdgeURL+"/api/v1"+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+bearer)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Less(t, res.StatusCode, 300, "%s", text)
		return string(text)
	}
	field := func(text, name string) string {
		return regexp.MustCompile(`"` + name + `":"?([^",}]*)`).FindStringSubmatch(text)[1]
	}
	session := do("POST", "/sessions", `{"device":"phone"}`)
	do("PUT", "/presence", `{"device":"phone","gateway":"`+field(session, "gateway")+`","epoch":`+field(session, "epoch")+`}`)
	conversation := "/conversations/" + field(do("POST", "/conversations", `{"type":"group","members":[]}`), "conversation_id") + "/messages"
	do("POST", conversation, `{"client_msg_id":"`+chat.NewClientMsgID(time.Now()).String()+`","content":"hello"}`)
	do("GET", conversation, "")
}

// scrape is every metric of the system's own that any role serves, with one of its values.
func scrape(t *testing.T, w *world.World) map[string]string {
	seen := map[string]string{}
	for _, a := range w.Addresses() {
		res, err := http.Get("http://" + a.Admin + "/metrics")
		require.NoError(t, err)
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		for _, m := range regexp.MustCompile(`(?m)^(chat_[a-z_]+)(?:\{.*\})? (\S+)$`).FindAllStringSubmatch(string(text), -1) {
			seen[m[1]] = m[2]
		}
	}
	require.NotEmpty(t, seen)
	return seen
}
