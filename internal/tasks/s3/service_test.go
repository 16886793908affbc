package s3_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	tasks "github.com/windhover-io/windhover/internal/tasks/s3"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// server is a real one, with a directory of this test's own in its bucket inbox.
type server struct {
	*testing.T
	run   *sdktest.Run
	types []plugin.Type
	head  string
	dir   string
}

func open(t *testing.T) server {
	b := memory.New()
	t.Cleanup(func() { b.Close() })
	head := "endpointOverride: " + servers.Address(t, "s3") + "\naccessKeyId: windhover\nsecretKeyId: windhover-secret\nregion: us-east-1\nforcePathStyle: true\n"
	return server{t, sdktest.New(t), tasks.Types(kv.New(b.Documents())), head, "t-" + strings.ToLower(model.NewID())}
}

func (s server) yaml(task, props string) string {
	if !strings.HasPrefix(props, "bucket:") && task != "Copy" {
		props = "bucket: inbox\n" + props
	}
	return "type: io.kestra.plugin.aws.s3." + task + "\n" + s.head + strings.NewReplacer("DIRECTORY", "DIRECTORY", "DIR", s.dir).Replace(props)
}

func (s server) must(task, format string, args ...any) string {
	s.Helper()
	return strings.ReplaceAll(taskstest.Must(s, s.run, s.types, "%s", s.yaml(task, fmt.Sprintf(format, args...))), s.dir, "DIR")
}

func (s server) fails(task, format string, args ...any) string {
	s.Helper()
	why, _, _ := strings.Cut(taskstest.Fails(s, s.run, s.types, "%s", s.yaml(task, fmt.Sprintf(format, args...))), "\ntype:")
	if strings.Contains(why, "windhover-secret") {
		s.Errorf("the secret is told: %s", why)
	}
	return why
}

func (s server) put(names ...string) {
	s.Helper()
	for _, n := range names {
		s.must("Upload", "key: DIR/%s\nfrom: %s", n, s.run.File("f", "content of "+n))
	}
}

// names are the objects' keys.
func (s server) names(props string) string {
	s.Helper()
	var out struct{ Objects []struct{ Key string } }
	if err := json.Unmarshal([]byte(s.must("List", "%s", props)), &out); err != nil {
		s.Fatal(err)
	}
	var keys []string
	for _, o := range out.Objects {
		keys = append(keys, strings.TrimPrefix(o.Key, "DIR/"))
	}
	return strings.Join(keys, " ")
}

// content reads an object.
func (s server) content(props string) string {
	s.Helper()
	var out struct{ URI string }
	if err := json.Unmarshal([]byte(s.must("Download", "%s", props)), &out); err != nil {
		s.Fatal(err)
	}
	return s.run.Content(out.URI)
}

