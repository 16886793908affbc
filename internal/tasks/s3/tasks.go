package s3

import (
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/plugin"
)

func taskType(name, title, description, example, more string, outputs any, task func() any) plugin.Type {
	return plugin.Type{
		Name: area + name, Category: plugin.Task, Title: title, Description: description,
		Examples: []plugin.Example{{Title: example, YAML: "id: " + strings.ToLower(name) + "\ntype: " + area + name + `
accessKeyId: "{{ secret('AWS_ACCESS_KEY_ID') }}"
secretKeyId: "{{ secret('AWS_SECRET_KEY_ID') }}"
region: eu-central-1
` + more}},
		New: task, Outputs: outputs,
	}
}

func taskTypes() []plugin.Type {
	return []plugin.Type{
		taskType("Upload", "Write objects to a bucket.", "One file becomes the object `key`, several become objects below it. Large files are written in parts as they are read.",
			"A report", "bucket: reports\nkey: \"{{ execution.id }}/report.csv\"\nfrom: \"{{ outputs.report.uri }}\"\ncontentType: text/csv", UploadOutput{}, func() any { return &Upload{} }),
		taskType("Download", "Read an object of a bucket.", "With `prefix`, `delimiter` or `regexp`, rather than `key`, several.",
			"A report", "bucket: reports\nkey: 2026/report.csv", DownloadOutput{}, func() any { return &Download{} }),
		taskType("Downloads", "Read objects of a bucket.", "Once all are stored, they are moved or deleted, if that is wanted.",
			"All CSV", "bucket: inbox\nprefix: orders/\nregexp: .*\\.csv\naction: MOVE\nmoveTo:\n  bucket: archive\n  key: orders", DownloadsOutput{}, func() any { return &Downloads{} }),
		taskType("List", "List objects of a bucket.", "",
			"A directory", "bucket: inbox\nprefix: orders/\ndelimiter: /", Output{}, func() any { return &List{} }),
		taskType("Delete", "Delete an object of a bucket.", "An object that is not there is no error, as servers have it.",
			"A report", "bucket: reports\nkey: 2026/report.csv", DeleteOutput{}, func() any { return &Delete{} }),
		taskType("DeleteList", "Delete objects of a bucket.", "",
			"All temporary ones", "bucket: inbox\nprefix: tmp/", DeleteListOutput{}, func() any { return &DeleteList{} }),
		taskType("Copy", "Copy an object.", "The server does it, however large the object is.",
			"Into an archive", "from:\n  bucket: inbox\n  key: orders.csv\nto:\n  bucket: archive\n  key: \"{{ execution.id }}.csv\"\ndelete: true", CopyOutput{}, func() any { return &Copy{} }),
		taskType("CreateBucket", "Make a bucket.", "", "A bucket", "bucket: reports", CreateBucketOutput{}, func() any { return &CreateBucket{} }),
	}
}

// Version tells one content of an object from others.
type Version struct {
	ETag      string `json:"eTag,omitempty" doc:"The object's tag, in quotes."`
	Tag       string `json:"etag,omitempty" doc:"The same, by the other of the two names that the reference has for it."`
	VersionID string `json:"versionId,omitempty" doc:"Its version, in a bucket that keeps versions."`
}

func versionOf(tag, id string) Version {
	tag = `"` + strings.Trim(tag, `"`) + `"`
	return Version{tag, tag, id}
}

// Checksum is what the server knows of an object.
type Checksum struct {
	ChecksumAlgorithm string `json:"checksumAlgorithm,omitempty" doc:"The kind of its checksum: SHA256, SHA1, CRC32, CRC32C or CRC64NVME; with validateChecksum, where the server has one."`
	ChecksumValue     string `json:"checksumValue,omitempty" doc:"Its checksum, as base64."`
}

// FileInfo tells of one of several objects.
type FileInfo struct {
	URI           string            `json:"uri,omitempty" doc:"The object in internal storage, where it was read."`
	ContentLength int64             `json:"contentLength" doc:"Its size in bytes."`
	ContentType   string            `json:"contentType,omitempty" doc:"Its type."`
	Metadata      map[string]string `json:"metadata,omitempty" doc:"Its metadata."`
	Version
	Checksum
}

