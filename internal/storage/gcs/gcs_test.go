package gcs

import (
	"context"
	"errors"
	"strings"
	"testing"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/bucket"
	"github.com/windhover-io/windhover/internal/storage/storagetest"
)

// server is one that speaks the real API.
func server(t *testing.T) Config {
	t.Helper()
	return Config{Endpoint: servers.Address(t, "gcs") + "/storage/v1/"}
}

// newBucket makes a bucket that is removed with all that is in it.
func newBucket(t *testing.T, c Config) Config {
	t.Helper()
	client, err := gcs.NewClient(t.Context(), c.options()...)
	if err != nil {
		t.Fatal(err)
	}
	c.Bucket = "windhover-" + strings.ToLower(model.NewID())
	b := client.Bucket(c.Bucket)
	if err := b.Create(t.Context(), "project", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer client.Close()
		ctx := context.WithoutCancel(t.Context())
		for list := b.Objects(ctx, nil); ; {
			attrs, err := list.Next()
			if errors.Is(err, iterator.Done) || err != nil {
				break
			}
			_ = b.Object(attrs.Name).Delete(ctx)
		}
		_ = b.Delete(ctx) // the next run uses another one in any case
	})
	return c
}

func open(t *testing.T, c Config) *bucket.Storage {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestContract(t *testing.T) {
	c := server(t)
	storagetest.Run(t, func(t *testing.T) storage.Storage {
		c := newBucket(t, c)
		c.Prefix = "/some/where/"
		return open(t, c)
	})
}

func TestOpen(t *testing.T) {
	c := server(t)
	none := c
	none.Bucket = "there-is-none"
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"no bucket named": {c, "no bucket is named"},
		"no such bucket":  {none, "bucket there-is-none: there is no such bucket"},
		"no key":          {Config{Bucket: "b", ServiceAccount: "{}"}, "open GCS storage: "},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(t.Context(), test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
