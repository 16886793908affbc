// Package azure keeps internal storage in a container of Azure Blob Storage.
package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/bucket"
)

const (
	// blockSize is what is sent at once of a stream, in bytes; as many as blocksAtOnce are held in memory. A blob has at most
	// 50,000 of them, so a file at most 781 GiB.
	blockSize    = 16 << 20
	blocksAtOnce = 2
	// copyPause is the time between two looks at a copy that the server makes.
	copyPause = 200 * time.Millisecond
)

// marker is the blob of a directory that was made empty; it is that of the reference. Names that end with a slash are none for
// every kind of account.
const marker = ".kestradirectory"

// A backslash in a name is a slash to the server.
var (
	escape   = strings.NewReplacer(`\`, "%5C", "%5C", "%255C", "%25", "%2525")
	unescape = strings.NewReplacer("%5C", `\`, "%25", "%")
)

// blobName is where the object with a key is.
func blobName(key string) string {
	if strings.HasSuffix(key, "/") {
		key += marker
	}
	return escape.Replace(key)
}

// keyOf is what blobName was given.
func keyOf(name string) string {
	key := unescape.Replace(name)
	if dir, ok := strings.CutSuffix(key, "/"+marker); ok {
		return dir + "/"
	}
	return key
}

// objects are the blobs of a container.
type objects struct{ container *container.Client }

func (o *objects) blob(key string) *blob.Client { return o.container.NewBlobClient(blobName(key)) }

// Open uses a container that has to be there. Close it after use.
func Open(ctx context.Context, c Config) (*bucket.Storage, error) {
	client, err := c.connect()
	if err != nil {
		return nil, fmt.Errorf("open Azure storage: %w", err)
	}
	o := &objects{client}
	// A list is what a token for blobs alone allows; it does not allow to look at the container itself.
	if err := o.List(ctx, "", true, 1, func(bucket.Item) error { return nil }); err != nil {
		if bloberror.HasCode(err, bloberror.ContainerNotFound) {
			err = errors.New("there is no such container")
		}
		return nil, fmt.Errorf("open Azure storage: container %s: %w", c.Container, err)
	}
	return bucket.New(o, ""), nil
}

// Close implements bucket.Objects; there is nothing to close.
func (o *objects) Close() error { return nil }

func (o *objects) Read(ctx context.Context, key string) (io.ReadCloser, bucket.Info, error) {
	r, err := o.blob(key).DownloadStream(ctx, nil)
	if err != nil {
		return nil, bucket.Info{}, told(err)
	}
	// A connection that breaks is taken up again where it broke, if the blob is still the same.
	return r.NewRetryReader(ctx, nil), describe(r.ContentLength, r.LastModified, r.CreationTime, r.Metadata), nil
}

func (o *objects) Stat(ctx context.Context, key string) (bucket.Info, error) {
	p, err := o.blob(key).GetProperties(ctx, nil)
	if err != nil {
		return bucket.Info{}, told(err)
	}
	return describe(p.ContentLength, p.LastModified, p.CreationTime, p.Metadata), nil
}

// Write sends a stream in blocks; the blob is there when they are committed.
func (o *objects) Write(ctx context.Context, key string, content io.Reader, metadata string) error {
	options := &blockblob.UploadStreamOptions{BlockSize: blockSize, Concurrency: blocksAtOnce}
	if metadata != "" {
		options.Metadata = map[string]*string{bucket.MetadataKey: &metadata}
	}
	_, err := o.container.NewBlockBlobClient(blobName(key)).UploadStream(ctx, content, options)
	return err
}

// Copy lets the server copy, which may go on after it has answered.
func (o *objects) Copy(ctx context.Context, from, to string, _ int64) error {
	target := o.blob(to)
	started, err := target.StartCopyFromURL(ctx, o.blob(from).URL(), nil)
	if err != nil {
		return told(err)
	}
	status := started.CopyStatus
	for status != nil && *status == blob.CopyStatusTypePending {
		select {
		case <-time.After(copyPause):
		case <-ctx.Done():
			return ctx.Err()
		}
		p, err := target.GetProperties(ctx, nil)
		if err != nil {
			return err
		}
		status = p.CopyStatus
	}
	if status != nil && *status != blob.CopyStatusTypeSuccess {
		return fmt.Errorf("the server's copy has ended as %s", *status)
	}
	return nil
}

func (o *objects) Remove(ctx context.Context, keys []string) error {
	return bucket.RemoveEach(ctx, keys, func(ctx context.Context, key string) error {
		_, err := o.blob(key).Delete(ctx, &blob.DeleteOptions{DeleteSnapshots: to.Ptr(blob.DeleteSnapshotsOptionTypeInclude)})
		return told(err)
	})
}

func (o *objects) List(ctx context.Context, prefix string, deep bool, most int, f func(bucket.Item) error) error {
	prefix = escape.Replace(prefix)
	var limit *int32
	if most > 0 {
		limit = to.Ptr(int32(most))
	}
	n := 0
	give := func(item bucket.Item) (bool, error) {
		n++
		return n == most, f(item)
	}
	include := container.ListBlobsInclude{Metadata: true}
	if !deep {
		return o.listLevel(ctx, &container.ListBlobsHierarchyOptions{Prefix: &prefix, Include: include, MaxResults: limit}, give)
	}
	pages := o.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix, Include: include, MaxResults: limit})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if done, err := each(page.Segment.BlobItems, give); err != nil || done {
			return err
		}
	}
	return nil
}

// listLevel lists what is directly below a prefix.
func (o *objects) listLevel(ctx context.Context, options *container.ListBlobsHierarchyOptions, give func(bucket.Item) (bool, error)) error {
	pages := o.container.NewListBlobsHierarchyPager("/", options)
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range page.Segment.BlobPrefixes {
			if done, err := give(bucket.Item{Key: keyOf(*p.Name)}); err != nil || done {
				return err
			}
		}
		if done, err := each(page.Segment.BlobItems, give); err != nil || done {
			return err
		}
	}
	return nil
}

func each(items []*container.BlobItem, give func(bucket.Item) (bool, error)) (done bool, err error) {
	for _, b := range items {
		item := bucket.Item{Key: keyOf(*b.Name)}
		if p := b.Properties; p != nil {
			info := describe(p.ContentLength, p.LastModified, p.CreationTime, b.Metadata)
			item.Info = &info
		}
		if done, err := give(item); err != nil || done {
			return done, err
		}
	}
	return false, nil
}

func describe(size *int64, modified, created *time.Time, metadata map[string]*string) bucket.Info {
	var info bucket.Info
	if size != nil {
		info.Size = *size
	}
	if modified != nil {
		info.Modified = *modified
	}
	info.Created = info.Modified
	if created != nil && created.After(info.Created) {
		info.Created = *created
	}
	for name, v := range metadata { // servers do not keep the case of names
		if strings.EqualFold(name, bucket.MetadataKey) && v != nil {
			info.Metadata = *v
		}
	}
	return info
}

// told is an error as storages tell it.
func told(err error) error {
	if bloberror.HasCode(err, bloberror.BlobNotFound, bloberror.CannotVerifyCopySource) {
		return storage.ErrNotFound
	}
	return err
}
