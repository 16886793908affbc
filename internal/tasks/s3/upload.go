package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"

	"github.com/minio/minio-go/v7"

	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

// partSize is how large a part of a large object is, in bytes: with 10,000 parts, an object may have 160 GB.
const partSize = 16 << 20

// Run writes the objects.
func (t *Upload) Run(ctx context.Context, run sdk.Run) (any, error) {
	list, err := files.Sources(ctx, run, t.From)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("from: there is no file")
	}
	b, err := t.open(&Listing{Of: t.Of, Keys: Keys{MaxKeys: 1}}, "")
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if err := b.belongs(ctx); err != nil {
		return nil, err
	}
	out := UploadOutput{Bucket: t.Bucket, Key: t.Key}
	if len(list) == 1 {
		info, err := t.put(ctx, run, b, t.Key, list[0].URI)
		out.Version = versionOf(info.ETag, info.VersionID)
		return out, err
	}
	out.Files = map[string]FileInfo{}
	for _, f := range list {
		info, err := t.put(ctx, run, b, path.Join(t.Key, f.Name), f.URI)
		if err != nil {
			return nil, err
		}
		out.Files[f.Name] = FileInfo{ContentLength: info.Size, Version: versionOf(info.ETag, info.VersionID)}
	}
	return out, nil
}

// belongs sees that the bucket is that of who is expected. The client cannot ask for that while it writes.
func (b *bucket) belongs(ctx context.Context) error {
	if b.RequestPayer != "" {
		return errors.New("requestPayer is not supported where objects are written")
	}
	if b.ExpectedBucketOwner == "" {
		return nil
	}
	if _, _, err := b.List(ctx); err != nil {
		return fmt.Errorf("expectedBucketOwner: %w", err)
	}
	return nil
}

// checksums are those that a server may compare.
var checksums = map[string]minio.ChecksumType{
	"": minio.ChecksumCRC32C, "CRC32": minio.ChecksumCRC32, "CRC32C": minio.ChecksumCRC32C, "CRC32_C": minio.ChecksumCRC32C, "SHA1": minio.ChecksumSHA1,
	"SHA256": minio.ChecksumSHA256, "CRC64NVME": minio.ChecksumCRC64NVME, "CRC64_NVME": minio.ChecksumCRC64NVME,
}

func (t *Upload) options() (minio.PutObjectOptions, error) {
	o := minio.PutObjectOptions{
		UserMetadata: map[string]string{}, UserTags: t.Tagging, ContentType: t.ContentType, ContentEncoding: t.ContentEncoding,
		ContentDisposition: t.ContentDisposition, ContentLanguage: t.ContentLanguage, CacheControl: t.CacheControl, StorageClass: t.StorageClass,
		Mode: minio.RetentionMode(t.ObjectLockMode), LegalHold: minio.LegalHoldStatus(t.ObjectLockLegalHoldStatus),
		PartSize: partSize,
	}
	if t.ChecksumAlgorithm != "" { // else the client's own choice, which all servers take
		o.AutoChecksum = checksums[t.ChecksumAlgorithm]
	}
	for k, v := range t.Metadata {
		o.UserMetadata[k] = v
	}
	if t.ACL != "" {
		o.UserMetadata["x-amz-acl"] = t.ACL
	}
	if t.BucketKeyEnabled != nil {
		o.UserMetadata["x-amz-server-side-encryption-bucket-key-enabled"] = strconv.FormatBool(*t.BucketKeyEnabled)
	}
	if t.Expires != nil {
		o.Expires = *t.Expires
	}
	if t.ObjectLockRetainUntilDate != nil {
		o.RetainUntilDate = *t.ObjectLockRetainUntilDate
	}
	var err error
	if o.ServerSideEncryption, err = encryption(t.ServerSideEncryption, ""); err != nil {
		return o, fmt.Errorf("serverSideEncryption: %w", err)
	}
	return o, nil
}

// put writes one object.
func (t *Upload) put(ctx context.Context, run sdk.Run, b *bucket, key, uri string) (minio.UploadInfo, error) {
	o, err := t.options()
	if err == nil {
		err = t.verify(ctx, run, uri)
	}
	if err != nil {
		return minio.UploadInfo{}, err
	}
	r, err := run.Open(ctx, uri)
	if err != nil {
		return minio.UploadInfo{}, fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	head, err := io.ReadAll(io.LimitReader(r, partSize))
	if err != nil {
		return minio.UploadInfo{}, fmt.Errorf("from: %w", err)
	}
	size := int64(-1)
	if len(head) < partSize {
		size = int64(len(head))
	}
	if t.ContentLength != nil {
		if size >= 0 && size != *t.ContentLength {
			return minio.UploadInfo{}, fmt.Errorf("contentLength is %d, and %s has %d bytes", *t.ContentLength, uri, size)
		}
		size = *t.ContentLength
	}
	info, err := b.client.PutObject(ctx, b.Bucket, key, io.MultiReader(bytes.NewReader(head), r), size, o)
	if err != nil {
		return info, fmt.Errorf("%s: %w", key, err)
	}
	run.Counter("file.count", 1)
	run.Counter("file.size", float64(info.Size))
	run.Log(sdk.LevelDebug, "%s is written to %s", uri, key)
	return info, nil
}

// verify sees that a file has the checksum that it has to have.
func (t *Upload) verify(ctx context.Context, run sdk.Run, uri string) error {
	if t.Checksum == "" {
		return nil
	}
	r, err := run.Open(ctx, uri)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	h := checksums[t.ChecksumAlgorithm].Hasher()
	if _, err := io.Copy(h, r); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != t.Checksum {
		return fmt.Errorf("checksum: that of %s is %s", uri, got)
	}
	return nil
}