func TestUpload(t *testing.T) {
	s := open(t)
	file := s.run.File("r.csv", "a,b\n")
	sum := sha256.Sum256([]byte("a,b\n"))
	out := s.must("Upload", "key: DIR/r.csv\nfrom: %s\ncontentType: text/csv\ncacheControl: no-store\ncontentDisposition: inline\nmetadata: {owner: ada}\ntagging: {kind: report}\nchecksumAlgorithm: SHA256\nchecksum: %s", file, base64.StdEncoding.EncodeToString(sum[:]))
	if !strings.HasPrefix(out, `{"bucket":"inbox","key":"DIR/r.csv","eTag":"\"`) {
		t.Error(out)
	}
	var down map[string]any
	if err := json.Unmarshal([]byte(s.must("Download", "key: DIR/r.csv\nvalidateChecksum: true")), &down); err != nil {
		t.Fatal(err)
	}
	if s.run.Content(down["uri"].(string)) != "a,b\n" || down["contentLength"] != 4.0 || down["contentType"] != "text/csv" || fmt.Sprint(down["metadata"]) != "map[Owner:ada]" && fmt.Sprint(down["metadata"]) != "map[owner:ada]" {
		t.Errorf("%v", down)
	}
	var many struct {
		Key   string
		Files map[string]struct {
			ETag          string
			ContentLength int
		}
	}
	if err := json.Unmarshal([]byte(s.must("Upload", "key: DIR/many\nfrom: {x.csv: %s, y/z.csv: %s}", file, s.run.File("z", "longer"))), &many); err != nil {
		t.Fatal(err)
	}
	if many.Key != "DIR/many" || many.Files["y/z.csv"].ContentLength != 6 || many.Files["x.csv"].ETag == "" {
		t.Errorf("%+v", many)
	}
	if got := s.names("prefix: DIR/"); got != "many/x.csv many/y/z.csv r.csv" {
		t.Error(got)
	}
	want := []sdktest.Metric{{Type: "counter", Name: "file.count", Value: 1}, {Type: "counter", Name: "file.size", Value: 4}}
	if d := cmp.Diff(want, s.run.Metrics[:2]); d != "" {
		t.Error(d)
	}
	for props, want := range map[string]string{
		"key: DIR/x\nfrom: []":                                        "there is no file",
		"key: DIR/x\nfrom: kestra:///company/team/none":               "from:",
		"key: DIR/x\nfrom: " + file + "\nchecksum: x":                 "checksum: that of",
		"key: DIR/x\nfrom: " + file + "\ncontentLength: 5":            "contentLength is 5",
		"key: DIR/x\nfrom: " + file + "\nserverSideEncryption: ROT13": "serverSideEncryption: expected",
		"key: DIR/x\nfrom: " + file + "\nrequestPayer: requester":     "requestPayer is not supported",
		"bucket: none-such\nkey: DIR/x\nfrom: " + file:                "DIR/x",
	} {
		if got := strings.ReplaceAll(s.fails("Upload", "%s", props), s.dir, "DIR"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", props, got)
		}
	}
}

// TestLarge: an object of several parts goes and comes as a stream, and is whole.
func TestLarge(t *testing.T) {
	s := open(t)
	content := strings.Repeat("0123456789abcde\n", 2<<20+1) // a little more than two parts
	out := s.must("Upload", "key: DIR/large\nfrom: %s", s.run.File("large", content))
	if !strings.Contains(out, `-3\""`) {
		t.Errorf("it has not three parts: %s", out)
	}
	if got := s.content("key: DIR/large"); got != content {
		t.Errorf("%d bytes come back", len(got))
	}
}

func TestDownload(t *testing.T) {
	s := open(t)
	s.put("a.csv", "b.txt", "deep/c.csv")
	var out struct {
		Files map[string]struct{ URI string }
	}
	if err := json.Unmarshal([]byte(s.must("Download", "prefix: DIR/\nregexp: .*\\.csv")), &out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for key, f := range out.Files {
		got = append(got, key+"="+s.run.Content(f.URI))
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"DIR/a.csv=content of a.csv", "DIR/deep/c.csv=content of deep/c.csv"}, got); d != "" {
		t.Error(d)
	}
	for props, want := range map[string]string{"": "one of key", "key: DIR/none": "none", "prefix: DIR\nregexp: '['": "regexp"} {
		if got := s.fails("Download", "%s", props); !strings.Contains(got, want) {
			t.Errorf("%s: %s", props, got)
		}
	}
	s.head = strings.Replace(s.head, "windhover-secret", "wrong", 1)
	if got := s.fails("Download", "key: DIR/a.csv"); strings.Contains(got, "wrong") {
		t.Error(got)
	}
}

