package fs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kevinburke/ssh_config"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostConfig is where a server is, and who logs in.
type hostConfig struct{ name, port, user string }

// ownFile is the path of a file, where ~ is the home of the worker's user.
func ownFile(name string) (string, error) {
	rest, ok := strings.CutPrefix(name, "~/")
	if !ok {
		return name, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, rest), err
}

// hostKeys says which keys servers may have.
func (t *Command) hostKeys() (ssh.HostKeyCallback, error) {
	switch t.StrictHostKeyChecking {
	case "", "no", "false":
		return ssh.InsecureIgnoreHostKey(), nil //nolint:gosec // the flow says so
	case "yes", "ask", "true":
	default:
		return nil, fmt.Errorf("strictHostKeyChecking: %q is neither yes nor no", t.StrictHostKeyChecking)
	}
	name, err := ownFile("~/.ssh/known_hosts")
	if err != nil {
		return nil, err
	}
	known, err := knownhosts.New(name)
	if err != nil {
		return nil, fmt.Errorf("strictHostKeyChecking: %w", err)
	}
	return known, nil
}

// fromOpenSSH reads the worker's configuration of OpenSSH: what the flow does not say itself, and the keys.
func (t *Command) fromOpenSSH(host *hostConfig) ([]ssh.AuthMethod, error) {
	if !t.openSSH {
		return nil, fmt.Errorf("authMethod: OPEN_SSH has to be allowed by %s: true of %s in plugins.configurations", openSSHName, commandName)
	}
	written := t.OpenSSHConfigPath
	if written == "" {
		written = t.OpenSSHConfigDir
	}
	name, err := ownFile(written)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("openSSHConfigPath: %w", err)
	}
	defer f.Close()
	cfg, err := ssh_config.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("openSSHConfigPath: %w", err)
	}
	return t.apply(cfg, host)
}

// apply takes over what a configuration says of a host.
func (t *Command) apply(cfg *ssh_config.Config, host *hostConfig) (auth []ssh.AuthMethod, err error) {
	alias := host.name
	get := func(key string) string {
		v, failed := cfg.Get(alias, key)
		err = errors.Join(err, failed)
		return v
	}
	if v := get("HostName"); v != "" {
		host.name = strings.ReplaceAll(v, "%h", alias)
	}
	if v := get("User"); v != "" && host.user == "" {
		host.user = v
	}
	if v := get("Port"); v != "" && host.port == "22" {
		host.port = v
	}
	for _, key := range []string{"ProxyJump", "ProxyCommand"} {
		if v := get(key); v != "" && !strings.EqualFold(v, "none") {
			return nil, fmt.Errorf("openSSHConfigPath: %s of %s is not supported: proxyCommand of the task is", key, alias)
		}
	}
	keys, failed := cfg.GetAll(alias, "IdentityFile")
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("openSSHConfigPath: %w", err)
	}
	for _, written := range keys {
		name, err := ownFile(written)
		if err != nil {
			return nil, err
		}
		pem, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("IdentityFile of %s: %w", alias, err)
		}
		by, err := byKey(string(pem), t.PrivateKeyPassphrase)
		if err != nil {
			return nil, fmt.Errorf("IdentityFile %s: %w", written, err)
		}
		auth = append(auth, by...)
	}
	if t.Password != "" {
		auth = append(auth, byPassword(t.Password)...)
	}
	if len(auth) == 0 {
		return nil, fmt.Errorf("openSSHConfigPath: %s has no IdentityFile, and there is no password", alias)
	}
	return auth, nil
}
