package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/mask"
)

const (
	key      = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" // 32 bytes
	otherKey = "AQEBAQEBAQEBAQEBAQEBAQ=="                     // 16 bytes
)

// store is a store over documents, with a key or, where it is "", without.
func store(docs backend.Documents, key string) (*Store, *mask.Book) {
	book := &mask.Book{}
	var encrypt, decrypt func(string) (string, error)
	if key != "" {
		encrypt = func(s string) (string, error) { return expr.Encrypt(key, s, []byte("twelve bytes")) }
		decrypt = func(s string) (string, error) { return expr.Decrypt(key, s) }
	}
	s, _ := New(docs, encrypt, decrypt, book)
	return s, book
}

func documents(t *testing.T) backend.Documents {
	t.Helper()
	b := memory.New()
	t.Cleanup(func() { _ = b.Close() })
	return b.Documents()
}

// TestEnvironment has secrets as the reference takes them: in base64, by name in capitals.
func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_MY_KEY", "aHVzaCBo\ndXNo")
	t.Setenv("SECRET_BROKEN", "not base64!")
	t.Setenv("SECRETLY", "eA==")
	book := &mask.Book{}
	s, invalid := New(nil, nil, nil, book)
	if diff := cmp.Diff([]string{"SECRET_BROKEN"}, invalid); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{"MY_KEY": "hush hush", "my_key": "hush hush", "BROKEN": "", "LY": "", "": ""} {
		got, err := s.Secret(t.Context(), "main", "ns", name)
		if got != want || (want == "") != errors.Is(err, ErrNotFound) {
			t.Errorf("%s is %q (%v)", name, got, err)
		}
	}
	if got := book.Of("any").Replace("say hush hush"); got != "say ******" {
		t.Errorf("it is not hidden: %s", got)
	}
}

// TestStored has secrets of namespaces: found from below, stored encrypted, and hidden from the first moment.
func TestStored(t *testing.T) {
	t.Setenv("SECRET_SHARED", "b2YgdGhlIGVudmlyb25tZW50") // of the environment
	docs := documents(t)
	s, book := store(docs, key)
	ctx := t.Context()
	for _, p := range [][3]string{{"a", "K", "above"}, {"a.b", "K", "nearer"}, {"a", "SHARED", "of a"}} {
		if err := s.Put(ctx, "main", p[0], p[1], p[2], "what for", map[string]string{"team": "x"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ ns, key, want string }{
		{"a.b", "K", "nearer"}, {"a.b.c", "K", "nearer"}, {"a", "K", "above"}, {"a.x", "K", "above"}, {"ab", "K", ""}, {"a", "k", ""},
		{"a.b", "SHARED", "of a"}, {"z", "SHARED", "of the environment"},
	} {
		got, err := s.Secret(ctx, "main", c.ns, c.key)
		if got != c.want || (c.want == "") != errors.Is(err, ErrNotFound) {
			t.Errorf("%s from %s is %q (%v), not %q", c.key, c.ns, got, err, c.want)
		}
	}
	if got := book.Of("").Replace("above, nearer"); got != "******, ******" {
		t.Errorf("what was stored is not hidden: %s", got)
	}
	d, err := docs.Get(ctx, Kind, "main", "a", "K")
	if err != nil || strings.Contains(string(d.Body), "above") {
		t.Errorf("it is stored as %s (%v)", d.Body, err)
	}
	if err := s.Delete(ctx, "main", "a.b", "K"); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Secret(ctx, "main", "a.b", "K"); got != "above" {
		t.Errorf("after it was deleted: %q", got)
	}
	if err := s.Delete(ctx, "main", "a.b", "K"); !errors.Is(err, backend.ErrNotFound) {
		t.Errorf("deleting again: %v", err)
	}
}

// TestWrongKey cannot read what was stored with another key, and says so; without a key nothing is stored.
func TestWrongKey(t *testing.T) {
	docs := documents(t)
	s, _ := store(docs, key)
	if err := s.Put(t.Context(), "main", "ns", "K", "hush", "", nil); err != nil {
		t.Fatal(err)
	}
	wrong, book := store(docs, otherKey)
	if got, err := wrong.Secret(t.Context(), "main", "ns", "K"); err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "'K' cannot be decrypted") {
		t.Errorf("with another key: %q (%v)", got, err)
	}
	if err := wrong.Learn(t.Context(), "main"); err != nil || !book.Empty() {
		t.Errorf("learning what cannot be read: %v", err)
	}
	without, _ := store(docs, "")
	if err := without.Put(t.Context(), "main", "ns", "L", "hush", "", nil); err == nil || !strings.Contains(err.Error(), "kestra.encryption.secret-key") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := without.Secret(t.Context(), "main", "ns", "K"); !errors.Is(err, ErrNotFound) {
		t.Errorf("without a key there is no encrypted store: %v", err)
	}
}

// TestLearn hides stored secrets after a start, with the values that they had before, but not all that they ever had.
func TestLearn(t *testing.T) {
	docs := documents(t)
	s, _ := store(docs, key)
	ctx := context.Background()
	for i := range maxPrevious + 2 {
		if err := s.Put(ctx, "main", "ns", "K", fmt.Sprintf("value %02d", i), "", nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1100 { // more than are read at once
		if err := s.Put(ctx, "main", "many", fmt.Sprintf("K%d", i), fmt.Sprintf("one of many %04d", i), "", nil); err != nil {
			t.Fatal(err)
		}
	}
	again, book := store(docs, key)
	if err := again.Learn(ctx, "main"); err != nil {
		t.Fatal(err)
	}
	for text, hidden := range map[string]bool{
		"value 00": false, "value 01": true, "value 10": true, "value 11": true, "one of many 0000": true, "one of many 1099": true,
	} {
		if got := book.Of("").Replace(text); (got == mask.Stars) != hidden {
			t.Errorf("%s becomes %s", text, got)
		}
	}
}
