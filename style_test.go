package chatlab_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	maxFileLines     = 500
	maxFunctionLines = 60
)

// TestHouseRules walks every source file that people wrote.
func TestHouseRules(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, ".pb.go") {
			return err
		}
		files++
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, p, nil, parser.ParseComments)
		require.NoError(t, err)
		if n := set.Position(f.FileEnd).Line; n > maxFileLines {
			t.Errorf("%s has %d lines: at most %d, one idea a file", p, n, maxFileLines)
		}
		virtual := importsSynctest(f)
		ast.Inspect(f, func(n ast.Node) bool { checkNode(t, set, n, virtual); return true })
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, files, 50)
}

// importsSynctest says that a test's time is virtual: there, to sleep is to advance the clock, and costs nothing.
func importsSynctest(f *ast.File) bool {
	for _, i := range f.Imports {
		if i.Path.Value == `"testing/synctest"` {
			return true
		}
	}
	return false
}

func checkNode(t *testing.T, set *token.FileSet, n ast.Node, virtual bool) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Body == nil {
			return
		}
		from, to := set.Position(n.Body.Pos()), set.Position(n.Body.End())
		table := strings.HasSuffix(from.Filename, "_test.go") // a table of cases may be long: it is data
		if lines := to.Line - from.Line; lines > maxFunctionLines && !table {
			t.Errorf("%s: %s has %d lines: at most %d", from, n.Name.Name, lines, maxFunctionLines)
		}
		if n.Name.Name == "init" && n.Recv == nil {
			t.Errorf("%s: init functions hide what starts when", from)
		}
	case *ast.CallExpr:
		s, ok := n.Fun.(*ast.SelectorExpr)
		if !ok {
			return
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && s.Sel.Name == "Sleep" && !virtual {
			t.Errorf("%s: time.Sleep is no synchronisation: wait for the event, or on a timer beside a context", set.Position(n.Pos()))
		}
	}
}
