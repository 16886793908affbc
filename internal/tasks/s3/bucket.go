package s3

import (
	"context"
	"errors"
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

// bucket is the place of a Trigger.
type bucket struct {
	t         *Trigger
	client    *minio.Client
	transport *http.Transport
	matches   func(string) (bool, error)
}

func (t *Trigger) open() (*bucket, error) {
	matches, err := listing.Pattern("regexp", t.Regexp)
	if err != nil {
		return nil, err
	}
	client, transport, err := t.client()
	return &bucket{t, client, transport, matches}, err
}

// page is how many objects a server tells of at once.
const page = 1000

func (b *bucket) List(ctx context.Context) (files []listing.File, all bool, err error) {
	ctx, cancel := context.WithCancel(ctx) // ends the listing that goes on beside this
	defer cancel()
	owner := true
	o := minio.ListObjectsOptions{Prefix: b.t.Prefix, Recursive: b.t.Delimiter != "/", StartAfter: b.t.Marker, MaxKeys: min(b.t.MaxKeys, page), FetchOwner: &owner}
	for name, value := range b.headers() {
		o.Set(name, value)
	}
	seen := 0
	for info := range b.client.ListObjects(ctx, b.t.Bucket, o) {
		if info.Err != nil {
			return nil, false, info.Err
		}
		if seen++; seen > b.t.MaxKeys {
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

func (b *bucket) headers() map[string]string {
	out := map[string]string{}
	if b.t.ExpectedBucketOwner != "" {
		out["x-amz-expected-bucket-owner"] = b.t.ExpectedBucketOwner
	}
	if b.t.RequestPayer != "" {
		out["x-amz-request-payer"] = b.t.RequestPayer
	}
	return out
}

// counts tells whether the trigger is about an object.
func (b *bucket) counts(info minio.ObjectInfo) (bool, error) {
	rest := strings.TrimPrefix(info.Key, b.t.Prefix)
	if d := b.t.Delimiter; d != "" && strings.Contains(rest, d) {
		return false, nil
	}
	directory := strings.HasSuffix(info.Key, "/")
	if directory && b.t.Filter == "FILES" || !directory && b.t.Filter == "DIRECTORY" {
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
	r, err := b.client.GetObject(ctx, b.t.Bucket, f.Key, o)
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
	info, err := b.client.StatObject(ctx, b.t.Bucket, f.Key, o)
	if err != nil {
		return "", failure(err)
	}
	return info.ETag, nil
}

func (b *bucket) Delete(ctx context.Context, f listing.File) error {
	return b.client.RemoveObject(ctx, b.t.Bucket, f.Key, minio.RemoveObjectOptions{})
}

// maxCopy is the largest object that a server copies in one piece, in bytes.
const maxCopy = 5 << 30

// Move copies the object, if it is still that version, and removes it.
func (b *bucket) Move(ctx context.Context, f listing.File) error {
	to := minio.CopyDestOptions{Bucket: b.t.MoveTo.Bucket, Object: strings.TrimRight(b.t.MoveTo.Key, "/") + "/" + path.Base(f.Key)}
	var err error
	if to.Encryption, err = b.t.MoveTo.encryption(); err != nil {
		return err
	}
	from := minio.CopySrcOptions{Bucket: b.t.Bucket, Object: f.Key, MatchETag: f.Version}
	if o, _ := f.Of.(Object); o.Size > maxCopy {
		_, err = b.client.ComposeObject(ctx, to, from)
	} else {
		_, err = b.client.CopyObject(ctx, to, from)
	}
	if err != nil {
		return err
	}
	return b.Delete(ctx, f)
}

func (a *Address) encryption() (encrypt.ServerSide, error) {
	switch a.ServerSideEncryption {
	case "":
		return nil, nil
	case "AES256":
		return encrypt.NewSSE(), nil
	case "AWS_KMS", "aws:kms":
		return encrypt.NewSSEKMS(a.KMSKeyID, nil)
	}
	return nil, errors.New("moveTo.serverSideEncryption: expected AES256 or AWS_KMS")
}

func (b *bucket) Close() { b.transport.CloseIdleConnections() }
