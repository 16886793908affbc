// Package storage runs a flow that uses files in every way through a server on each kind of internal storage: what users see
// does not depend on where the files are.
package storage

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/minio/minio-go/v7"

	"github.com/windhover-io/windhover/e2e/installation"
	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/cloud"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage/s3"
)

// kinds are the configurations of storages.
var kinds = map[string]func(t *testing.T) config.Storage{
	"memory": func(*testing.T) config.Storage { return config.Storage{Type: "memory"} },
	"local":  func(t *testing.T) config.Storage { return config.Storage{Type: "local", Path: t.TempDir()} },
	"s3": func(t *testing.T) config.Storage {
		c := s3.Config{Connection: s3.Connection{
			Endpoint: servers.Address(t, "s3"), AccessKey: "windhover", SecretKey: "windhover-secret", PathStyle: true,
		}, Bucket: "windhover-" + strings.ToLower(model.NewID())}
		client, transport, err := s3.Connect(c.Connection)
		if err != nil {
			t.Fatal(err)
		}
		defer transport.CloseIdleConnections()
		if err := client.MakeBucket(t.Context(), c.Bucket, minio.MakeBucketOptions{}); err != nil {
			t.Fatal(err)
		}
		return config.Storage{Type: "s3", S3: c}
	},
	"gcs": func(t *testing.T) config.Storage {
		address, name := servers.Address(t, "gcs"), "windhover-"+strings.ToLower(model.NewID())
		resp, err := http.Post(address+"/storage/v1/b?project=p", "application/json", strings.NewReader(`{"name":"`+name+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return config.Storage{Type: "gcs", GCS: config.GCS{Endpoint: address + "/storage/v1/", Bucket: name, Prefix: "below"}}
	},
	"azure": func(t *testing.T) config.Storage {
		const account, key = "devstoreaccount1", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==" // those of every Azurite
		c := config.Azure{Endpoint: servers.Address(t, "azurite") + "/" + account, Container: "windhover-" + strings.ToLower(model.NewID()), AccountName: account, AccountKey: key}
		secret, err := container.NewSharedKeyCredential(account, key)
		if err != nil {
			t.Fatal(err)
		}
		client, err := container.NewClientWithSharedKeyCredential(c.Endpoint+"/"+c.Container, secret, nil)
		if err == nil {
			_, err = client.Create(t.Context(), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return config.Storage{Type: "azure", Azure: c}
	},
}

const flow = `id: files
namespace: company.team
inputs:
  - {id: given, type: FILE}
tasks:
  - {id: split, type: io.kestra.plugin.core.storage.Split, from: "{{ inputs.given }}", rows: 2}
  - {id: joined, type: io.kestra.plugin.core.storage.Concat, files: "{{ outputs.split.uris }}", extension: .txt}
  - {id: size, type: io.kestra.plugin.core.storage.Size, uri: "{{ outputs.joined.uri }}"}
  - id: directory
    type: io.kestra.plugin.core.flow.WorkingDirectory
    namespaceFiles: {enabled: true}
    inputFiles: {"in/a.txt": "{{ outputs.joined.uri }}"}
    outputFiles: ["**/*.txt"]
    tasks:
      - {id: more, type: io.kestra.plugin.core.storage.LocalFiles, inputs: {more.txt: "{{ read('nested/file.txt') }}"}}
  - {id: each, type: io.kestra.plugin.core.flow.ForEachItem, items: "{{ inputs.given }}", batch: {rows: 2}, namespace: company.team, flowId: part, wait: true, inputs: {items: "{{ taskrun.items }}"}}
outputs:
  - {id: size, type: INT, value: "{{ outputs.size.size }}"}
  - {id: files, type: STRING, value: "{{ outputs.directory.outputFiles | keys | sort | join(' ') }}"}
  - {id: more, type: STRING, value: "{{ read(outputs.directory.outputFiles['more.txt']) }}"}
  - {id: joined, type: FILE, value: "{{ outputs.joined.uri }}"}
`

const part = `id: part
namespace: company.team
inputs:
  - {id: items, type: FILE}
tasks:
  - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ read(inputs.items) }}"}
`

func TestFiles(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			s := start(t, kind(t))
			s.do(t, "POST", "/flows", "application/x-yaml", part)
			s.do(t, "POST", "/flows", "application/x-yaml", flow)
			s.do(t, "POST", "/namespaces/company.team/files?path=/nested/file.txt", "multipart/form-data; boundary=b",
				"--b\r\nContent-Disposition: form-data; name=\"fileContent\"; filename=\"file.txt\"\r\n\r\nof the namespace\r\n--b--\r\n")
			var x struct {
				ID      string
				State   struct{ Current string }
				Outputs struct {
					Size                int
					Files, More, Joined string
				}
			}
			created := s.do(t, "POST", "/executions/company.team/files?wait=true", "multipart/form-data; boundary=b",
				"--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"given\"\r\n\r\none\ntwo\nthree\n\r\n--b--\r\n")
			if err := json.Unmarshal([]byte(created), &x); err != nil {
				t.Fatal(err)
			}
			const given = "one\ntwo\nthree\n"
			if x.State.Current != "SUCCESS" || x.Outputs.Size != len(given) || x.Outputs.Files != "in/a.txt more.txt nested/file.txt" ||
				x.Outputs.More != "of the namespace" {
				t.Errorf("got %s", created)
			}
			if got := s.do(t, "GET", "/executions/"+x.ID+"/file?path="+x.Outputs.Joined, "", ""); got != given {
				t.Errorf("the file holds %q", got)
			}
			s.do(t, "DELETE", "/executions/"+x.ID, "", "")
			if code := s.code(t, "/executions/"+x.ID+"/file?path="+x.Outputs.Joined); code != http.StatusNotFound {
				t.Errorf("the file of an execution that was deleted: %d", code)
			}
		})
	}
}

type server struct{ url string }

func start(t *testing.T, storage config.Storage) *server {
	t.Helper()
	cfg := installation.Config()
	cfg.Storage = storage
	a := installation.StartWith(t, cfg, nil, cloud.Extras(), installation.All...)
	return &server{a.URL() + "/api/v1/main"}
}

func (s *server) send(t *testing.T, method, path, typ, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if typ != "" {
		req.Header.Set("Content-Type", typ)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (s *server) do(t *testing.T, method, path, typ, body string) string {
	t.Helper()
	code, answer := s.send(t, method, path, typ, body)
	if code >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, code, answer)
	}
	return answer
}

func (s *server) code(t *testing.T, path string) int {
	t.Helper()
	code, _ := s.send(t, "GET", path, "", "")
	return code
}
