package storagetest

import (
	"errors"

	"github.com/windhover-io/windhover/internal/storage"
)

func moveFile(f *fixture) {
	move := func(from, to string) {
		f.Helper()
		if err := f.s.Move(f.ctx, f.at(from), f.at(to)); err != nil {
			f.Error(err)
		}
	}
	f.put("a", "1", map[string]string{"k": "v"})
	move("a", "new/dir/b")
	f.gone("a")
	f.holds("new/dir/b", "1", map[string]string{"k": "v"})
	move("new/dir/b", "new/dir/b")
	f.holds("new/dir/b", "1", map[string]string{"k": "v"})
	f.put("c", "2", nil)
	move("c", "new/dir/b") // replaces the file and its metadata
	f.holds("new/dir/b", "2", nil)
	f.equal([]string{"/new/dir/b"}, f.all("", false))
}

func moveDirectory(f *fixture) {
	f.put("d/x", "1", map[string]string{"k": "v"})
	f.put("d/e/y", "2", nil)
	f.put("dd", "3", nil)
	if err := f.s.Move(f.ctx, f.at("d/"), f.at("new/f")); err != nil {
		f.Fatal(err)
	}
	f.holds("new/f/x", "1", map[string]string{"k": "v"})
	f.holds("new/f/e/y", "2", nil)
	f.equal([]string{"/new/f/x", "/new/f/e/y", "/dd"}, f.all("", false))
	f.gone("d")
}

func moveRefused(f *fixture) {
	f.put("d/x", "1", nil)
	f.put("e/y", "2", nil)
	f.put("z", "3", nil)
	for _, test := range []struct {
		from, to string
		want     error
	}{
		{"none", "new", storage.ErrNotFound},
		{"z/", "new", storage.ErrNotFound},
		{"z", "d", storage.ErrExists},
		{"d", "e", storage.ErrExists},
		{"d", "z", storage.ErrExists},
		{"d", "d/x/y", storage.ErrInvalid},
		{"d", "d/new", storage.ErrInvalid},
		{"", "new", storage.ErrInvalid},
		{"d", "", storage.ErrExists},
	} {
		if err := f.s.Move(f.ctx, f.at(test.from), f.at(test.to)); !errors.Is(err, test.want) {
			f.Errorf("moving %q to %q: got %v, want %v", test.from, test.to, err, test.want)
		}
	}
	f.fails(f.s.Move(f.ctx, f.at("z"), f.of("other", "z")), storage.ErrInvalid)
	f.equal([]string{"/z", "/e/y", "/d/x"}, f.all("", false))
}
