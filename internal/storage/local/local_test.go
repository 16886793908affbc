package local

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/storagetest"
)

func open(t *testing.T, dir string) *Storage {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContract(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Storage { return open(t, t.TempDir()) })
}

func at(t *testing.T, path string) storage.URI {
	t.Helper()
	uri, err := storage.Root("main").Join(path)
	if err != nil {
		t.Fatal(err)
	}
	return uri
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The files lie where the reference looks for them, and what it wrote is found.
func TestLayout(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Put(t.Context(), at(t, "company/team/flow/x y.txt"), strings.NewReader("1"), map[string]string{"b": "2", "a c": "1"}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"main/company/team/flow/x y.txt":          "1",
		"main/company/team/flow/x y.txt.metadata": `{'a c':"1",b:"2"}`,
	} {
		if got, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(got) != want {
			t.Errorf("%s holds %s (%v), want %s", path, got, err, want)
		}
	}
	write(t, filepath.Join(dir, "main/a/theirs"), "2")
	write(t, filepath.Join(dir, "main/a/theirs.metadata"), `{'a b':"x",expirationDate:"2024-01-01T00:00:00Z",key:"v \"q\" é"}`)
	write(t, filepath.Join(dir, "main/a/model"), "3")
	write(t, filepath.Join(dir, "main/a/model.metadata"), "\x00 no Ion")
	object, err := s.Get(t.Context(), at(t, "a/theirs"))
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	want := map[string]string{"a b": "x", "expirationDate": "2024-01-01T00:00:00Z", "key": `v "q" é`}
	if diff := cmp.Diff(want, object.Metadata); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if a, err := s.Stat(t.Context(), at(t, "a/model")); err != nil || a.Metadata != nil {
		t.Errorf("beside what is no metadata: got %v (%v)", a, err)
	}
}

// Links may lead about within a tenant, but neither to another tenant nor out of the storage.
func TestLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: making links needs a privilege on Windows")
	}
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "other/secret"), "secret")
	write(t, filepath.Join(dir, "main/d/x"), "1")
	for link, target := range map[string]string{
		"absolute": outside, "relative": "../../" + filepath.Base(outside), "tenant": "../other",
		"file": filepath.Join(outside, "secret"), "dangling": "nowhere", "loop": ".", "inside": "d",
	} {
		if err := os.Symlink(target, filepath.Join(dir, "main", link)); err != nil {
			t.Fatal(err)
		}
	}
	s, ctx := open(t, dir), t.Context()
	for _, path := range []string{"absolute/secret", "relative/secret", "tenant/secret", "file", "absolute/new/secret"} {
		if _, err := s.Get(ctx, at(t, path)); !errors.Is(err, storage.ErrOutsideRoot) {
			t.Errorf("Get(%s): %v", path, err)
		}
		if _, err := s.Stat(ctx, at(t, path)); !errors.Is(err, storage.ErrOutsideRoot) {
			t.Errorf("Stat(%s): %v", path, err)
		}
	}
	for _, path := range []string{"absolute/new", "relative/new", "tenant/new", "absolute/new/x"} {
		if err := s.Put(ctx, at(t, path), strings.NewReader("x"), nil); !errors.Is(err, storage.ErrOutsideRoot) {
			t.Errorf("Put(%s): %v", path, err)
		}
		if err := s.Move(ctx, at(t, "d/x"), at(t, path)); !errors.Is(err, storage.ErrOutsideRoot) {
			t.Errorf("Move(%s): %v", path, err)
		}
		if err := s.CreateDirectory(ctx, at(t, path)); !errors.Is(err, storage.ErrOutsideRoot) {
			t.Errorf("CreateDirectory(%s): %v", path, err)
		}
	}
	object, err := s.Get(ctx, at(t, "inside/x"))
	if err != nil {
		t.Fatal(err)
	}
	object.Close()
	all, err := s.AllByPrefix(ctx, storage.Root("main"), false)
	if err != nil || len(all) != 1 || all[0] != at(t, "d/x") {
		t.Errorf("AllByPrefix: got %v (%v)", all, err)
	}
	// What is removed is the link, never what it leads to.
	if _, err := s.DeleteByPrefix(ctx, storage.Root("main")); err != nil {
		t.Error(err)
	}
	for _, path := range []string{filepath.Join(outside, "secret"), filepath.Join(dir, "other/secret")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Errorf("something was written outside: %v (%v)", entries, err)
	}
}

