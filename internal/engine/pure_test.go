package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"strings"
	"testing"
)

// forbidden packages would let the engine see the world, or chance.
var forbidden = map[string]bool{
	"context": true, "crypto/rand": true, "io": true, "log": true, "log/slog": true, "math/rand": true, "math/rand/v2": true,
	"net": true, "net/http": true, "os": true, "path/filepath": true, "runtime": true, "sync": true, "sync/atomic": true, "unsafe": true,
}

// TestPure refuses what would make a step depend on more than its arguments: I/O, the clock, goroutines, channels, and
// ranging over maps, whose order is chance.
func TestPure(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	maps := mapTypes()
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			if path := strings.Trim(imp.Path.Value, `"`); forbidden[path] {
				t.Errorf("%s imports %s", fset.Position(imp.Pos()), path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt, *ast.SendStmt:
				t.Errorf("%s: goroutines and channels have no place here", fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && (n.Sel.Name == "Now" || n.Sel.Name == "Since" || n.Sel.Name == "Sleep") {
					t.Errorf("%s: the clock has no place here", fset.Position(n.Pos()))
				}
			case *ast.RangeStmt:
				if name := types.ExprString(n.X); maps[name] {
					t.Errorf("%s: ranges over the map %s", fset.Position(n.Pos()), name)
				}
			}
			return true
		})
	}
}

// mapTypes names the expressions of this package that are maps and that somebody might range over.
func mapTypes() map[string]bool {
	return map[string]bool{
		"x.s.timers": true, "s.timers": true, "x.s.nodes": true, "s.nodes": true, "x.s.byTask": true, "s.byTask": true,
		"g.members": true, "s.g.members": true, "again": true, "chain": true, "olds": true, "ids": true, "f.began": true,
		"n.run.Engine.Ended": true, "run.Engine.Ended": true, "counts": true, "out": false,
	}
}
