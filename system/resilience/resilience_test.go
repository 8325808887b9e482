package resilience_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const document = "../../docs/RESILIENCE.md"

func TestTheDocumentIsTheTable(t *testing.T) {
	want := resilience.Document()
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(document, []byte(want), 0o644))
	}
	got, err := os.ReadFile(document)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "UPDATE=1 go test ./system/resilience writes it")
}

func TestEveryMethodHasARow(t *testing.T) {
	has := map[string]bool{}
	for _, c := range resilience.All() {
		for _, m := range c.Policy().Methods {
			has[m] = true
		}
	}
	methods := 0
	for _, d := range []grpc.ServiceDesc{pb.Messages_ServiceDesc, pb.Presences_ServiceDesc, pb.Gateway_ServiceDesc} {
		service := d.ServiceName[strings.LastIndex(d.ServiceName, ".")+1:]
		for _, m := range d.Methods {
			methods++
			require.True(t, has[service+"."+m.MethodName], "%s.%s has no row", service, m.MethodName)
			delete(has, service+"."+m.MethodName)
		}
		for _, m := range d.Streams {
			require.True(t, has[service+"."+m.StreamName], "%s.%s has no row", service, m.StreamName)
			delete(has, service+"."+m.StreamName)
		}
	}
	require.Greater(t, methods, 10)
	require.Empty(t, has, "rows of methods that do not exist")
}

// A callee that still tries when its caller has given up works for nobody.
func TestNestedCallsFit(t *testing.T) {
	for _, c := range resilience.All() {
		p := c.Policy()
		require.NotEmpty(t, p.Name)
		require.NotEmpty(t, p.From)
		require.NotEmpty(t, p.GivesUp)
		for _, inside := range append(p.Inside, p.InTurn...) {
			cost := inside.Policy().Cost()
			require.Positive(t, cost)
			require.LessOrEqual(t, cost+together(inside.Policy().Leaves), p.Timeout, "%s: what it does inside takes longer: %s", p.Name, inside.Policy().Name)
			require.Subset(t, p.InTurn, inside.Policy().Leaves, "%s: it does not do what %s leaves time for", p.Name, inside.Policy().Name)
		}
		require.LessOrEqual(t, together(p.InTurn), p.Timeout, "%s: what it does one after the other takes longer", p.Name)
	}
}

func together(calls []resilience.Call) (cost time.Duration) {
	for _, c := range calls {
		cost += c.Policy().Cost()
	}
	return cost
}

// The device hears of the gateway and of the edge before it stops to wait, with half a second for the way.
func TestWhoAsksOutlivesWhoAnswers(t *testing.T) {
	require.LessOrEqual(t, resilience.GatewaySend.Policy().Cost()+500*time.Millisecond, resilience.DeviceSend.Timeout())
	require.LessOrEqual(t, resilience.EdgeOnce.Policy().Cost()+500*time.Millisecond, resilience.DeviceRequest.Timeout())
}

func TestProfilesWaitForAGroupAsTheTableSays(t *testing.T) {
	limited := 0
	for _, name := range []string{chat.ProfileDocument, chat.ProfileMitigated, chat.ProfileHardened} {
		sw, err := chat.Profile(name)
		require.NoError(t, err)
		if sw.GroupLimit > 0 {
			limited++
			require.Equal(t, resilience.GroupTurn.Timeout(), sw.GroupWait)
			require.Equal(t, sw.GroupWait.Seconds()*sw.GroupLimit, float64(sw.GroupQueue), "the queue is as long as its last one may wait")
		}
	}
	require.Equal(t, 2, limited)
}

