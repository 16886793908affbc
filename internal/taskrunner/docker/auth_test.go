package docker

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/registry"
)

func TestAuth(t *testing.T) {
	home := t.TempDir()
	t.Setenv("DOCKER_CONFIG", home)
	t.Setenv("PATH", home+string(os.PathListSeparator)+os.Getenv("PATH"))
	file := `{"auths":{"own.example.com":{"auth":"bWU6c2VjcmV0"}},"credHelpers":{"kept.example.com":"test","none.example.com":"test"}}`
	helper := "#!/bin/sh\nread name\n[ \"$name\" = kept.example.com ] || exit 1\necho '{\"Username\":\"keeper\",\"Secret\":\"kept\"}'\n"
	for name, content := range map[string]string{"config.json": file, "docker-credential-test": helper} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	given := `{"auths":{"https://index.docker.io/v1/":{"username":"hub","password":"p:w"},"http://reg:5000":{"auth":"YTpiOmM="}}}`
	for name, c := range map[string]struct {
		at    Connection
		image string
		want  *registry.AuthConfig
	}{
		"the worker's own":  {Connection{}, "own.example.com/a/b:1", &registry.AuthConfig{Username: "me", Password: "secret", ServerAddress: "own.example.com"}},
		"a helper":          {Connection{}, "kept.example.com/a", &registry.AuthConfig{Username: "keeper", Password: "kept", ServerAddress: "kept.example.com"}},
		"a helper's no":     {Connection{}, "none.example.com/a", nil},
		"nothing known":     {Connection{}, "ubuntu", nil},
		"the hub":           {Connection{Config: given}, "ubuntu", &registry.AuthConfig{Username: "hub", Password: "p:w", ServerAddress: "https://index.docker.io/v1/"}},
		"a port":            {Connection{Config: given}, "reg:5000/x", &registry.AuthConfig{Username: "a", Password: "b:c", ServerAddress: "http://reg:5000"}},
		"not the worker's":  {Connection{Config: given}, "own.example.com/x", nil},
		"credentials":       {Connection{Credentials: &Credentials{Username: "u", Password: "p"}}, "own.example.com/x", &registry.AuthConfig{Username: "u", Password: "p", ServerAddress: "own.example.com"}},
		"of a registry":     {Connection{Credentials: &Credentials{Registry: "https://reg.example.com/v2", RegistryToken: "t"}}, "reg.example.com/x", &registry.AuthConfig{RegistryToken: "t", ServerAddress: "reg.example.com"}},
		"of another":        {Connection{Credentials: &Credentials{Registry: "reg.example.com", Username: "u"}}, "ubuntu", nil},
		"an id of an image": {Connection{Credentials: &Credentials{Username: "u"}}, "16ca263932761d104f87632fad7b80931cd7c485096a28b64f56923475f40739", nil},
	} {
		t.Run(name, func(t *testing.T) {
			encoded, err := c.at.Auth(t.Context(), c.image)
			if err != nil {
				t.Fatal(err)
			}
			var got *registry.AuthConfig
			if encoded != "" {
				text, err := base64.URLEncoding.DecodeString(encoded)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(text, &got); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, config := range []any{"{", map[string]any{"auths": map[string]any{"docker.io": map[string]any{"auth": "???"}}}} {
		if _, err := (Connection{Config: config}).Auth(t.Context(), "ubuntu"); err == nil {
			t.Errorf("%v is taken", config)
		}
	}
}
