// Package storagetest is the contract of storage.Storage as tests that every implementation passes.
package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/storage"
)

// Run runs the contract. open is called for every test and returns a storage whose tenants `main`
// and `other` are empty; it cleans up through t.
func Run(t *testing.T, open func(t *testing.T) storage.Storage) {
	for _, test := range []struct {
		name string
		run  func(*fixture)
	}{
		{"PutGet", putGet},
		{"PutReplaces", putReplaces},
		{"PutFailsWhole", putFailsWhole},
		{"PutLarge", putLarge},
		{"PutDirectory", putDirectory},
		{"Names", names},
		{"Stat", stat},
		{"List", list},
		{"AllByPrefix", allByPrefix},
		{"CreateDirectory", createDirectory},
		{"Delete", deletes},
		{"DeleteByPrefix", deleteByPrefix},
		{"MoveFile", moveFile},
		{"MoveDirectory", moveDirectory},
		{"MoveRefused", moveRefused},
		{"Revisions", revisions},
		{"RevisionsMove", revisionsMove},
		{"RevisionsPrune", revisionsPrune},
		{"Tenants", tenants},
		{"Cancelled", cancelled},
		{"NoPlace", noPlace},
		{"Concurrent", concurrent},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(&fixture{T: t, ctx: t.Context(), s: open(t)})
		})
	}
}

// fixture is a storage with shorthands that fail the test.
type fixture struct {
	*testing.T
	ctx context.Context
	s   storage.Storage
}

func (f *fixture) at(path string) storage.URI {
	f.Helper()
	return f.of("main", path)
}

func (f *fixture) of(tenant, path string) storage.URI {
	f.Helper()
	uri, err := storage.Root(tenant).Join(path)
	if err != nil {
		f.Fatal(err)
	}
	return uri
}

func (f *fixture) put(path, content string, metadata map[string]string) {
	f.Helper()
	if err := f.s.Put(f.ctx, f.at(path), strings.NewReader(content), metadata); err != nil {
		f.Fatal(err)
	}
}

// holds checks that a file is there with this content and metadata.
func (f *fixture) holds(path, content string, metadata map[string]string) {
	f.Helper()
	object, err := f.s.Get(f.ctx, f.at(path))
	if err != nil {
		f.Error(err)
		return
	}
	defer object.Close()
	got, err := io.ReadAll(object)
	if err != nil || string(got) != content {
		f.Errorf("%s holds %q (%v), want %q", path, got, err, content)
	}
	if diff := cmp.Diff(metadata, object.Metadata); diff != "" {
		f.Errorf("metadata of %s (-want +got)\n%s", path, diff)
	}
}

func (f *fixture) gone(path string) {
	f.Helper()
	if there, err := storage.Exists(f.ctx, f.s, f.at(path)); err != nil || there {
		f.Errorf("%s is still there (%v)", path, err)
	}
}

func (f *fixture) fails(err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Errorf("got error %v, want %v", err, want)
	}
}

// all lists everything of the tenant main below a path.
func (f *fixture) all(path string, directories bool) []string {
	f.Helper()
	uris, err := f.s.AllByPrefix(f.ctx, f.at(path), directories)
	if err != nil {
		f.Fatal(err)
	}
	return paths(uris)
}

func paths(uris []storage.URI) []string {
	out := []string{}
	for _, uri := range uris {
		out = append(out, uri.Path())
	}
	return out
}

func (f *fixture) equal(want, got any) {
	f.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("(-want +got)\n%s", diff)
	}
}

func putGet(f *fixture) {
	f.put("a/b/x.txt", "hello", nil)
	f.put("a/empty", "", nil)
	f.put("a/m", "1", map[string]string{"key": "v \"q\" é", "a b": "", "null": "1"})
	f.holds("a/b/x.txt", "hello", nil)
	f.holds("a/empty", "", nil)
	f.holds("a/m", "1", map[string]string{"key": "v \"q\" é", "a b": "", "null": "1"})
	_, err := f.s.Get(f.ctx, f.at("a/none"))
	f.fails(err, storage.ErrNotFound)
	_, err = f.s.Get(f.ctx, f.at("a/empty/none"))
	f.fails(err, storage.ErrNotFound)
	_, err = f.s.Get(f.ctx, f.at("a/b"))
	f.fails(err, storage.ErrIsDirectory)
}