// A row that no code names says nothing about the system, and a promise that no code keeps is none.
func TestEveryRowIsUsed(t *testing.T) {
	used, breakers, budgets, rates := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, files := range sources(t) {
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				namesRows(n, used)
				if call, ok := n.(*ast.CallExpr); ok {
					into := map[string]map[string]bool{"NewBreaker": breakers, "Show": breakers, "Budget": budgets, "Retry": rates}[called(call.Fun)]
					for _, arg := range call.Args {
						namesRows(arg, into)
					}
				}
				return true
			})
		}
	}
	for i, name := range rows(t) {
		p := resilience.All()[i].Policy()
		require.True(t, used[name], "nothing takes its numbers from resilience.%s", name)
		require.Equal(t, p.Breaker.Failures > 0, breakers[name], "%s: breaker", name)
		require.Equal(t, p.Retries > 0, budgets[name], "%s: retry budget", name)
		require.Equal(t, p.Rate.PerSecond > 0, rates[name], "%s: rate of retries", name)
	}
}

// namesRows notes resilience.ROW.
func namesRows(n ast.Node, into map[string]bool) {
	if s, ok := n.(*ast.SelectorExpr); ok && into != nil {
		if x, ok := s.X.(*ast.Ident); ok && x.Name == "resilience" {
			into[s.Sel.Name] = true
		}
	}
}

// called is the name of a function or method.
func called(fun ast.Expr) string {
	if i, ok := fun.(*ast.IndexExpr); ok {
		fun = i.X
	}
	if s, ok := fun.(*ast.SelectorExpr); ok {
		return s.Sel.Name
	}
	return ""
}

// rows lists the names of the rows as table.go declares them.
func rows(t *testing.T) (names []string) {
	f, err := parser.ParseFile(token.NewFileSet(), "table.go", nil, 0)
	require.NoError(t, err)
	for _, s := range f.Decls[1].(*ast.GenDecl).Specs {
		for _, n := range s.(*ast.ValueSpec).Names {
			names = append(names, n.Name)
		}
	}
	require.Len(t, names, len(resilience.All()))
	return names
}

func TestBudget(t *testing.T) {
	meter := resilience.NewMeter(prometheus.NewRegistry())
	b := meter.Budget(resilience.EdgeRepeat, "message")
	for b.Retry() { // what it begins with
	}
	retries := 0
	for range 1000 {
		b.Call()
		if b.Retry() {
			retries++
		}
	}
	require.InDelta(t, 200, retries, 2, "20 %")
	require.EqualValues(t, retries+10, testutil.ToFloat64(meter.Retries.WithLabelValues("edge_repeat", "message")))
	require.EqualValues(t, 1000-retries+1, testutil.ToFloat64(meter.Withheld.WithLabelValues("edge_repeat", "message")))
}

// A breaker opens after as many failures in a row as its row says, one success between them resets it, and it shows.
func TestBreaker(t *testing.T) {
	for _, c := range resilience.All() {
		row := c.Policy()
		if row.Breaker.Failures == 0 {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			meter := resilience.NewMeter(prometheus.NewRegistry())
			b := resilience.NewBreaker[int](meter, "callee", gobreaker.Settings{}, c)
			state := func() float64 { return testutil.ToFloat64(meter.Breakers.WithLabelValues(row.Name, "callee")) }
			call := func(err error) error {
				_, got := b.Execute(func() (int, error) { return 0, err })
				return got
			}
			for range 3 {
				for range row.Breaker.Failures - 1 {
					require.Equal(t, io.EOF, call(io.EOF))
				}
				require.NoError(t, call(nil))
			}
			for range row.Breaker.Failures {
				require.EqualValues(t, gobreaker.StateClosed, state())
				require.Equal(t, io.EOF, call(io.EOF))
			}
			require.EqualValues(t, gobreaker.StateOpen, state())
			<-time.After(row.Breaker.Open)
			require.ErrorIs(t, call(nil), gobreaker.ErrOpenState)
			<-time.After(time.Nanosecond)
			require.NoError(t, call(nil))
			require.EqualValues(t, gobreaker.StateClosed, state())
		})
	}
}

func TestSpare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		require.Positive(t, resilience.LogWrite.Spare(t.Context()), "without a deadline")
		ctx, cancel := context.WithTimeout(t.Context(), resilience.LogWrite.Policy().Cost()+time.Second)
		defer cancel()
		require.Equal(t, time.Second, resilience.LogWrite.Spare(ctx))
		<-time.After(2 * time.Second)
		require.Equal(t, -time.Second, resilience.LogWrite.Spare(ctx))
	})
}
