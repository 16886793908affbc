package s3

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Connection says which server is meant, and who asks.
type Connection struct {
	// Endpoint is the address of a server that is not AWS's.
	Endpoint string
	Region   string // us-east-1 unless it is set
	// AccessKey and SecretKey say who asks, SessionToken where they are for a while only. Without them the keys of the
	// environment, of AWS's files or of the machine are used.
	AccessKey, SecretKey, SessionToken string
	// PathStyle puts the bucket into the path rather than into the host. It always is there where the host is an address of
	// numbers.
	PathStyle bool
	Role      Role
}

// Role is assumed where it has an ARN.
type Role struct {
	ARN, ExternalID, SessionName string
	Endpoint                     string // of the service that gives roles, unless it is AWS's
	Duration                     time.Duration
}

// Connect returns a client, and its transport so that the connections can be closed. It talks to nobody yet.
func Connect(c Connection) (*minio.Client, *http.Transport, error) {
	region := c.Region
	if region == "" {
		region = "us-east-1"
	}
	host, secure := "s3."+region+".amazonaws.com", true
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || u.Host == "" {
			return nil, nil, fmt.Errorf("the endpoint %q is no address", c.Endpoint)
		}
		host, secure = u.Host, u.Scheme != "http"
	}
	creds, err := c.credentials(region)
	if err != nil {
		return nil, nil, err
	}
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, nil, err
	}
	o := &minio.Options{Creds: creds, Secure: secure, Region: region, Transport: transport, MaxRetries: 3}
	if c.PathStyle {
		o.BucketLookup = minio.BucketLookupPath
	}
	client, err := minio.New(host, o)
	return client, transport, err
}

func (c *Connection) credentials(region string) (*credentials.Credentials, error) {
	if c.Role.ARN != "" {
		endpoint := c.Role.Endpoint
		if endpoint == "" {
			endpoint = "https://sts." + region + ".amazonaws.com"
		}
		creds, err := credentials.NewSTSAssumeRole(endpoint, credentials.STSAssumeRoleOptions{
			AccessKey: c.AccessKey, SecretKey: c.SecretKey, SessionToken: c.SessionToken, Location: region, RoleARN: c.Role.ARN,
			RoleSessionName: c.Role.SessionName, ExternalID: c.Role.ExternalID, DurationSeconds: int(c.Role.Duration.Seconds()),
		})
		if err != nil {
			err = fmt.Errorf("assume the role: %w", err)
		}
		return creds, err
	}
	if c.AccessKey != "" || c.SecretKey != "" {
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken), nil
	}
	return credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}}), nil
}
