package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"github.com/windhover-io/windhover/internal/storage/s3"
	"github.com/windhover-io/windhover/internal/tasks/listing"
	"github.com/windhover-io/windhover/sdk"
)

// Connection says which server is meant, and who asks.
type Connection struct {
	AccessKeyID            string       `json:"accessKeyId" doc:"The access key; without keys those of the environment, of AWS's files or of the machine are used."`
	SecretKeyID            string       `json:"secretKeyId" doc:"Its secret."`
	SessionToken           string       `json:"sessionToken" doc:"The token of keys that are for a while only."`
	Region                 string       `json:"region" doc:"The region."`
	EndpointOverride       string       `json:"endpointOverride" doc:"The address of a server that is not AWS's."`
	CompatibilityMode      bool         `json:"compatibilityMode" default:"false" doc:"Accepted and not used: every server is treated alike."`
	ForcePathStyle         bool         `json:"forcePathStyle" default:"false" doc:"Whether the bucket is a part of the path rather than of the host. It always is where that is an address of numbers."`
	STSRoleARN             string       `json:"stsRoleArn" doc:"The role to assume."`
	STSRoleExternalID      string       `json:"stsRoleExternalId" doc:"The external id for that."`
	STSRoleSessionName     string       `json:"stsRoleSessionName" doc:"The name of the role's session."`
	STSEndpointOverride    string       `json:"stsEndpointOverride" doc:"The address of the service that gives roles, unless it is AWS's."`
	STSRoleSessionDuration sdk.Duration `json:"stsRoleSessionDuration" default:"PT15M" doc:"How long the role is assumed for."`
}

// client connects.
func (c *Connection) client() (*minio.Client, *http.Transport, error) {
	return s3.Connect(s3.Connection{
		Endpoint: c.EndpointOverride, Region: c.Region, AccessKey: c.AccessKeyID, SecretKey: c.SecretKeyID, SessionToken: c.SessionToken,
		PathStyle: c.ForcePathStyle,
		Role: s3.Role{
			ARN: c.STSRoleARN, ExternalID: c.STSRoleExternalID, SessionName: c.STSRoleSessionName, Endpoint: c.STSEndpointOverride,
			Duration: time.Duration(c.STSRoleSessionDuration),
		},
	})
}

// bucket is a bucket; and, with a place to move objects to, the place of a Trigger.
type bucket struct {
	*Listing
	filter    string
	client    *minio.Client
	transport *http.Transport
	matches   func(string) (bool, error)
	moveTo    *Address
}

func (c *Connection) open(l *Listing, filter string) (*bucket, error) {
	matches, err := listing.Pattern("regexp", l.Regexp)
	if err != nil {
		return nil, err
	}
	client, transport, err := c.client()
	return &bucket{Listing: l, filter: filter, client: client, transport: transport, matches: matches}, err
}

// page is how many objects a server tells of at once.
const page = 1000

func (b *bucket) List(ctx context.Context) (files []listing.File, all bool, err error) {
	ctx, cancel := context.WithCancel(ctx) // ends the listing that goes on beside this
	defer cancel()
	owner := true
	o := minio.ListObjectsOptions{Prefix: b.Prefix, Recursive: b.Delimiter != "/", StartAfter: b.Marker, MaxKeys: min(b.MaxKeys, page), FetchOwner: &owner}
	for name, value := range b.headers() {
		o.Set(name, value)
	}
	seen := 0
	for info := range b.client.ListObjects(ctx, b.Bucket, o) {
		if info.Err != nil {
			return nil, false, info.Err
		}
		if seen++; seen > b.MaxKeys {
			return files, false, nil
		}
		ok, err := b.counts(info)
		if err != nil {
			return nil, false, err
		}
		if ok {
			files = append(files, file(info))
		}
	}
	return files, true, ctx.Err()
}

func (o *Of) headers() map[string]string {
	out := map[string]string{}
	if o.ExpectedBucketOwner != "" {
		out["x-amz-expected-bucket-owner"] = o.ExpectedBucketOwner
	}
	if o.RequestPayer != "" {
		out["x-amz-request-payer"] = o.RequestPayer
	}
	return out
}

