// Package gcs keeps internal storage in a bucket of Google Cloud Storage.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/bucket"
)

// chunkSize is what is sent at once of a stream, in bytes; it is held in memory.
const chunkSize = 16 << 20

// Config says where the bucket is, and who asks.
type Config struct {
	Bucket string
	// Prefix is where in the bucket the files are, without slashes around it; "" is its root.
	Prefix string
	// ProjectID is the project that pays for requests to a bucket of others; "" for none.
	ProjectID string
	// ServiceAccount is the key of a service account, as JSON. Without it the credentials of the environment or of the machine
	// are used.
	ServiceAccount string
	// Endpoint is the address of a server that is not Google's; it is asked by nobody in particular, unless there is a service
	// account.
	Endpoint string
}

// objects are those of a bucket.
type objects struct {
	client *gcs.Client
	bucket *gcs.BucketHandle
}

// Open uses a bucket that has to be there. Close it after use.
func Open(ctx context.Context, c Config) (*bucket.Storage, error) {
	if c.Bucket == "" {
		return nil, errors.New("open GCS storage: no bucket is named")
	}
	client, err := gcs.NewClient(context.WithoutCancel(ctx), c.options()...) // it refreshes its credentials with this context
	if err != nil {
		return nil, fmt.Errorf("open GCS storage: %w", err)
	}
	o := &objects{client: client, bucket: client.Bucket(c.Bucket).Retryer(gcs.WithPolicy(gcs.RetryAlways))}
	if c.ProjectID != "" && c.Endpoint == "" {
		o.bucket = o.bucket.UserProject(c.ProjectID)
	}
	// A list is what a role for objects alone allows; it does not allow to look at the bucket itself.
	if err := o.List(ctx, "", true, 1, func(bucket.Item) error { return nil }); err != nil {
		_ = client.Close()
		if errors.Is(err, gcs.ErrBucketNotExist) {
			err = errors.New("there is no such bucket")
		}
		return nil, fmt.Errorf("open GCS storage: bucket %s: %w", c.Bucket, err)
	}
	return bucket.New(o, c.Prefix), nil
}

func (c Config) options() []option.ClientOption {
	var options []option.ClientOption
	if c.Endpoint != "" {
		options = append(options, option.WithEndpoint(c.Endpoint), gcs.WithJSONReads()) // the other way of reading has an address of its own
	}
	switch {
	case c.ServiceAccount != "":
		options = append(options, option.WithAuthCredentialsJSON(option.ServiceAccount, []byte(c.ServiceAccount)))
	case c.Endpoint != "":
		options = append(options, option.WithoutAuthentication())
	}
	return options
}

func (o *objects) Close() error { return o.client.Close() }

// replacedTries is how often an object is opened that another one took the place of meanwhile.
const replacedTries = 10

// Read opens the object that it describes, and not one that takes its place meanwhile.
func (o *objects) Read(ctx context.Context, key string) (io.ReadCloser, bucket.Info, error) {
	object := o.bucket.Object(key)
	for try := 1; ; try++ {
		attrs, err := object.Attrs(ctx)
		if err != nil {
			return nil, bucket.Info{}, told(err)
		}
		r, err := object.Generation(attrs.Generation).NewReader(ctx)
		if err == nil {
			return r, *describe(attrs), nil
		}
		if !errors.Is(err, gcs.ErrObjectNotExist) || try == replacedTries {
			return nil, bucket.Info{}, told(err)
		}
	}
}

func (o *objects) Stat(ctx context.Context, key string) (bucket.Info, error) {
	attrs, err := o.bucket.Object(key).Attrs(ctx)
	if err != nil {
		return bucket.Info{}, told(err)
	}
	return *describe(attrs), nil
}

// Write sends a stream in chunks; the object appears with the last one.
func (o *objects) Write(ctx context.Context, key string, content io.Reader, metadata string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := o.bucket.Object(key).NewWriter(ctx)
	w.ChunkSize = chunkSize
	w.ContentType = "application/octet-stream"
	w.Metadata = map[string]string{bucket.MetadataKey: metadata}
	if _, err := io.Copy(w, content); err != nil {
		cancel() // else Close would make an object of what was sent
		_ = w.Close()
		return err
	}
	return w.Close()
}

func (o *objects) Copy(ctx context.Context, from, to string, _ int64) error {
	_, err := o.bucket.Object(to).CopierFrom(o.bucket.Object(from)).Run(ctx)
	return told(err)
}

func (o *objects) Remove(ctx context.Context, keys []string) error {
	return bucket.RemoveEach(ctx, keys, func(ctx context.Context, key string) error {
		return told(o.bucket.Object(key).Delete(ctx))
	})
}

func (o *objects) List(ctx context.Context, prefix string, deep bool, most int, f func(bucket.Item) error) error {
	query := &gcs.Query{Prefix: prefix}
	if !deep {
		query.Delimiter = "/"
	}
	if err := query.SetAttrSelection([]string{"Name", "Size", "Updated", "Created", "Metadata"}); err != nil {
		return err
	}
	list := o.bucket.Objects(ctx, query)
	if most > 0 {
		list.PageInfo().MaxSize = most
	}
	for n := 0; most == 0 || n < most; n++ {
		attrs, err := list.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			return err
		}
		item := bucket.Item{Key: attrs.Prefix}
		if attrs.Prefix == "" {
			item = bucket.Item{Key: attrs.Name, Info: describe(attrs)}
		}
		if err := f(item); err != nil {
			return err
		}
	}
	return nil
}

func describe(attrs *gcs.ObjectAttrs) *bucket.Info {
	return &bucket.Info{Size: attrs.Size, Modified: attrs.Updated, Created: attrs.Created, Metadata: attrs.Metadata[bucket.MetadataKey]}
}

// told is an error as storages tell it.
func told(err error) error {
	if errors.Is(err, gcs.ErrObjectNotExist) {
		return storage.ErrNotFound
	}
	return err
}