// Upload writes objects.
type Upload struct {
	Connection
	Of
	Key                       string            `json:"key" required:"true" doc:"The key of the object; of several what their keys begin with."`
	From                      any               `json:"from" required:"true" doc:"The files: URIs of internal storage, as a list, as a map of the names to write them by, or in a file; or one."`
	Metadata                  map[string]string `json:"metadata" doc:"Metadata of the object."`
	CacheControl              string            `json:"cacheControl" doc:"How long it may be kept by those who read it."`
	ContentType               string            `json:"contentType" doc:"Its type."`
	ContentEncoding           string            `json:"contentEncoding" doc:"How its content is encoded, such as gzip."`
	ContentDisposition        string            `json:"contentDisposition" doc:"How it is presented."`
	ContentLanguage           string            `json:"contentLanguage" doc:"Its language."`
	ContentLength             *int64            `json:"contentLength" doc:"Its size in bytes; a file of another size is an error."`
	Expires                   *time.Time        `json:"expires" doc:"When those who read it should read it anew."`
	ACL                       string            `json:"acl" doc:"Who may do what, in one of the server's words, such as public-read."`
	StorageClass              string            `json:"storageClass" doc:"How it is stored, such as STANDARD or GLACIER."`
	ServerSideEncryption      string            `json:"serverSideEncryption" doc:"How the server encrypts it: AES256 or AWS_KMS."`
	BucketKeyEnabled          *bool             `json:"bucketKeyEnabled" doc:"Whether AWS_KMS uses the bucket's key."`
	ChecksumAlgorithm         string            `json:"checksumAlgorithm" enum:"CRC32,CRC32_C,CRC32C,CRC64_NVME,CRC64NVME,SHA1,SHA256" doc:"The checksum that is sent along, for the server to compare; CRC32C unless it is set."`
	Checksum                  string            `json:"checksum" doc:"The checksum that the file has to have, as base64. It is looked at before anything is written."`
	ObjectLockMode            string            `json:"objectLockMode" enum:"GOVERNANCE,COMPLIANCE" doc:"How it is kept from being changed."`
	ObjectLockLegalHoldStatus string            `json:"objectLockLegalHoldStatus" enum:"ON,OFF" doc:"Whether it is kept until that is lifted."`
	ObjectLockRetainUntilDate *time.Time        `json:"objectLockRetainUntilDate" doc:"Until when it is kept."`
	Tagging                   map[string]string `json:"tagging" doc:"Its tags."`
	ConcurrentUploads         int               `json:"concurrentUploads" default:"50" min:"1" doc:"Accepted and not used: files are written one by one, the parts of each at once."`
}

// UploadOutput tells of what was written.
type UploadOutput struct {
	Bucket string `json:"bucket" doc:"The bucket."`
	Key    string `json:"key" doc:"The key."`
	Version
	Files map[string]FileInfo `json:"files,omitempty" doc:"Where there are several, the objects by the names of the files."`
}

// Validation says whether what is read is compared with the server's checksum.
type Validation struct {
	ValidateChecksum bool `json:"validateChecksum" default:"false" doc:"Whether what is read has to have the checksum that the server knows; where it knows none, that is warned of."`
}

// Most says how many objects there may be.
type Most struct {
	MaxFiles int `json:"maxFiles" default:"25" min:"0" doc:"How many objects there are at most."`
}

// Filtered says which kind of objects is meant.
type Filtered struct {
	Filter string `json:"filter" default:"BOTH" enum:"FILES,DIRECTORY,BOTH" doc:"Whether objects count whose keys end with a slash, or all others, or both."`
}

// Download reads an object, or several.
type Download struct {
	Connection
	Of
	Key       string `json:"key" doc:"The key of the object."`
	VersionID string `json:"versionId" doc:"Its version; the newest unless it is set."`
	Keys
	Most
	Validation
}

// DownloadOutput tells of what was read.
type DownloadOutput struct {
	URI           string            `json:"uri,omitempty" doc:"The object in internal storage."`
	ContentLength *int64            `json:"contentLength" doc:"Its size in bytes."`
	ContentType   string            `json:"contentType,omitempty" doc:"Its type."`
	Metadata      map[string]string `json:"metadata,omitempty" doc:"Its metadata."`
	Version
	Checksum
	Files map[string]FileInfo `json:"files,omitempty" doc:"Where there are several, the objects by their keys."`
}