// counts tells whether the trigger is about an object.
func (b *bucket) counts(info minio.ObjectInfo) (bool, error) {
	rest := strings.TrimPrefix(info.Key, b.Prefix)
	if d := b.Delimiter; d != "" && strings.Contains(rest, d) {
		return false, nil
	}
	directory := strings.HasSuffix(info.Key, "/")
	if directory && b.filter == "FILES" || !directory && b.filter == "DIRECTORY" {
		return false, nil
	}
	return b.matches(info.Key)
}

func file(info minio.ObjectInfo) listing.File {
	o := Object{Key: info.Key, ETag: `"` + info.ETag + `"`, Size: info.Size, LastModified: info.LastModified.UTC()}
	if info.Owner.ID != "" || info.Owner.DisplayName != "" {
		o.Owner = &Owner{info.Owner.ID, info.Owner.DisplayName}
	}
	return listing.File{Key: info.Key, Version: info.ETag, Modified: info.LastModified.UTC(), Of: o}
}

// Open reads the object of that version. One that was replaced in the meantime has gone.
func (b *bucket) Open(ctx context.Context, f listing.File) (io.ReadCloser, error) {
	o := minio.GetObjectOptions{}
	for name, value := range b.headers() {
		o.Set(name, value)
	}
	r, err := b.client.GetObject(ctx, b.Bucket, f.Key, o)
	if err != nil {
		return nil, failure(err)
	}
	info, err := r.Stat() // asks now, so that what has gone is known before anything is stored
	if err == nil && info.ETag != f.Version {
		err = errReplaced
	}
	if err != nil {
		_ = r.Close() // nothing was read
		return nil, failure(err)
	}
	return r, nil
}

var errReplaced = minio.ErrorResponse{StatusCode: http.StatusNotFound, Message: "the object was replaced"}

// failure adds to an error of the server what listing has to know of it.
func failure(err error) error { return gone(err, minio.ToErrorResponse(err).StatusCode) }

func (b *bucket) Current(ctx context.Context, f listing.File) (string, error) {
	o := minio.StatObjectOptions{}
	for name, value := range b.headers() {
		o.Set(name, value)
	}
	info, err := b.client.StatObject(ctx, b.Bucket, f.Key, o)
	if err != nil {
		return "", failure(err)
	}
	return info.ETag, nil
}

func (b *bucket) Delete(ctx context.Context, f listing.File) error {
	return b.client.RemoveObject(ctx, b.Bucket, f.Key, minio.RemoveObjectOptions{})
}

// Move copies the object, if it is still that version, and removes it.
func (b *bucket) Move(ctx context.Context, f listing.File) error {
	encryption, err := encryption(b.moveTo.ServerSideEncryption, b.moveTo.KMSKeyID)
	if err != nil {
		return fmt.Errorf("moveTo.serverSideEncryption: %w", err)
	}
	o, _ := f.Of.(Object)
	_, err = duplicate(ctx, b.client, minio.CopyDestOptions{
		Bucket: b.moveTo.Bucket, Object: strings.TrimRight(b.moveTo.Key, "/") + "/" + path.Base(f.Key), Encryption: encryption,
	}, minio.CopySrcOptions{Bucket: b.Bucket, Object: f.Key, MatchETag: f.Version}, o.Size)
	if err != nil {
		return err
	}
	return b.Delete(ctx, f)
}

// maxCopy is the largest object that a server copies in one piece, in bytes.
const maxCopy = 5 << 30

// duplicate has the server copy an object.
func duplicate(ctx context.Context, c *minio.Client, to minio.CopyDestOptions, from minio.CopySrcOptions, size int64) (minio.UploadInfo, error) {
	if size > maxCopy {
		return c.ComposeObject(ctx, to, from)
	}
	return c.CopyObject(ctx, to, from)
}

// encryption is how the server encrypts an object, nil for its own choice.
func encryption(kind, key string) (encrypt.ServerSide, error) {
	switch kind {
	case "", "NONE":
		return nil, nil
	case "AES256":
		return encrypt.NewSSE(), nil
	case "AWS_KMS", "aws:kms":
		return encrypt.NewSSEKMS(key, nil)
	}
	return nil, errors.New("expected AES256 or AWS_KMS")
}

func (b *bucket) Close() { b.transport.CloseIdleConnections() }