func TestDownloads(t *testing.T) {
	s := open(t)
	s.put("in/a.csv", "in/b.txt", "in/c.csv")
	read := func(props, want string) {
		t.Helper()
		var out struct {
			Objects     []struct{ Key, URI string }
			OutputFiles map[string]string
		}
		if err := json.Unmarshal([]byte(s.must("Downloads", "%s", props)), &out); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range out.Objects {
			got = append(got, strings.TrimPrefix(o.Key, "DIR/in/"))
			if uri := out.OutputFiles[o.Key]; uri != o.URI || s.run.Content(uri) != "content of "+strings.TrimPrefix(o.Key, "DIR/") {
				t.Errorf("%s is stored as %s", o.Key, uri)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", props, got)
		}
	}
	read("prefix: DIR/in/\naction: NONE\nmaxFiles: 2", "a.csv b.txt")
	read("prefix: DIR/in/\nregexp: .*/a.csv\naction: DELETE", "a.csv")
	read("prefix: DIR/in/\nregexp: .*/c.csv\naction: MOVE\nmoveTo: {bucket: archive, key: DIR/new/}", "c.csv")
	if got := s.names("prefix: DIR/") + ", " + s.names("bucket: archive\nprefix: DIR/"); got != "in/b.txt, new/c.csv" {
		t.Error(got)
	}
	if got := s.fails("Downloads", "prefix: DIR/\naction: MOVE"); !strings.Contains(got, "moveTo is required") {
		t.Error(got)
	}
}

func TestListAndDelete(t *testing.T) {
	s := open(t)
	s.put("a", "b", "deep/c", "deep/d", "e")
	for props, want := range map[string]string{
		"prefix: DIR/":                            "a b deep/c deep/d e",
		"prefix: DIR/\ndelimiter: /":              "a b e",
		"prefix: DIR/\nmarker: DIR/b\nmaxKeys: 2": "deep/c deep/d",
		"prefix: DIR/\nmaxFiles: 1":               "a",
		"prefix: DIR/\nfilter: DIRECTORY":         "",
		"prefix: DIR/\nregexp: .*/[ae]":           "a e",
	} {
		if got := s.names(props); got != want {
			t.Errorf("%s: %s", props, got)
		}
	}
	if got := s.must("Delete", "key: DIR/a"); got != `{}` {
		t.Error(got)
	}
	s.must("Delete", "key: DIR/a") // is no error
	if got := s.must("DeleteList", "prefix: DIR/deep/"); got != `{"count":2,"size":34}` {
		t.Error(got)
	}
	if got := s.fails("DeleteList", "prefix: DIR/deep/\nerrorOnEmpty: true"); !strings.Contains(got, "no such object") {
		t.Error(got)
	}
	if got := s.names("prefix: DIR/"); got != "b e" {
		t.Error(got)
	}
	if got := s.fails("Delete", "key: a\nmfa: x"); !strings.Contains(got, "mfa is not supported") {
		t.Error(got)
	}
}

func TestCopy(t *testing.T) {
	s := open(t)
	s.put("a", "b")
	if got := s.must("Copy", "from: {bucket: inbox, key: DIR/a}\nto: {key: DIR/c}"); !strings.HasPrefix(got, `{"bucket":"inbox","key":"DIR/c","eTag":"\"`) {
		t.Error(got)
	}
	s.must("Copy", "from: {bucket: inbox, key: DIR/b}\nto: {bucket: archive, key: DIR/d}\ndelete: true")
	if got := s.names("prefix: DIR/") + ", " + s.content("bucket: archive\nkey: DIR/d"); got != "a c, content of b" {
		t.Error(got)
	}
	for props, want := range map[string]string{
		"from: {bucket: inbox, key: DIR/none}":                                 "from: ",
		"from: {bucket: inbox, key: DIR/a}\ndelete: true":                      "copied to itself",
		"from: {bucket: inbox, key: DIR/a}\nto: {serverSideEncryption: ROT13}": "to.serverSideEncryption",
	} {
		if got := s.fails("Copy", "%s", props); !strings.Contains(got, want) {
			t.Errorf("%s: %s", props, got)
		}
	}
}

func TestCreateBucket(t *testing.T) {
	s := open(t)
	if got := s.must("CreateBucket", "bucket: DIR"); got != `{"bucket":"DIR","region":"/DIR"}` {
		t.Error(got)
	}
	s.must("Upload", "bucket: DIR\nkey: a\nfrom: %s", s.run.File("a", "x"))
	if got := s.names("bucket: DIR"); got != "a" {
		t.Error(got)
	}
	if got := s.fails("CreateBucket", "bucket: DIR"); !strings.Contains(got, "bucket") {
		t.Error(got)
	}
	if got := s.fails("CreateBucket", "bucket: DIR\nacl: private"); !strings.Contains(got, "acl is not supported") {
		t.Error(got)
	}
}