// Downloads reads objects.
type Downloads struct {
	Connection
	Listing
	Filtered
	Most
	Validation
	Action string   `json:"action" required:"true" enum:"MOVE,DELETE,NONE" doc:"What becomes of the objects once all are stored: NONE leaves them in place."`
	MoveTo *Address `json:"moveTo" doc:"Where objects are moved."`
}

// DownloadsOutput tells of what was read.
type DownloadsOutput struct {
	Output
	OutputFiles map[string]string `json:"outputFiles" doc:"The objects in internal storage by their keys."`
}

// List lists objects.
type List struct {
	Connection
	Listing
	Filtered
	Most
}

// Delete deletes an object.
type Delete struct {
	Connection
	Of
	Key                       string `json:"key" required:"true" doc:"The key of the object."`
	BypassGovernanceRetention bool   `json:"bypassGovernanceRetention" default:"false" doc:"Whether an object goes that is kept by GOVERNANCE."`
	MFA                       string `json:"mfa" doc:"Not supported: the code of a device."`
}

// DeleteOutput tells of what was deleted. Servers say it of buckets that keep versions.
type DeleteOutput struct {
	VersionID      string `json:"versionId,omitempty" doc:"The version of the mark that hides the object."`
	DeleteMarker   *bool  `json:"deleteMarker" doc:"Whether there is such a mark."`
	RequestCharged string `json:"requestCharged,omitempty" doc:"Never there; the reference declares it too."`
}

// DeleteList deletes objects.
type DeleteList struct {
	Connection
	Listing
	Filtered
	Concurrent   *int `json:"concurrent" static:"true" min:"2" doc:"Accepted and not used: the server is told of many objects at once."`
	ErrorOnEmpty bool `json:"errorOnEmpty" default:"false" doc:"Whether it is an error where there is no such object."`
}

// DeleteListOutput tells of what was deleted.
type DeleteListOutput struct {
	Count int64 `json:"count" doc:"How many objects were deleted."`
	Size  int64 `json:"size" doc:"How many bytes they had."`
}

// Copy copies an object.
type Copy struct {
	Connection
	From   CopyFrom `json:"from" required:"true" doc:"The object."`
	To     *CopyTo  `json:"to" doc:"Where it comes."`
	Delete bool     `json:"delete" default:"false" doc:"Whether the object is deleted then."`
}

// CopyFrom is an object that is copied.
type CopyFrom struct {
	Bucket               string `json:"bucket" required:"true" doc:"The bucket."`
	Key                  string `json:"key" required:"true" doc:"The key."`
	VersionID            string `json:"versionId" doc:"The version; the newest unless it is set."`
	ServerSideEncryption string `json:"serverSideEncryption" doc:"Accepted and not used."`
	KMSKeyID             string `json:"kmsKeyId" doc:"Accepted and not used."`
}

// CopyTo is what an object is copied to.
type CopyTo struct {
	Bucket               string `json:"bucket" doc:"The bucket; that of the object unless it is set."`
	Key                  string `json:"key" doc:"The key; that of the object unless it is set."`
	ServerSideEncryption string `json:"serverSideEncryption" doc:"How the server encrypts it: AES256, AWS_KMS or NONE."`
	KMSKeyID             string `json:"kmsKeyId" doc:"The key for AWS_KMS."`
}

// CopyOutput tells of what was copied.
type CopyOutput struct {
	Bucket string `json:"bucket" doc:"The bucket."`
	Key    string `json:"key" doc:"The key."`
	Version
}

// CreateBucket makes a bucket.
type CreateBucket struct {
	Connection
	Bucket                     string `json:"bucket" required:"true" doc:"Its name."`
	ObjectLockEnabledForBucket bool   `json:"objectLockEnabledForBucket" default:"false" doc:"Whether its objects can be kept from being changed."`
	ACL                        string `json:"acl" doc:"Not supported: who may do what."`
	GrantFullControl           string `json:"grantFullControl" doc:"Not supported."`
	GrantRead                  string `json:"grantRead" doc:"Not supported."`
	GrantReadACP               string `json:"grantReadACP" doc:"Not supported."`
	GrantWrite                 string `json:"grantWrite" doc:"Not supported."`
	GrantWriteACP              string `json:"grantWriteACP" doc:"Not supported."`
}

// CreateBucketOutput tells of a bucket.
type CreateBucketOutput struct {
	Bucket string `json:"bucket" doc:"Its name."`
	Region string `json:"region" doc:"Its path, which the reference calls so."`
}
