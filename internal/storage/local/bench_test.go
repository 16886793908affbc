package local

import (
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/storage"
)

func BenchmarkPut(b *testing.B) {
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	uri, err := storage.Root("main").Join("a/b/c/x")
	if err != nil {
		b.Fatal(err)
	}
	content := strings.Repeat("x", 4<<10)
	for b.Loop() {
		if err := s.Put(b.Context(), uri, strings.NewReader(content), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	uri, err := storage.Root("main").Join("a/b/c/x")
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Put(b.Context(), uri, strings.NewReader("x"), nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		object, err := s.Get(b.Context(), uri)
		if err != nil {
			b.Fatal(err)
		}
		object.Close()
	}
}