func putReplaces(f *fixture) {
	f.put("x", "first, and longer", map[string]string{"v": "1"})
	object, err := f.s.Get(f.ctx, f.at("x"))
	if err != nil {
		f.Fatal(err)
	}
	defer object.Close()
	f.put("x", "second", map[string]string{"v": "2"})
	f.holds("x", "second", map[string]string{"v": "2"})
	f.put("x", "third", nil)
	f.holds("x", "third", nil)
	if got, err := io.ReadAll(object); err != nil || string(got) != "first, and longer" {
		f.Errorf("a reader of what was replaced got %q (%v)", got, err)
	}
}

func putFailsWhole(f *fixture) {
	f.put("x", "old", map[string]string{"v": "1"})
	broken := errors.New("broken")
	half := func() io.Reader { return io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)) }
	f.fails(f.s.Put(f.ctx, f.at("x"), half(), nil), broken)
	f.fails(f.s.Put(f.ctx, f.at("d/y"), half(), map[string]string{"v": "2"}), broken)
	f.holds("x", "old", map[string]string{"v": "1"})
	f.gone("d/y")
	f.equal([]string{"/x"}, f.all("", false))
}

func putLarge(f *fixture) {
	const size = 20 << 20
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	var readers []io.Reader
	for range size / len(chunk) {
		readers = append(readers, bytes.NewReader(chunk))
	}
	if err := f.s.Put(f.ctx, f.at("large"), io.MultiReader(readers...), nil); err != nil {
		f.Fatal(err)
	}
	object, err := f.s.Get(f.ctx, f.at("large"))
	if err != nil {
		f.Fatal(err)
	}
	defer object.Close()
	if n, err := io.Copy(io.Discard, object); err != nil || n != size || object.Size != size {
		f.Errorf("read %d bytes (%v) of a size of %d, want %d", n, err, object.Size, size)
	}
}

func putDirectory(f *fixture) {
	f.put("d/x", "1", nil)
	f.fails(f.s.Put(f.ctx, f.at("new/"), strings.NewReader(""), nil), storage.ErrIsDirectory)
	f.fails(f.s.Put(f.ctx, f.at(""), strings.NewReader(""), nil), storage.ErrIsDirectory)
	f.fails(f.s.Put(f.ctx, f.at("d"), strings.NewReader(""), nil), storage.ErrIsDirectory)
	f.equal([]string{"/d/x"}, f.all("", false))
}

// names puts files and directories of awkward names and finds them again.
func names(f *fixture) {
	awkward := []string{
		"with space", "é日本😀", "a:b", "q?x", "h#x", "100%", "a%20b", "a%2Fb", "p+x", `back\slash`, `<>|"*`, "..a", "a..", "...", "dot.", "blank ", " blank",
		"CON", "nul.txt", "com1", "x.metadata", "x.METADATA", "x.partial", ".partial", ".metadata", ".hidden", "~", "-rf", "x%2Emetadata",
		strings.Repeat("n", 200),
	}
	for i, name := range awkward {
		f.put("files/"+name, fmt.Sprint(i), map[string]string{"i": fmt.Sprint(i)})
		f.put("dirs/"+name+"/x", fmt.Sprint(i), nil)
	}
	for i, name := range awkward {
		f.holds("files/"+name, fmt.Sprint(i), map[string]string{"i": fmt.Sprint(i)})
		f.holds("dirs/"+name+"/x", fmt.Sprint(i), nil)
	}
	for _, dir := range []string{"files", "dirs"} {
		attributes, err := f.s.List(f.ctx, f.at(dir))
		if err != nil {
			f.Fatal(err)
		}
		found := map[string]bool{}
		for _, a := range attributes {
			found[a.Name] = true
		}
		for _, name := range awkward {
			if !found[name] {
				f.Errorf("%s has no %q", dir, name)
			}
		}
		if len(attributes) != len(awkward) {
			f.Errorf("%s has %d entries, want %d", dir, len(attributes), len(awkward))
		}
	}
	if got := len(f.all("", false)); got != 2*len(awkward) {
		f.Errorf("there are %d files, want %d", got, 2*len(awkward))
	}
}

