package s3

import (
	"context"
	"errors"
	"fmt"

	"github.com/minio/minio-go/v7"

	"github.com/windhover-io/windhover/internal/tasks/listing"
	"github.com/windhover-io/windhover/sdk"
)

// Run lists the objects.
func (t *List) Run(ctx context.Context, run sdk.Run) (any, error) {
	b, err := t.open(&t.Listing, t.Filter)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	list, err := b.objects(ctx, run, t.MaxFiles)
	if err != nil {
		return nil, err
	}
	run.Counter("s3.objects.count", float64(len(list)))
	return Output{list}, nil
}

// Run deletes the object.
func (t *Delete) Run(ctx context.Context, _ sdk.Run) (any, error) {
	if t.MFA != "" {
		return nil, errors.New("mfa is not supported")
	}
	b, err := t.open(&Listing{Of: t.Of, Keys: Keys{MaxKeys: 1}}, "")
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if err := b.belongs(ctx); err != nil {
		return nil, err
	}
	one := make(chan minio.ObjectInfo, 1)
	one <- minio.ObjectInfo{Key: t.Key}
	close(one)
	var out DeleteOutput
	for r := range b.client.RemoveObjectsWithResult(ctx, t.Bucket, one, minio.RemoveObjectsOptions{GovernanceBypass: t.BypassGovernanceRetention}) {
		if r.Err != nil {
			return nil, fmt.Errorf("%s: %w", t.Key, r.Err)
		}
		if r.DeleteMarker {
			out.DeleteMarker, out.VersionID = &r.DeleteMarker, r.DeleteMarkerVersionID
		}
	}
	return out, ctx.Err()
}

// Run deletes the objects.
func (t *DeleteList) Run(ctx context.Context, run sdk.Run) (any, error) {
	b, err := t.open(&t.Listing, t.Filter)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	found, _, err := b.List(ctx)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && t.ErrorOnEmpty {
		return nil, errors.New("there is no such object")
	}
	out := DeleteListOutput{Count: int64(len(found))}
	for _, f := range found {
		o, _ := f.Of.(Object)
		out.Size += o.Size
	}
	if err := b.deleteAll(ctx, found); err != nil {
		return nil, err
	}
	run.Counter("s3.objects.deleted.count", float64(out.Count))
	run.Counter("s3.objects.deleted.size", float64(out.Size))
	run.Log(sdk.LevelInfo, "%d objects with %d bytes are deleted", out.Count, out.Size)
	return out, nil
}

// deleteAll deletes objects, many with each request.
func (b *bucket) deleteAll(ctx context.Context, list []listing.File) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	keys := make(chan minio.ObjectInfo)
	go func() {
		defer close(keys)
		for _, f := range list {
			select {
			case keys <- minio.ObjectInfo{Key: f.Key}:
			case <-ctx.Done():
				return
			}
		}
	}()
	var err error
	for failed := range b.client.RemoveObjects(ctx, b.Bucket, keys, minio.RemoveObjectsOptions{}) {
		err = errors.Join(err, fmt.Errorf("%s: %w", failed.ObjectName, failed.Err))
	}
	return errors.Join(err, ctx.Err())
}

// Run copies the object.
func (t *Copy) Run(ctx context.Context, run sdk.Run) (any, error) {
	client, transport, err := t.client()
	if err != nil {
		return nil, err
	}
	defer transport.CloseIdleConnections()
	from := minio.CopySrcOptions{Bucket: t.From.Bucket, Object: t.From.Key, VersionID: t.From.VersionID}
	to := minio.CopyDestOptions{Bucket: t.From.Bucket, Object: t.From.Key}
	if t.To != nil {
		if t.To.Bucket != "" {
			to.Bucket = t.To.Bucket
		}
		if t.To.Key != "" {
			to.Object = t.To.Key
		}
		if to.Encryption, err = encryption(t.To.ServerSideEncryption, t.To.KMSKeyID); err != nil {
			return nil, fmt.Errorf("to.serverSideEncryption: %w", err)
		}
	}
	same := to.Bucket == from.Bucket && to.Object == from.Object
	if same && t.Delete {
		return nil, errors.New("delete: the object would be copied to itself and deleted")
	}
	source, err := client.StatObject(ctx, from.Bucket, from.Object, minio.StatObjectOptions{VersionID: from.VersionID})
	if err != nil {
		return nil, fmt.Errorf("from: %s: %w", from.Object, err)
	}
	if same { // servers want to be told what is to be new of it
		to.ReplaceMetadata, to.UserMetadata = true, source.UserMetadata
	}
	info, err := duplicate(ctx, client, to, from, source.Size)
	if err != nil {
		return nil, fmt.Errorf("to: %s: %w", to.Object, err)
	}
	run.Log(sdk.LevelDebug, "%s of %s is copied to %s of %s", from.Object, from.Bucket, to.Object, to.Bucket)
	if t.Delete {
		if err := client.RemoveObject(ctx, from.Bucket, from.Object, minio.RemoveObjectOptions{}); err != nil {
			return nil, fmt.Errorf("from: %s: it is copied, but cannot be deleted: %w", from.Object, err)
		}
	}
	return CopyOutput{to.Bucket, to.Object, versionOf(info.ETag, info.VersionID)}, nil
}

// Run makes the bucket.
func (t *CreateBucket) Run(ctx context.Context, _ sdk.Run) (any, error) {
	for name, v := range map[string]string{
		"acl": t.ACL, "grantFullControl": t.GrantFullControl, "grantRead": t.GrantRead, "grantReadACP": t.GrantReadACP, "grantWrite": t.GrantWrite, "grantWriteACP": t.GrantWriteACP,
	} {
		if v != "" {
			return nil, fmt.Errorf("%s is not supported", name)
		}
	}
	client, transport, err := t.client()
	if err != nil {
		return nil, err
	}
	defer transport.CloseIdleConnections()
	if err := client.MakeBucket(ctx, t.Bucket, minio.MakeBucketOptions{Region: t.Region, ObjectLocking: t.ObjectLockEnabledForBucket}); err != nil {
		return nil, err
	}
	return CreateBucketOutput{t.Bucket, "/" + t.Bucket}, nil
}
