package resilience_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

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
		require.NotEmpty(t, p.From)
		require.NotEmpty(t, p.GivesUp)
		for _, inside := range p.Inside {
			cost := inside.Policy().Cost()
			require.Positive(t, cost)
			require.LessOrEqual(t, cost, p.Timeout, "%s to %s: what it does inside takes longer: %s", p.From, p.To, inside.Policy().To)
		}
	}
}

// A row that no code names says nothing about the system.
func TestEveryRowIsUsed(t *testing.T) {
	used := map[string]bool{}
	require.NoError(t, filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "resilience" {
					used[s.Sel.Name] = true
				}
			}
			return true
		})
		return nil
	}))
	for _, name := range rows(t) {
		require.True(t, used[name], "nothing takes its numbers from resilience.%s", name)
	}
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
	b := resilience.EdgeRepeat.Policy().NewBudget()
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
}
