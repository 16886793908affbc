package app

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/windhover-io/windhover/internal/config"
)

// Commands run within their working directory: a path that is relative to the server's directory would not lead there.
func TestWorkDirsAreAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, set := range map[string]func(*config.Config){
		"below the data":  func(c *config.Config) { c.Backend.Type, c.Backend.Path = "sqlite", "data" },
		"as configured":   func(c *config.Config) { c.Tasks.TmpDir = "tmp" },
		"a temporary one": func(c *config.Config) { c.Backend.Type = "memory" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			c := config.Default()
			set(c)
			a := &App{Config: c, Log: slog.New(slog.DiscardHandler)}
			if dir, err := a.workDirs(); err != nil || !filepath.IsAbs(dir) {
				t.Errorf("got %q, %v", dir, err)
			}
		})
	}
}
