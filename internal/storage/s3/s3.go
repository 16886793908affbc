// Package s3 keeps internal storage in a bucket of AWS, or of any server that speaks S3.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/bucket"
)

const (
	// partSize is what is sent at once of a stream whose length is not known, in bytes; it is held in memory. A server takes
	// 10,000 parts, so that a file has at most 312 GiB.
	partSize = 32 << 20
	// maxCopy is the largest object that a server copies in one piece, in bytes.
	maxCopy = 5 << 30
)

// Config says where the bucket is.
type Config struct {
	Connection
	Bucket string
	// Prefix is where in the bucket the files are, without slashes around it; "" is its root.
	Prefix string
}

// objects are those of a bucket.
type objects struct {
	client    minio.Core
	transport *http.Transport
	bucket    string
}

// Open uses a bucket that has to be there. Close it after use.
func Open(ctx context.Context, c Config) (*bucket.Storage, error) {
	if c.Bucket == "" {
		return nil, errors.New("open S3 storage: no bucket is named")
	}
	client, transport, err := Connect(c.Connection)
	if err != nil {
		return nil, fmt.Errorf("open S3 storage: %w", err)
	}
	there, err := client.BucketExists(ctx, c.Bucket)
	if err == nil && !there {
		err = errors.New("there is no such bucket")
	}
	if err != nil {
		transport.CloseIdleConnections()
		return nil, fmt.Errorf("open S3 storage: bucket %s: %w", c.Bucket, err)
	}
	return bucket.New(&objects{client: minio.Core{Client: client}, transport: transport, bucket: c.Bucket}, c.Prefix), nil
}

func (o *objects) Close() error {
	o.transport.CloseIdleConnections()
	return nil
}

func (o *objects) Read(ctx context.Context, key string) (io.ReadCloser, bucket.Info, error) {
	body, info, _, err := o.client.GetObject(ctx, o.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, bucket.Info{}, told(err)
	}
	return body, describe(info), nil
}

func (o *objects) Stat(ctx context.Context, key string) (bucket.Info, error) {
	info, err := o.client.StatObject(ctx, o.bucket, key, minio.StatObjectOptions{})
	return describe(info), told(err)
}

// Write sends a stream that is longer than a part in parts.
func (o *objects) Write(ctx context.Context, key string, content io.Reader, metadata string) error {
	options := minio.PutObjectOptions{PartSize: partSize}
	if metadata != "" {
		options.UserMetadata = map[string]string{bucket.MetadataKey: metadata}
	}
	head, err := io.ReadAll(io.LimitReader(content, partSize))
	if err != nil {
		return err
	}
	if len(head) < partSize {
		return o.writeWhole(ctx, key, head, options)
	}
	_, err = o.client.Client.PutObject(ctx, o.bucket, key, io.MultiReader(bytes.NewReader(head), content), -1, options)
	return err
}

// conflictTries is how often a write is tried that met another one of the same object, conflictPause the time between.
const (
	conflictTries = 5
	conflictPause = 20 * time.Millisecond
)

func (o *objects) writeWhole(ctx context.Context, key string, content []byte, options minio.PutObjectOptions) error {
	for try := 1; ; try++ {
		_, err := o.client.Client.PutObject(ctx, o.bucket, key, bytes.NewReader(content), int64(len(content)), options)
		if minio.ToErrorResponse(err).StatusCode != http.StatusConflict || try == conflictTries {
			return err
		}
		select {
		case <-time.After(conflictPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o *objects) Copy(ctx context.Context, from, to string, size int64) error {
	src := minio.CopySrcOptions{Bucket: o.bucket, Object: from}
	dst := minio.CopyDestOptions{Bucket: o.bucket, Object: to}
	var err error
	if size > maxCopy {
		_, err = o.client.ComposeObject(ctx, dst, src)
	} else {
		_, err = o.client.Client.CopyObject(ctx, dst, src)
	}
	return told(err)
}

func (o *objects) Remove(ctx context.Context, keys []string) error {
	if len(keys) == 1 {
		return o.client.RemoveObject(ctx, o.bucket, keys[0], minio.RemoveObjectOptions{})
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batch := make(chan minio.ObjectInfo)
	go func() {
		defer close(batch)
		for _, key := range keys {
			select {
			case batch <- minio.ObjectInfo{Key: key}:
			case <-ctx.Done():
				return
			}
		}
	}()
	var errs []error
	for failed := range o.client.RemoveObjects(ctx, o.bucket, batch, minio.RemoveObjectsOptions{}) {
		if !notThere(failed.Err) {
			errs = append(errs, failed.Err)
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// List asks for one object by itself: a server may leave the marker of a directory out of a list that goes on.
func (o *objects) List(ctx context.Context, prefix string, deep bool, most int, f func(bucket.Item) error) error {
	if most == 1 {
		return o.first(prefix, f)
	}
	ctx, cancel := context.WithCancel(ctx) // ends the listing that goes on beside this
	defer cancel()
	n := 0
	for info := range o.client.Client.ListObjects(ctx, o.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: deep}) {
		if info.Err != nil {
			return info.Err
		}
		if err := f(bucket.Item{Key: info.Key}); err != nil {
			return err
		}
		if n++; n == most {
			break
		}
	}
	return nil
}

func (o *objects) first(prefix string, f func(bucket.Item) error) error {
	page, err := o.client.ListObjectsV2(o.bucket, prefix, "", "", "", 1)
	if err != nil {
		return err
	}
	for _, info := range page.Contents {
		return f(bucket.Item{Key: info.Key})
	}
	for _, p := range page.CommonPrefixes {
		return f(bucket.Item{Key: p.Prefix})
	}
	return nil
}

func describe(info minio.ObjectInfo) bucket.Info {
	return bucket.Info{Size: info.Size, Modified: info.LastModified, Created: info.LastModified, Metadata: info.Metadata.Get("X-Amz-Meta-" + bucket.MetadataKey)}
}

// told is an error as storages tell it.
func told(err error) error {
	if notThere(err) {
		return storage.ErrNotFound
	}
	return err
}

// notThere tells whether an error says that there is no such object, be it because a part of its path is one.
func notThere(err error) bool {
	if err == nil {
		return false
	}
	r := minio.ToErrorResponse(err)
	return r.StatusCode == http.StatusNotFound && r.Code != "NoSuchBucket" || r.Code == "NoSuchKey" || r.Code == "ObjectParentIsFile"
}