func stat(f *fixture) {
	before := time.Now().Add(-time.Minute)
	f.put("d/x.txt", "hello", map[string]string{"k": "v"})
	a, err := f.s.Stat(f.ctx, f.at("d/x.txt"))
	if err != nil {
		f.Fatal(err)
	}
	for _, at := range []time.Time{a.Modified, a.Created} {
		if at.Before(before) || at.After(time.Now().Add(time.Minute)) {
			f.Errorf("the file is of %v", at)
		}
	}
	a.Modified, a.Created = time.Time{}, time.Time{}
	f.equal(storage.Attributes{Name: "x.txt", Type: storage.File, Size: 5, Metadata: map[string]string{"k": "v"}}, a)
	for path, name := range map[string]string{"d": "d", "d/": "d", "": ""} {
		a, err := f.s.Stat(f.ctx, f.at(path))
		a.Modified, a.Created = time.Time{}, time.Time{}
		if err != nil {
			f.Error(err)
		}
		f.equal(storage.Attributes{Name: name, Type: storage.Directory}, a)
	}
	for _, path := range []string{"none", "d/x.txt/", "d/x", "d/x.txt/y"} {
		_, err := f.s.Stat(f.ctx, f.at(path))
		f.fails(err, storage.ErrNotFound)
	}
}

func list(f *fixture) {
	f.put("d/b", "22", map[string]string{"k": "v"})
	f.put("d/a/x", "1", nil)
	f.put("d/c", "333", nil)
	f.put("dd", "1", nil)
	brief := func(path string) []string {
		attributes, err := f.s.List(f.ctx, f.at(path))
		if err != nil {
			f.Fatal(err)
		}
		out := []string{}
		for _, a := range attributes {
			out = append(out, fmt.Sprint(a.Name, " ", a.Type, " ", a.Size, " ", a.Metadata))
		}
		return out
	}
	f.equal([]string{"a Directory 0 map[]", "b File 2 map[k:v]", "c File 3 map[]"}, brief("d"))
	f.equal(brief("d"), brief("d/"))
	f.equal([]string{"d Directory 0 map[]", "dd File 1 map[]"}, brief(""))
	_, err := f.s.List(f.ctx, f.at("none"))
	f.fails(err, storage.ErrNotFound)
	_, err = f.s.List(f.ctx, f.at("dd"))
	f.fails(err, storage.ErrNotDirectory)
}

func allByPrefix(f *fixture) {
	for _, path := range []string{"p/a/1", "p/a/b/2", "p/c", "pp/d", "p!"} {
		f.put(path, path, map[string]string{"k": "v"})
	}
	f.equal([]string{"/p/c", "/p/a/b/2", "/p/a/1"}, f.all("p", false))
	f.equal([]string{"/p/c", "/p/a/b/2", "/p/a/b/", "/p/a/1", "/p/a/"}, f.all("p/", true))
	f.equal([]string{"/pp/d", "/p/c", "/p/a/b/2", "/p/a/1", "/p!"}, f.all("", false))
	f.equal([]string{}, f.all("none", true))
	f.equal([]string{"/p/a/b/2"}, f.all("p/a/b/", false))
	for _, path := range []string{"p/c", "p/c/x", "p/a/b/2x", "p/o"} { // neither a file nor a part of a name is a prefix
		f.equal([]string{}, f.all(path, true))
	}
}

func createDirectory(f *fixture) {
	for _, path := range []string{"d/e", "d/e/", "d", ""} {
		if err := f.s.CreateDirectory(f.ctx, f.at(path)); err != nil {
			f.Error(err)
		}
	}
	if a, err := f.s.Stat(f.ctx, f.at("d/e")); err != nil || a.Type != storage.Directory {
		f.Errorf("got %v (%v)", a, err)
	}
	f.put("d/e/x", "1", nil)
	if err := f.s.CreateDirectory(f.ctx, f.at("d/e")); err != nil {
		f.Error(err)
	}
	f.holds("d/e/x", "1", nil)
	f.fails(f.s.CreateDirectory(f.ctx, f.at("d/e/x")), storage.ErrExists)
	f.equal([]string{"/d/e/x"}, f.all("", false))
}

func deletes(f *fixture) {
	f.put("d/x", "1", map[string]string{"k": "v"})
	f.put("d/e/y", "2", nil)
	f.put("d2", "3", nil)
	remove := func(path string, want bool) {
		f.Helper()
		if found, err := f.s.Delete(f.ctx, f.at(path)); err != nil || found != want {
			f.Errorf("deleting %s: %v (%v), want %v", path, found, err, want)
		}
	}
	remove("none", false)
	remove("d/x/", false)
	remove("d/x/y", false)
	f.holds("d/x", "1", map[string]string{"k": "v"})
	remove("d/x", true)
	remove("d/x", false)
	f.gone("d/x")
	f.put("d/x", "new", nil)
	f.holds("d/x", "new", nil) // the metadata went with the file
	remove("d", true)
	f.gone("d/e/y")
	f.gone("d")
	f.holds("d2", "3", nil)
	remove("", true)
	f.equal([]string{}, f.all("", true))
	f.put("again", "1", nil)
	f.holds("again", "1", nil)
}

