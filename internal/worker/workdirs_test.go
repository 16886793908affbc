package worker

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestWorkDirs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: there are no permissions to look at, so nothing is used again")
	}
	d := workDirs{root: filepath.Join(t.TempDir(), "tmp")}
	take := func() string {
		t.Helper()
		dir, err := d.take()
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dir)
		if err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Fatalf("%v, %v", info, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Fatalf("it holds %v, %v", entries, err)
		}
		return dir
	}
	first := take()
	if err := d.giveBack(first); err != nil {
		t.Fatal(err)
	}
	if again := take(); again != first {
		t.Error("an empty directory is not used again")
	}
	for name, change := range map[string]func(dir string) error{
		"a file":                 func(dir string) error { return os.WriteFile(filepath.Join(dir, "file"), nil, 0o600) },
		"others may read it":     func(dir string) error { return os.Chmod(dir, 0o755) },
		"a link in its place":    func(dir string) error { return errors.Join(os.Remove(dir), os.Symlink(t.TempDir(), dir)) },
		"it is not there":        os.Remove,
		"a file in its place":    func(dir string) error { return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o600)) },
		"what cannot be entered": func(dir string) error { return os.MkdirAll(filepath.Join(dir, "a", "b"), 0o300) },
	} {
		dir := take()
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if err := d.giveBack(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: it is still there", name)
		}
	}
	spare := take()
	if err := d.giveBack(spare); err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(spare); !os.IsNotExist(err) {
		t.Error("a spare directory is left")
	}
}
