package resilience_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// local are constants that limit no remote call, by file and expression, with the reason.
var local = map[string]string{
	"cassandra/migrate.go: claimWait":                                          "how long migrations take turns; each statement has its row",
	"cassandra/migrate.go: 50*time.Millisecond + rand.N(450*time.Millisecond)": "spreads migrations that take turns",
	"client/rest.go: time.Minute":                                              "an idle connection is closed: nobody waits for it",
	"edge/gateways.go: min(doubtEvery, gs.every)":                              "between two looks at gateways; a look has its row",
	"edge/body.go: time.Now().Add(bodyWithin)":                                 "what a stranger may cost whose body trickles",
	"gateway/reporter.go: max(0, last+reportEvery-g.clock())":                  "between two reports; a report has its row",
	"gateway/shutdown.go: farewell":                                            "sockets end with their gateway",
	"kafka/client.go: 30 * time.Second":                                        "an idle connection is closed: nobody waits for it",
	"kafka/consumer.go: 100 * time.Millisecond":                                "joins offsets to commit",
	"kafka/producer.go: time.Millisecond":                                      "joins records that come together",
	"node/command.go: cfg.Drain + 5*time.Second":                               "a role's own end: what still runs is cut off",
	"node/deadletters.go: time.Minute":                                         "an operator's command as a whole; its calls have their rows",
	"node/drain.go: window + 10*time.Second":                                   "a command that waits for what it has asked for",
	"node/node.go: time.Second":                                                "streams end with their server",
	"node/node.go: 5 * time.Second":                                            "what a stranger may cost who connects and says nothing",
	"node/node.go: time.Minute":                                                "an idle connection is closed: nobody waits for it",
	"push/partition.go: time.Hour":                                             "a timer that is set anew before it can end",
	"push/provider.go: 90 * time.Second":                                       "an idle connection is closed: nobody waits for it",
	"transport/development.go: now.Add(-time.Hour)":                            "the life of a certificate",
	"transport/development.go: now.Add(developmentLife)":                       "the life of a certificate",
	"transport/secret.go: 10 * time.Second":                                    "between two lines of the logbook",
}

var limits = regexp.MustCompile(`(Timeout|Interval|Backoff|BackoffMin|BackoffMax|Deadline)$`)

// TestNoLimitOfARemoteCallOutsideTheTable reads every package of the system but this one.
func TestNoLimitOfARemoteCallOutsideTheTable(t *testing.T) {
	found := map[string]bool{}
	for dir, files := range sources(t) {
		constants := durations(files)
		for name, f := range files {
			for _, expr := range limitsIn(f, constants) {
				at := filepath.ToSlash(filepath.Join(dir, name)) + ": " + expr
				found[at] = true
				assert.NotEmpty(t, local[at], "%s limits a remote call: make it a row of the table; or, if it does not, say why in the list above", at)
			}
		}
	}
	for at := range local {
		assert.True(t, found[at], "%s is allowed and does not exist", at)
	}
}

func TestALimitOutsideTheTableIsSeen(t *testing.T) {
	for text, want := range map[string][]string{
		`ctx, _ = context.WithTimeout(ctx, 2*time.Second)`:                           {"2 * time.Second"},
		`ctx, _ = context.WithTimeout(ctx, patience)`:                                {"patience"},
		`ctx, _ = context.WithDeadline(ctx, time.Now().Add(time.Second))`:            {"time.Now().Add(time.Second)"},
		`d := net.Dialer{Timeout: time.Second}`:                                      {"time.Second"},
		`d := &kafka.Transport{Dial: func() { sleep(time.Second) }, Idle: patience}`: {"patience"},
		`c.ReconnectInterval = cmp.Or(pace, time.Second)`:                            {"cmp.Or(pace, time.Second)"},
		`<-time.After(patience)`:                                                     {"patience"},
		`conn.SetReadDeadline(time.Now().Add(patience))`:                             {"time.Now().Add(patience)"},
		`ctx, _ = context.WithTimeout(ctx, resilience.Rows.Timeout())`:               nil,
		`f := chat.Errorf("no").After(time.Second)`:                                  nil,
		`w := world{every: time.Second}`:                                             nil,
	} {
		source := "package p\nimport (\"context\"; \"net\"; \"time\"; kafka \"github.com/segmentio/kafka-go\"; \"github.com/chatlab/chatlab/system/chat\")\n" +
			"const patience = 3 * time.Second\nfunc f() {\n" + text + "\n}"
		f, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
		require.NoError(t, err)
		require.Equal(t, want, limitsIn(f, durations(map[string]*ast.File{"": f})), text)
	}
}

