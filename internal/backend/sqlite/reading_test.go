package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

// Views that take every connection there is read statements that nobody has prepared yet: none waits for another one.
func TestViewsShareNothing(t *testing.T) {
	const connections = 3
	path := filepath.Join(t.TempDir(), "some.db")
	w, err := openWriter(path, "NORMAL", "logs")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.close() }()
	db, err := openReaders(path, connections)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // how a deadlock would show
	defer cancel()
	s := newStatements(db)
	const text = "SELECT 42"
	for turn := range 2 { // the second turn finds it prepared
		var views []*reading
		for range connections {
			r, err := s.begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			views = append(views, r)
		}
		for _, r := range views {
			var n int
			if err := r.row(text).Scan(&n); err != nil || n != 42 {
				t.Errorf("turn %d: %d %v", turn, n, err)
			}
			rows, err := r.rows(text)
			found, err := collect(rows, err, func(row scanner) (n int, err error) { return n, row.Scan(&n) })
			if err != nil || len(found) != 1 {
				t.Errorf("turn %d: %v %v", turn, found, err)
			}
			r.end()
		}
		if prepared := s.find(text) != nil; prepared != (turn == 1) {
			t.Errorf("turn %d: prepared is %v", turn, prepared)
		}
	}
	if stats := db.Stats(); stats.InUse > 0 || stats.OpenConnections > connections {
		t.Errorf("%+v", stats)
	}
}
