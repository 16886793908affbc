package azure

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/bucket"
	"github.com/windhover-io/windhover/internal/storage/storagetest"
)

// The account of every Azurite, with the key that is known for it.
const (
	account = "devstoreaccount1"
	key     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// server is a real one.
func server(t *testing.T) Config {
	t.Helper()
	return Config{Endpoint: servers.Address(t, "azurite") + "/" + account, AccountName: account, AccountKey: key}
}

// newContainer makes a container that is removed with all that is in it.
func newContainer(t *testing.T, c Config) (Config, *container.Client) {
	t.Helper()
	c.Container = "windhover-" + strings.ToLower(model.NewID())
	client, err := c.connect()
	if err == nil {
		_, err = client.Create(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = client.Delete(context.WithoutCancel(t.Context()), nil) }) // the next run uses another one in any case
	return c, client
}

func open(t *testing.T, c Config) *bucket.Storage {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestContract(t *testing.T) {
	c := server(t)
	storagetest.Run(t, func(t *testing.T) storage.Storage {
		c, _ := newContainer(t, c)
		return open(t, c)
	})
}

// Who asks may be said in other ways, and then files can be moved too, for which the server asks itself.
func TestCredentials(t *testing.T) {
	c, client := newContainer(t, server(t))
	signed, err := client.GetSASURL(sas.ContainerPermissions{Read: true, Write: true, Create: true, Delete: true, List: true}, time.Now().Add(time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(signed, "?")
	for name, c := range map[string]Config{
		"connection string": {Container: c.Container, ConnectionString: "DefaultEndpointsProtocol=http;AccountName=" + account + ";AccountKey=" + key + ";BlobEndpoint=" + c.Endpoint + ";"},
		"SAS token":         {Container: c.Container, Endpoint: c.Endpoint, SASToken: "?" + token},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, c)
			from, err := storage.Root("main").Join(name, "a b%.txt")
			if err != nil {
				t.Fatal(err)
			}
			to, err := storage.Root("main").Join(name, "moved", "ä.txt")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Put(t.Context(), from, strings.NewReader("content"), map[string]string{"Some Key": "ä"}); err != nil {
				t.Fatal(err)
			}
			if err := s.Move(t.Context(), from, to); err != nil {
				t.Fatal(err)
			}
			a, err := s.Stat(t.Context(), to)
			if err != nil || a.Size != 7 || a.Metadata["Some Key"] != "ä" {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	c := server(t)
	wrong := c
	wrong.Container, wrong.AccountKey = "inbox", "d3Jvbmc="
	none := c
	none.Container = "there-is-none"
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"no container named": {c, "no container is named"},
		"no such container":  {none, "container there-is-none: there is no such container"},
		"no address":         {Config{Container: "c", Endpoint: "::"}, `the endpoint "::" is no address`},
		"no key":             {Config{Container: "c", Endpoint: c.Endpoint, AccountName: "a", AccountKey: "?"}, "the shared key: "},
		"wrong key":          {wrong, "container inbox: "},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(t.Context(), test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestBlobNames(t *testing.T) {
	for key, name := range map[string]string{
		"main/a b": "main/a b", "main/dir/": "main/dir/" + marker, `a\b`: "a%5Cb", "a%5Cb": "a%255Cb", "a%25b": "a%2525b", "a%255Cb": "a%25255Cb", "100%": "100%", `%\/`: "%%5C/" + marker,
	} {
		if got := blobName(key); got != name || keyOf(got) != key {
			t.Errorf("%q is %q and again %q", key, got, keyOf(got))
		}
	}
}
