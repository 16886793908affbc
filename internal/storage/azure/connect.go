package azure

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// Config says where the container is, and who asks: the connection string, else the shared key, else the SAS token, else the
// identity of the environment, of a workload or of the machine.
type Config struct {
	// Endpoint is the address of the account's blobs, https://ACCOUNT.blob.core.windows.net.
	Endpoint  string
	Container string
	// ConnectionString says what Endpoint and the keys would.
	ConnectionString string
	// AccountName and AccountKey are a shared key.
	AccountName, AccountKey string
	// SASToken is the query of a signed address, with its question mark or without it.
	SASToken string
	// ManagedIdentityClientID or ManagedIdentityResourceID name an identity of the machine, where it has several.
	ManagedIdentityClientID, ManagedIdentityResourceID string
	// WorkloadIdentityClientID is the application that a pod is federated with, AdditionallyAllowedTenants the tenants that
	// tokens may be of besides its own; * stands for all.
	WorkloadIdentityClientID   string
	AdditionallyAllowedTenants []string
}

// connect returns a client. It talks to nobody yet.
func (c Config) connect() (*container.Client, error) {
	if c.Container == "" {
		return nil, errors.New("no container is named")
	}
	if c.ConnectionString != "" {
		return container.NewClientFromConnectionString(c.ConnectionString, c.Container, nil)
	}
	if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" {
		return nil, fmt.Errorf("the endpoint %q is no address", c.Endpoint)
	}
	address := strings.TrimSuffix(c.Endpoint, "/") + "/" + url.PathEscape(c.Container)
	switch {
	case c.AccountName != "" && c.AccountKey != "":
		key, err := container.NewSharedKeyCredential(c.AccountName, c.AccountKey)
		if err != nil {
			return nil, fmt.Errorf("the shared key: %w", err)
		}
		return container.NewClientWithSharedKeyCredential(address, key, nil)
	case c.SASToken != "":
		return container.NewClientWithNoCredential(address+"?"+strings.TrimPrefix(c.SASToken, "?"), nil)
	}
	identity, err := c.identity()
	if err != nil {
		return nil, err
	}
	return container.NewClient(address, identity, nil)
}

// identity is who the environment or the machine says that asks; what the configuration names is asked first.
func (c Config) identity() (azcore.TokenCredential, error) {
	var chain []azcore.TokenCredential
	if c.WorkloadIdentityClientID != "" {
		options := &azidentity.WorkloadIdentityCredentialOptions{ClientID: c.WorkloadIdentityClientID, AdditionallyAllowedTenants: c.AdditionallyAllowedTenants}
		if w, err := azidentity.NewWorkloadIdentityCredential(options); err == nil { // else this is no pod with one
			chain = append(chain, w)
		}
	}
	if c.ManagedIdentityResourceID != "" || c.ManagedIdentityClientID != "" {
		options := &azidentity.ManagedIdentityCredentialOptions{ID: azidentity.ClientID(c.ManagedIdentityClientID)}
		if c.ManagedIdentityResourceID != "" {
			options.ID = azidentity.ResourceID(c.ManagedIdentityResourceID)
		}
		m, err := azidentity.NewManagedIdentityCredential(options)
		if err != nil {
			return nil, err
		}
		chain = append(chain, m)
	}
	others, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{AdditionallyAllowedTenants: c.AdditionallyAllowedTenants})
	if err != nil {
		return nil, err
	}
	return azidentity.NewChainedTokenCredential(append(chain, others), nil)
}
