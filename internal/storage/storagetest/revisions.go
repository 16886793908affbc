package storagetest

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/storage"
)

// file is the place of a namespace file.
func (f *fixture) file(path string) storage.URI {
	f.Helper()
	uri, err := storage.NamespaceFile("main", "company.team", path, 1)
	if err != nil {
		f.Fatal(err)
	}
	return uri
}

func (f *fixture) write(path, content string) {
	f.Helper()
	if err := storage.PutRevision(f.ctx, f.s, f.file(path), strings.NewReader(content)); err != nil {
		f.Fatal(err)
	}
}

// revision checks what a revision holds; "" is that there is none.
func (f *fixture) revision(path string, number int, want string) {
	f.Helper()
	at, err := storage.Revision(f.ctx, f.s, f.file(path), number)
	if want == "" {
		if !errors.Is(err, storage.ErrNotFound) {
			f.Errorf("revision %d of %s: %v %v, expected none", number, path, at, err)
		}
		return
	}
	if err != nil {
		f.Errorf("revision %d of %s: %v", number, path, err)
		return
	}
	obj, err := f.s.Get(f.ctx, at)
	if err != nil {
		f.Errorf("revision %d of %s: %v", number, path, err)
		return
	}
	defer obj.Close()
	if b, err := io.ReadAll(obj); err != nil || string(b) != want {
		f.Errorf("revision %d of %s holds %q (%v), expected %q", number, path, b, err, want)
	}
}

func (f *fixture) revisions(path string, want ...int) {
	f.Helper()
	got, err := storage.Revisions(f.ctx, f.s, f.file(path))
	if err != nil && len(want) > 0 || err == nil && len(want) == 0 {
		f.Errorf("revisions of %s: %v", path, err)
	}
	f.equal(append([]int{}, want...), append([]int{}, got...))
}

func revisions(f *fixture) {
	f.revisions("a/x.txt")
	f.write("a/x.txt", "1")
	f.revisions("a/x.txt", 1)
	f.write("a/x.txt", "2")
	f.write("a/x.txt", "3")
	f.write("b.txt", "b")
	f.revisions("a/x.txt", 1, 2, 3)
	for n, want := range []string{"3", "1", "2", "3", ""} {
		f.revision("a/x.txt", n, want)
	}
	f.revisions("b.txt", 1)
	if all, err := f.s.AllByPrefix(f.ctx, f.file("").AsDirectory(), false); err != nil || len(all) != 2 {
		f.Errorf("the files are %v (%v), expected two", all, err)
	}

	// What is deleted can still be read by its number, and goes on where it was.
	if was, err := storage.DeleteRevision(f.ctx, f.s, f.file("a").AsDirectory()); err != nil || !was {
		f.Errorf("delete: %v %v", was, err)
	}
	f.revisions("a/x.txt", 1, 2, 3)
	f.revision("a/x.txt", 3, "3")
	f.write("a/x.txt", "4")
	f.revisions("a/x.txt", 1, 2, 3, 4)
	if was, err := storage.DeleteRevision(f.ctx, f.s, f.file("nothing")); err != nil || was {
		f.Errorf("delete of nothing: %v %v", was, err)
	}

	all, err := storage.FilesWithRevisions(f.ctx, f.s, f.file("").AsDirectory())
	if err != nil {
		f.Fatal(err)
	}
	var paths []string
	for _, uri := range all {
		paths = append(paths, uri.Path())
	}
	f.equal([]string{"/company/team/_files/a/x.txt", "/company/team/_files/b.txt"}, paths)
	names, err := storage.Namespaces(f.ctx, f.s, "main")
	if err != nil {
		f.Fatal(err)
	}
	f.equal([]string{"company.team"}, names)
}

func revisionsMove(f *fixture) {
	f.write("a.txt", "1")
	f.write("a.txt", "2")
	f.write("d/b.txt", "b1")
	f.write("d/b.txt", "b2")
	move := func(from, to string) {
		f.Helper()
		if err := storage.MoveRevision(f.ctx, f.s, f.file(from), f.file(to)); err != nil {
			f.Error(err)
		}
	}
	move("a.txt", "c.txt") // with its past
	f.revisions("c.txt", 1, 2)
	f.revision("c.txt", 1, "1")
	f.revisions("a.txt")
	move("d", "e")
	f.revisions("e/b.txt", 1, 2)
	f.revision("e/b.txt", 1, "b1")
	move("c.txt", "e/b.txt") // replaces a file
	f.revisions("e/b.txt", 1, 2, 3)
	f.revision("e/b.txt", 2, "b2")
	f.revision("e/b.txt", 3, "2")
	f.revision("c.txt", 2, "2")
}

func revisionsPrune(f *fixture) {
	for i := 1; i <= storage.KeptRevisions+3; i++ {
		f.write("x", strconv.Itoa(i))
	}
	const last = storage.KeptRevisions + 3
	f.revision("x", 3, "")
	f.revision("x", 4, "4")
	f.revision("x", last, strconv.Itoa(last))
	if n, err := storage.PruneRevisions(f.ctx, f.s, f.file("x"), 3, time.Time{}); err != nil || n != storage.KeptRevisions-3 {
		f.Errorf("pruned %d (%v)", n, err)
	}
	f.revisions("x", last-2, last-1, last)
	if n, err := storage.PruneRevisions(f.ctx, f.s, f.file("x"), 0, time.Now().Add(-time.Hour)); err != nil || n != 0 {
		f.Errorf("pruned %d that are new (%v)", n, err)
	}
	if n, err := storage.PruneRevisions(f.ctx, f.s, f.file("x"), 0, time.Now().Add(time.Hour)); err != nil || n != 2 {
		f.Errorf("pruned %d, expected all that were replaced (%v)", n, err)
	}
	f.revision("x", 0, strconv.Itoa(last))
}