func TestPutBelowFile(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Put(t.Context(), at(t, "x"), strings.NewReader("1"), nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"x/y", "x/y/z"} {
		if err := s.Put(t.Context(), at(t, path), strings.NewReader("1"), nil); !errors.Is(err, storage.ErrNotDirectory) {
			t.Errorf("%s: got %v", path, err)
		}
		if err := s.CreateDirectory(t.Context(), at(t, path)); !errors.Is(err, storage.ErrNotDirectory) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	long := strings.Repeat("n", maxDiskName+1)
	if err := s.Put(t.Context(), at(t, long), strings.NewReader("1"), nil); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("a name too long: got %v", err)
	}
}

// Neither a finished nor a failed Put leaves anything behind, and what a crash left is cleared away.
func TestPartialFiles(t *testing.T) {
	dir := t.TempDir()
	partial := filepath.Join(dir, "main", partialSuffix)
	write(t, filepath.Join(partial, "old"), "x")
	write(t, filepath.Join(partial, "young"), "x")
	old := time.Now().Add(-2 * staleAfter)
	if err := os.Chtimes(filepath.Join(partial, "old"), old, old); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if err := s.Put(t.Context(), at(t, "x"), strings.NewReader("1"), map[string]string{"k": "v"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error)
	go func() { done <- s.Put(ctx, at(t, "y"), r, map[string]string{"k": "v"}) }()
	if _, err := w.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	cancel()
	w.Close()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(partial)
	if err != nil || len(entries) != 1 || entries[0].Name() != "young" {
		t.Errorf("got %v (%v)", entries, err)
	}
}

func TestOpenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "x")
	if _, err := Open(file); err == nil {
		t.Error("a file was opened as a directory")
	}
}

func TestEncodeName(t *testing.T) {
	for name, want := range map[string]string{
		"plain.txt": "plain.txt", "é日本 😀": "é日本 😀", ".hidden": ".hidden", "100%": "100%", "100% x": "100% x", "comfort": "comfort", "com": "com",
		"a:b": "a%3Ab", "a%20b": "a%2520b", `a\b`: "a%5Cb", "a.": "a%2E", "...": "..%2E", "a ": "a%20",
		"CON": "%43ON", "nul.tar.gz": "%6Eul.tar.gz", "Com1 .x": "%43om1 .x", "LPT¹": "%4CPT¹",
		"x.metadata": "x.%6Detadata", "x.Metadata": "x.%4Detadata", ".partial": ".%70artial", "x.metadata.txt": "x.metadata.txt",
	} {
		if got := encodeName(name); got != want {
			t.Errorf("encodeName(%q) = %q, want %q", name, got, want)
		}
	}
	for _, disk := range []string{"x.metadata", ".partial", "a:b", "%41", "a%3ab", "nul", "a."} {
		if name, ok := decodeName(disk); ok {
			t.Errorf("decodeName(%q) = %q, which is not a name of ours", disk, name)
		}
	}
}

func FuzzEncodeName(f *testing.F) {
	for _, seed := range []string{"a", "%", "%%41", "%4", "con.", "x.metadata", "%2E.partial", "é ", "com¹"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || strings.ContainsAny(name, "/\x00") {
			return
		}
		disk := encodeName(name)
		if back, ok := decodeName(disk); !ok || back != name {
			t.Fatalf("%q became %q and then %q (%v)", name, disk, back, ok)
		}
		if strings.ContainsAny(disk, `<>:"|?*\/`) || strings.HasSuffix(disk, ".") || strings.HasSuffix(disk, " ") || isDevice(disk) {
			t.Fatalf("%q became %q, which some systems do not take", name, disk)
		}
	})
}
