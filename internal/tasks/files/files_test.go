package files

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"a.txt", "b.csv", "sub/c.txt", "sub/deep/d.txt"} {
		if err := Write(root, name, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		globs string
		want  []string
	}{
		{"*.txt", []string{"a.txt"}},
		{"**/*.txt", []string{"a.txt", "sub/c.txt", "sub/deep/d.txt"}},
		{"sub/**", []string{"sub/c.txt", "sub/deep/d.txt"}},
		{"b.csv *.csv", []string{"b.csv"}},
		{"*.none missing.txt", []string{}},
	} {
		got, err := Match(dir, strings.Fields(c.globs))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", c.globs, got, err)
		}
	}
}

func TestWriteStaysInside(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "work")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outer, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := Write(root, "../../escaped", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "escaped")); err != nil {
		t.Error("a path that leads out is taken from the directory on:", err)
	}
	if err := Write(root, "link/escaped", strings.NewReader("x")); err == nil {
		t.Error("a link led out of the directory")
	}
}
