// Package s3 holds the types that are about objects in buckets, of AWS or of any server that speaks S3.
package s3

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/listing"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package.
func Types(store *kv.Store) []plugin.Type {
	return append(taskTypes(), triggerType(store))
}

const area = "io.kestra.plugin.aws.s3."

func triggerType(store *kv.Store) plugin.Type {
	return plugin.Type{
		Name: area + "Trigger", Category: plugin.Trigger, Trigger: model.TriggerPolling, Title: "Start the flow when objects are in a bucket.",
		Description: "Looks every `interval` for objects, brings them to internal storage and starts the flow with them. Then they are moved or " +
			"deleted, or left and remembered. That follows once it is certain that the flow starts; if the worker dies just between the " +
			"two, the objects are found once more.",
		Examples: []plugin.Example{{Title: "Objects that are moved away", YAML: `id: inbox
type: io.kestra.plugin.aws.s3.Trigger
interval: PT5M
accessKeyId: "{{ secret('AWS_ACCESS_KEY_ID') }}"
secretKeyId: "{{ secret('AWS_SECRET_KEY_ID') }}"
region: eu-central-1
bucket: inbox
prefix: orders/
action: MOVE
moveTo:
  bucket: archive
  key: orders`}},
		New: func() any { return &Trigger{store: store} }, Outputs: Output{},
	}
}

// Trigger waits for objects.
type Trigger struct {
	listing.Watch
	Connection
	Listing
	Filtered
	Action string   `json:"action" required:"true" enum:"MOVE,DELETE,NONE" doc:"What becomes of the objects: NONE leaves them in place."`
	MoveTo *Address `json:"moveTo" doc:"Where objects are moved."`

	store *kv.Store
}

// Listing says which objects of a bucket are meant.
type Listing struct {
	Of
	Keys
	EncodingType string `json:"encodingType" doc:"Accepted and not used: keys are always read as they are."`
}

// Of says which bucket is meant.
type Of struct {
	Bucket              string `json:"bucket" required:"true" doc:"The bucket."`
	ExpectedBucketOwner string `json:"expectedBucketOwner" doc:"The account that the bucket has to belong to."`
	RequestPayer        string `json:"requestPayer" doc:"Who pays for the requests, where that is not the bucket's owner: requester."`
}

// Keys say which objects are meant.
type Keys struct {
	Prefix    string `json:"prefix" doc:"What the keys of the objects begin with."`
	Delimiter string `json:"delimiter" doc:"Keys that have this behind the prefix do not count."`
	Marker    string `json:"marker" doc:"Keys up to this one do not count."`
	MaxKeys   int    `json:"maxKeys" default:"1000" min:"1" doc:"How many objects are looked at, in the order of their keys."`
	Regexp    string `json:"regexp" alias:"regExp" doc:"What a whole key has to match."`
}

// Address is where objects are moved.
type Address struct {
	Bucket               string `json:"bucket" required:"true" doc:"The bucket."`
	Key                  string `json:"key" required:"true" doc:"What the keys begin with: a slash and the last part of an object's key follow."`
	ServerSideEncryption string `json:"serverSideEncryption" doc:"How the server encrypts them: AES256 or AWS_KMS."`
	KMSKeyID             string `json:"kmsKeyId" doc:"The key for AWS_KMS."`
}

// Output are objects.
type Output struct {
	Objects []Object `json:"objects" doc:"The objects."`
}

// Object is an object of a bucket.
type Object struct {
	URI          string    `json:"uri,omitempty" doc:"The object in internal storage, unless it was only listed."`
	Key          string    `json:"key" doc:"Its key."`
	ETag         string    `json:"etag" doc:"Its tag, in quotes."`
	Size         int64     `json:"size" doc:"Its size in bytes."`
	LastModified time.Time `json:"lastModified" doc:"When it was written."`
	Owner        *Owner    `json:"owner" doc:"Whose it is, where the server tells."`
	Checksum
	ChangeType string `json:"changeType,omitempty" doc:"For triggers: CREATE or UPDATE."`
}

// Owner is an account.
type Owner struct {
	ID          string `json:"id" doc:"Its id."`
	DisplayName string `json:"displayName" doc:"Its name."`
}

type found struct {
	Output
	*listing.Found
}

// Poll looks for objects.
func (t *Trigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	if t.Action == listing.Move && t.MoveTo == nil {
		return nil, errors.New("moveTo is required where action is MOVE")
	}
	b, err := t.open(&t.Listing, t.Filter)
	if err != nil {
		return nil, err
	}
	b.moveTo = t.MoveTo
	look := listing.Look{Watch: t.Watch, Action: t.Action, KV: t.store, Place: b, Trigger: run.Info().TriggerID}
	f, err := look.Find(ctx, run)
	if err != nil || len(f.Files) == 0 {
		b.Close()
		return nil, err
	}
	out := found{Found: f}
	for _, file := range f.Files {
		o, _ := file.Of.(Object)
		o.URI, o.ChangeType = file.URI, file.Change
		out.Objects = append(out.Objects, o)
	}
	return out, nil
}

// gone makes an error that tells so one that listing knows.
func gone(err error, status int) error {
	if status == 404 {
		return errors.Join(err, fs.ErrNotExist)
	}
	return err
}