func deleteByPrefix(f *fixture) {
	for _, path := range []string{"p/one/1", "p/one/2", "p/onetwo", "p/three/4"} {
		f.put(path, path, map[string]string{"k": "v"})
	}
	remove := func(path string, want ...string) {
		f.Helper()
		removed, err := f.s.DeleteByPrefix(f.ctx, f.at(path))
		if err != nil {
			f.Error(err)
		}
		f.equal(append([]string{}, want...), paths(removed))
	}
	remove("none")
	remove("p/on") // part of a name is no prefix
	remove("p/onetwo/")
	remove("p/one", "/p/one/2", "/p/one/1", "/p/one/")
	remove("p/onetwo", "/p/onetwo")
	f.equal([]string{"/p/three/4"}, f.all("", false))
	remove("", "/p/three/4", "/p/three/", "/p/")
	f.equal([]string{}, f.all("", true))
}

func tenants(f *fixture) {
	f.put("d/x", "main", nil)
	if err := f.s.Put(f.ctx, f.of("other", "d/x"), strings.NewReader("other"), nil); err != nil {
		f.Fatal(err)
	}
	f.holds("d/x", "main", nil)
	if _, err := f.s.DeleteByPrefix(f.ctx, storage.Root("other")); err != nil {
		f.Fatal(err)
	}
	f.holds("d/x", "main", nil)
	if all, err := f.s.AllByPrefix(f.ctx, storage.Root("other"), true); err != nil || len(all) > 0 {
		f.Errorf("the other tenant still has %v (%v)", all, err)
	}
}

func cancelled(f *fixture) {
	f.put("x", "1", nil)
	ctx, cancel := context.WithCancel(f.ctx)
	content := io.MultiReader(strings.NewReader("half"), readerFunc(func([]byte) (int, error) { cancel(); return 0, nil }), strings.NewReader("rest"))
	f.fails(f.s.Put(ctx, f.at("x"), content, nil), context.Canceled)
	f.holds("x", "1", nil)
	_, err := f.s.Get(ctx, f.at("x"))
	f.fails(err, context.Canceled)
	_, err = f.s.Delete(ctx, f.at("x"))
	f.fails(err, context.Canceled)
	f.holds("x", "1", nil)
}

type readerFunc func([]byte) (int, error)

func (r readerFunc) Read(p []byte) (int, error) { return r(p) }

func noPlace(f *fixture) {
	for _, uri := range []storage.URI{{}, storage.Root(""), storage.Root("../main"), storage.Root("a/b")} {
		_, err := f.s.Get(f.ctx, uri)
		f.fails(err, storage.ErrInvalid)
		f.fails(f.s.Put(f.ctx, uri, strings.NewReader("x"), nil), storage.ErrInvalid)
		_, err = f.s.Delete(f.ctx, uri)
		f.fails(err, storage.ErrInvalid)
		_, err = f.s.List(f.ctx, uri)
		f.fails(err, storage.ErrInvalid)
		f.fails(f.s.Move(f.ctx, f.at("x"), uri), storage.ErrInvalid)
	}
}

// concurrent has writers of one file, whose readers must never see a mixture, while directories
// around it come and go.
func concurrent(f *fixture) {
	const size = 64 << 10
	whole := func(i int) string { return strings.Repeat(string(rune('a'+i)), size) }
	f.put("d/x", whole(0), nil)
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			for n := range 5 {
				if err := f.s.Put(f.ctx, f.at("d/x"), strings.NewReader(whole(i)), nil); err != nil {
					f.Error(err)
				}
				object, err := f.s.Get(f.ctx, f.at("d/x"))
				if err != nil {
					f.Error(err)
					continue
				}
				got, err := io.ReadAll(object)
				if err != nil || len(got) != size || strings.Trim(string(got), string(got[:1])) != "" {
					f.Errorf("read a mixture of %d bytes (%v)", len(got), err)
				}
				object.Close()
				path := fmt.Sprintf("e/%d/%d", i%2, n)
				if err := f.s.Put(f.ctx, f.at(path), strings.NewReader("x"), nil); err != nil {
					f.Error(err)
				}
				if _, err := f.s.Delete(f.ctx, f.at(path)); err != nil {
					f.Error(err)
				}
			}
		})
	}
	wait.Wait()
	f.equal([]string{"/d/x"}, f.all("", false))
}