// sources are the files that are no tests, by package and name.
func sources(t *testing.T) map[string]map[string]*ast.File {
	all := map[string]map[string]*ast.File{}
	require.NoError(t, filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		dir, name := filepath.Split(p)
		dir = strings.TrimPrefix(filepath.ToSlash(filepath.Clean(dir)), "../")
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
			dir == "resilience" || strings.HasPrefix(dir, "api/tour") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if all[dir] == nil {
			all[dir] = map[string]*ast.File{}
		}
		all[dir][name] = f
		return err
	}))
	require.Greater(t, len(all), 15)
	return all
}

// durations names the constants of a package that are made of time's.
func durations(files map[string]*ast.File) map[string]bool {
	names := map[string]bool{}
	for before := -1; before < len(names); { // constants of constants
		before = len(names)
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
					for _, s := range d.Specs {
						v := s.(*ast.ValueSpec)
						for i := range v.Values {
							if constant(v.Values[i], names) {
								names[v.Names[i].Name] = true
							}
						}
					}
				}
				return true
			})
		}
	}
	return names
}

// constant says whether an expression has a duration that the code names; functions in it are judged by themselves.
func constant(e ast.Node, constants map[string]bool) (is bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.KeyValueExpr:
			is = is || constant(n.Value, constants)
			return false
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			is = is || ok && x.Name == "time" && regexp.MustCompile(`^(Nanosecond|Microsecond|Millisecond|Second|Minute|Hour)$`).MatchString(n.Sel.Name)
			return !ok
		case *ast.Ident:
			is = is || constants[n.Name]
		}
		return true
	})
	return is
}

// limitsIn lists the constant expressions that limit or space calls: of contexts, timers and deadlines, of fields that
// are called so, and of the configurations of what others wrote.
func limitsIn(f *ast.File, constants map[string]bool) (found []string) {
	foreign := foreignPackages(f)
	judge := func(e ast.Expr) {
		if constant(e, constants) {
			var text bytes.Buffer
			_ = printer.Fprint(&text, token.NewFileSet(), e) // into memory
			found = append(found, text.String())
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if limiting(n.Fun) && len(n.Args) > 0 {
				judge(n.Args[len(n.Args)-1])
			}
		case *ast.AssignStmt:
			for i := range min(len(n.Lhs), len(n.Rhs)) {
				if s, ok := n.Lhs[i].(*ast.SelectorExpr); ok && limits.MatchString(s.Sel.Name) {
					judge(n.Rhs[i])
				}
			}
		case *ast.CompositeLit:
			s, ok := n.Type.(*ast.SelectorExpr)
			for _, e := range n.Elts {
				kv, is := e.(*ast.KeyValueExpr)
				if _, nested := e.(*ast.CompositeLit); ok && is && !nested && foreign[s.X.(*ast.Ident).Name] && !composite(kv.Value) {
					judge(kv.Value)
				}
			}
		}
		return true
	})
	return found
}

// composite says that a value is a configuration of its own.
func composite(e ast.Expr) bool {
	if u, ok := e.(*ast.UnaryExpr); ok {
		e = u.X
	}
	_, is := e.(*ast.CompositeLit)
	return is
}

// limiting says whether the last argument of a function is how long something may take, or until when.
func limiting(fun ast.Expr) bool {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun.Name == "pause"
	case *ast.SelectorExpr:
		switch fun.Sel.Name {
		case "SetDeadline", "SetReadDeadline", "SetWriteDeadline", "Reset":
			return true
		}
		x, ok := fun.X.(*ast.Ident)
		switch {
		case ok && x.Name == "context":
			return strings.HasPrefix(fun.Sel.Name, "WithTimeout") || strings.HasPrefix(fun.Sel.Name, "WithDeadline")
		case ok && x.Name == "time":
			return fun.Sel.Name == "After" || fun.Sel.Name == "NewTimer"
		case ok && x.Name == "backoff":
			return true
		}
	}
	return false
}

// foreignPackages are the names of the imports that are not this module's.
func foreignPackages(f *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		name := regexp.MustCompile(`/v\d+$`).ReplaceAllString(path, "")
		name = strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], "-go")
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = !strings.HasPrefix(path, "github.com/chatlab/")
	}
	return names
}
