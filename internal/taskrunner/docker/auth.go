package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"

	"github.com/windhover-io/windhover/internal/value"
)

// HubName is what images call the registry of those that name none, and hub what configuration files call it.
const (
	hub     = "https://index.docker.io/v1/"
	HubName = "docker.io"
)

// configFile is what a Docker configuration file says of registries.
type configFile struct {
	Auths       map[string]registry.AuthConfig `json:"auths"`
	CredsStore  string                         `json:"credsStore"`
	CredHelpers map[string]string              `json:"credHelpers"`
}

// Auth is how the registry of an image is told who asks, as the engine wants it: "" where nothing is known for it.
func (c Connection) Auth(ctx context.Context, image string) (string, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", nil //nolint:nilerr // an image that has an id rather than a name comes from no registry
	}
	known, err := c.auths(ctx, reference.Domain(named))
	if err != nil || known == nil {
		return "", err
	}
	return authconfig.Encode(*known)
}

// All lists what is known of registries by their addresses, for builds, which may pull from any.
func (c Connection) All() (map[string]registry.AuthConfig, error) {
	file, err := c.file()
	if err != nil {
		return nil, err
	}
	out := map[string]registry.AuthConfig{}
	for name, a := range file.Auths {
		a.ServerAddress = name
		if out[name], err = unfolded(a); err != nil {
			return nil, err
		}
	}
	if c.Credentials != nil {
		name := c.Credentials.Registry
		if name == "" {
			name = hub
		}
		if out[name], err = c.Credentials.auth(name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// auths is what is known of a registry, nil for nothing.
func (c Connection) auths(ctx context.Context, domain string) (*registry.AuthConfig, error) {
	if c.Credentials != nil && (c.Credentials.Registry == "" || Bare(c.Credentials.Registry) == domain) {
		a, err := c.Credentials.auth(domain)
		return &a, err
	}
	file, err := c.file()
	if err != nil {
		return nil, err
	}
	for name, a := range file.Auths {
		if Bare(name) == domain && a != (registry.AuthConfig{}) {
			a, err := unfolded(a)
			a.ServerAddress = name
			return &a, err
		}
	}
	if c.Config != nil {
		return nil, nil // programs of the worker are for the worker's own configuration
	}
	helper := file.CredHelpers[domain]
	if helper == "" {
		helper = file.CredsStore
	}
	if helper == "" {
		return nil, nil
	}
	return ask(ctx, helper, domain)
}

// Bare is the name of a registry as images have it.
func Bare(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	address, _, _ = strings.Cut(address, "/")
	if address == "index.docker.io" || address == "registry-1.docker.io" {
		return HubName
	}
	return address
}

func (c *Credentials) auth(name string) (registry.AuthConfig, error) {
	return unfolded(registry.AuthConfig{
		Username: c.Username, Password: c.Password, Auth: c.Auth, IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken, ServerAddress: name,
	})
}

// unfolded has user and password where they are written as one.
func unfolded(a registry.AuthConfig) (registry.AuthConfig, error) {
	if a.Auth == "" || a.Username != "" {
		return a, nil
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(a.Auth))
	user, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok {
		return a, errors.New("auth: expected user and password, joined by a colon, in Base64")
	}
	a.Auth, a.Username, a.Password = "", user, strings.TrimRight(password, "\x00")
	return a, nil
}

// file is the configuration file of the flow, or that of the worker.
func (c Connection) file() (f configFile, err error) {
	var text []byte
	switch {
	case c.Config == nil || c.Config == "":
		dir := os.Getenv("DOCKER_CONFIG")
		if dir == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return f, nil //nolint:nilerr // who has no home has no file there
			}
			dir = filepath.Join(home, ".docker")
		}
		text, err = os.ReadFile(filepath.Join(dir, "config.json"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return f, nil
		}
	default:
		text = []byte(value.Print(c.Config)) // a map becomes JSON
	}
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return f, fmt.Errorf("config: reading the Docker configuration file: %w", err)
	}
	return f, nil
}

// ask asks a program of the worker that keeps credentials.
func ask(ctx context.Context, helper, domain string) (*registry.AuthConfig, error) {
	if domain == HubName {
		domain = hub
	}
	cmd := exec.CommandContext(ctx, "docker-credential-"+filepath.Base(helper), "get")
	cmd.Stdin = strings.NewReader(domain)
	out, err := cmd.Output()
	if err != nil {
		return nil, nil //nolint:nilerr // it knows none for this registry, which may be public
	}
	var known struct{ Username, Secret string }
	if err := json.Unmarshal(out, &known); err != nil {
		return nil, fmt.Errorf("docker-credential-%s: %w", helper, err)
	}
	a := &registry.AuthConfig{Username: known.Username, Password: known.Secret, ServerAddress: domain}
	if known.Username == "<token>" {
		a.Username, a.Password, a.IdentityToken = "", "", known.Secret
	}
	return a, nil
}
