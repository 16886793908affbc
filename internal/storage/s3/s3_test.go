package s3

import (
	"context"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/bucket"
	"github.com/windhover-io/windhover/internal/storage/storagetest"
)

// server is a real one.
func server(t *testing.T) Connection {
	t.Helper()
	return Connection{Endpoint: servers.Address(t, "s3"), AccessKey: "windhover", SecretKey: "windhover-secret", PathStyle: true}
}

// newBucket makes a bucket that is removed with all that is in it.
func newBucket(t *testing.T, c Connection) string {
	t.Helper()
	client, transport, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	name := "windhover-" + strings.ToLower(model.NewID())
	if err := client.MakeBucket(t.Context(), name, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer transport.CloseIdleConnections()
		ctx := context.WithoutCancel(t.Context())
		for info := range client.ListObjects(ctx, name, minio.ListObjectsOptions{Recursive: true}) {
			_ = client.RemoveObject(ctx, name, info.Key, minio.RemoveObjectOptions{})
		}
		_ = client.RemoveBucket(ctx, name) // the next run uses another one in any case
	})
	return name
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
		return open(t, Config{Connection: c, Bucket: newBucket(t, c), Prefix: "/some/where/"})
	})
}

func TestOpen(t *testing.T) {
	c := server(t)
	wrong := c
	wrong.SecretKey = "wrong"
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"no bucket named": {Config{Connection: c}, "no bucket is named"},
		"no such bucket":  {Config{Connection: c, Bucket: "there-is-none"}, "bucket there-is-none: there is no such bucket"},
		"no address":      {Config{Connection: Connection{Endpoint: "::"}, Bucket: "b"}, `the endpoint "::" is no address`},
		"wrong key":       {Config{Connection: wrong, Bucket: "inbox"}, "bucket inbox: "},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(t.Context(), test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
