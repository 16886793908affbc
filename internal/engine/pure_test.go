package engine

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// forbidden packages would let the engine see the world, or chance.
var forbidden = map[string]bool{
	"context": true, "crypto/rand": true, "io": true, "log": true, "log/slog": true, "math/rand": true, "math/rand/v2": true,
	"net": true, "net/http": true, "os": true, "path/filepath": true, "runtime": true, "sync": true, "sync/atomic": true, "unsafe": true,
}

// TestPure refuses what would make a step depend on more than its arguments: I/O, the clock, goroutines, channels, and the
// order of a map, which is chance.
func TestPure(t *testing.T) {
	fset := token.NewFileSet()
	files := parse(t, fset, ".")
	for _, err := range impurities(fset, files, typesOf(t, fset, files)) {
		t.Error(err)
	}
}

// TestImpure sees that the check finds what it looks for.
func TestImpure(t *testing.T) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "impure.go", `package engine

import ("maps"; "os"; "slices"; "time")

type set map[string]bool

func f(s set) (out []string) {
	for k := range s {
		out = append(out, k)
	}
	for k := range maps.Keys(s) {
		out = append(out, k)
	}
	out = append(out, slices.Collect(maps.Keys(s))...)
	out = append(out, slices.Sorted(maps.Keys(s))...)
	go f(nil)
	_ = time.Now()
	return append(out, os.Args...)
}
`, 0)
	if err != nil {
		t.Fatal(err)
	}
	files := []*ast.File{f}
	got := impurities(fset, files, typesOf(t, fset, files))
	want := []string{
		"impure.go:3:17: imports os", "impure.go:8:17: ranges over a map", "impure.go:11:17: maps.Keys without sorting",
		"impure.go:14:35: maps.Keys without sorting", "impure.go:16:2: goroutines and channels have no place here",
		"impure.go:17:6: the clock has no place here",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func parse(t *testing.T, fset *token.FileSet, dir string) (files []*ast.File) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// typesOf finds the types of expressions with the help of what the compiler has exported of other packages.
func typesOf(t *testing.T, fset *token.FileSet, files []*ast.File) *types.Info {
	out, err := exec.Command("go", "list", "-deps", "-export", "-f", "{{.ImportPath}}={{.Export}}", ".", "os").Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exports[path] = file
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	if _, err := conf.Check("engine", fset, files, info); err != nil {
		t.Fatal(err)
	}
	return info
}

func impurities(fset *token.FileSet, files []*ast.File, info *types.Info) (out []string) {
	found := func(n ast.Node, format string, args ...any) {
		out = append(out, fmt.Sprintf("%s: %s", fset.Position(n.Pos()), fmt.Sprintf(format, args...)))
	}
	sorted := map[ast.Expr]bool{}
	for _, f := range files {
		for _, imp := range f.Imports {
			if path := strings.Trim(imp.Path.Value, `"`); forbidden[path] {
				found(imp, "imports %s", path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt, *ast.SendStmt:
				found(n, "goroutines and channels have no place here")
			case *ast.RangeStmt:
				if _, isMap := info.Types[n.X].Type.Underlying().(*types.Map); isMap {
					found(n.X, "ranges over a map")
				}
			case *ast.CallExpr:
				pkg, name := callee(info, n)
				switch {
				case pkg == "slices" && strings.HasPrefix(name, "Sorted"):
					sorted[n.Args[0]] = true
				case pkg == "maps" && (name == "Keys" || name == "Values" || name == "All") && !sorted[n]:
					found(n, "maps.%s without sorting", name)
				case pkg == "time" && (name == "Now" || name == "Since" || name == "Until" || name == "Sleep"):
					found(n, "the clock has no place here")
				}
			}
			return true
		})
	}
	return out
}

// callee returns the package and the name of what is called, where it is a function of a package.
func callee(info *types.Info, call *ast.CallExpr) (pkg, name string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if f, ok := info.Uses[sel.Sel].(*types.Func); ok && f.Pkg() != nil && f.Signature().Recv() == nil {
		return f.Pkg().Path(), f.Name()
	}
	return "", ""
}
