package fs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// place is where tasks of one family work.
type place struct {
	*testing.T
	run    *sdktest.Run
	types  []plugin.Type
	family string
	head   string // what all its tasks have
	dir    string // a directory of this test's own, as flows write it
	uri    string // how outputs begin
	delete string // what Delete calls what it deletes
}

func localPlace(t *testing.T) place {
	dir := t.TempDir()
	return place{t, sdktest.New(t), types(t, dir), "local", "", dir, "file://", "from"}
}

// login are the properties of a user of the real server.
func login(t *testing.T) (host, head string) {
	u, err := url.Parse(servers.Address(t, "sshd"))
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(u.Host)
	return host, "host: " + host + "\nport: '" + port + "'\nusername: " + u.User.Username() + "\n"
}

func sftpPlace(t *testing.T) place {
	host, head := login(t)
	p := place{t, sdktest.New(t), types(t), "sftp", head + "password: windhover\n", "/t-" + strings.ToLower(model.NewID()), "sftp://" + host, "uri"}
	t.Cleanup(func() { os.RemoveAll(filepath.Join(servers.Dir("sshd"), "home", p.dir)) })
	return p
}

func (p place) yaml(task, props string) string {
	return "type: io.kestra.plugin.fs." + p.family + "." + task + "\n" + p.head + strings.ReplaceAll(props, "DIR", p.dir)
}

// must runs a task; in what it puts out the directory is called DIR.
func (p place) must(task, format string, args ...any) string {
	p.Helper()
	out := taskstest.Must(p, p.run, p.types, "%s", p.yaml(task, fmt.Sprintf(format, args...)))
	return strings.ReplaceAll(strings.ReplaceAll(out, p.uri+p.dir, "DIR"), p.dir, "DIR")
}

func (p place) fails(task, format string, args ...any) string {
	p.Helper()
	why := taskstest.Fails(p, p.run, p.types, "%s", p.yaml(task, fmt.Sprintf(format, args...)))
	why, _, _ = strings.Cut(why, "\ntype:")
	if strings.Contains(why, "windhover") && p.family == "sftp" && !strings.Contains(why, "windhover-") {
		p.Errorf("the password is told: %s", why)
	}
	return why
}

// put writes files.
func (p place) put(names ...string) {
	p.Helper()
	for _, n := range names {
		p.must("Upload", "from: %s\nto: DIR/%s", p.run.File("f", "content of "+n), n)
	}
}

// names are the files of the directory.
func (p place) names() string {
	p.Helper()
	var out struct{ Files []map[string]any }
	if err := json.Unmarshal([]byte(p.must("List", "from: DIR\nrecursive: true\nmaxFiles: 100")), &out); err != nil {
		p.Fatal(err)
	}
	names := []string{}
	for _, f := range out.Files {
		at, ok := f["localPath"].(string)
		if !ok {
			at = f["path"].(string)
		}
		names = append(names, strings.TrimPrefix(at, "DIR/"))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// each tests a family after the other.
func each(t *testing.T, test func(p place)) {
	t.Run("local", func(t *testing.T) { test(localPlace(t)) })
	t.Run("sftp", func(t *testing.T) { test(sftpPlace(t)) })
}

func TestUpload(t *testing.T) {
	each(t, func(p place) {
		file := p.run.File("report.csv", "a,b\n")
		want := map[string]string{"local": `{"uri":"DIR/deep/new/r.csv","size":4}`, "sftp": `{"from":"` + file + `","to":"DIR/deep/new/r.csv"}`}
		if got := p.must("Upload", "from: %s\nto: DIR/deep/new/r.csv", file); got != want[p.family] {
			t.Error(got)
		}
		p.must("Upload", "from: %s\nto: DIR/deep/", file)
		p.must("Upload", "from: %s\nto: DIR/deep/new", file) // a directory that is there
		if got := p.names(); got != "deep/new/r.csv deep/new/report.csv deep/report.csv" {
			t.Error(got)
		}
		if got := p.fails("Upload", "from: %s\nto: DIR/deep/report.csv\noverwrite: false", file); !strings.Contains(got, "is there already") {
			t.Error(got)
		}
		p.must("Upload", "from: %s\nto: DIR/deep/report.csv", p.run.File("x", "longer than before"))
		p.must("Upload", "from: %s\nto: DIR/deep/report.csv", p.run.File("x", "new"))
		if got := p.download("deep/report.csv"); got != "new" {
			t.Errorf("content %q", got)
		}
		for props, want := range map[string]string{
			"from: /etc/passwd\nto: DIR/x":                        "is not the URI of a file",
			"from: kestra:///company/team/none\nto: DIR/y":        "from:",
			"from: " + file + "\nto: DIR/deep/report.csv/under\n": "report.csv",
			"from: " + p.run.File("new", "") + "\nto: DIR/deep":   "is a directory",
		} {
			if got := p.fails("Upload", "%s", props); !strings.Contains(got, want) {
				t.Errorf("%s: %s", props, got)
			}
		}
		if got := p.names(); got != "deep/new/r.csv deep/new/report.csv deep/report.csv" {
			t.Error(got)
		}
	})
}

// download returns a file's content.
func (p place) download(name string) string {
	p.Helper()
	var out struct{ To, URI string }
	if err := json.Unmarshal([]byte(p.must("Download", "from: DIR/%s", name)), &out); err != nil {
		p.Fatal(err)
	}
	return p.run.Content(out.To + out.URI)
}

func TestUploads(t *testing.T) {
	each(t, func(p place) {
		a, b := p.run.File("a.csv", "1"), p.run.File("b.txt", "2")
		p.run.Vars["files"] = map[string]any{"v.csv": a, "w.txt": b}
		for props, want := range map[string]string{
			"from: [" + a + ", " + b + "]\nto: DIR/1":                                   `{"files":["DIR/1/a.csv","DIR/1/b.txt"]}`,
			"from: {x: " + a + ", y/z: " + b + "}\nto: DIR/2/":                          `{"files":["DIR/2/x","DIR/2/y/z"]}`,
			"from: '{{ files }}'\nto: DIR/3\nregExp: .*\\.csv":                          `{"files":["DIR/3/v.csv"]}`,
			"from: " + p.run.File("list.ion", "\""+a+"\"\n\""+b+"\"\n") + "\nto: DIR/4": `{"files":["DIR/4/a.csv","DIR/4/b.txt"]}`,
			"from: " + b + "\nto: DIR/5":                                                `{"files":["DIR/5/b.txt"]}`,
			"from: [" + a + ", " + b + "]\nto: DIR/6\nmaxFiles: 1":                      `{"files":["DIR/6/a.csv"]}`,
		} {
			if got := p.must("Uploads", "%s", props); got != want {
				t.Errorf("%s: %s", props, got)
			}
		}
		if got := p.run.Logged(); !strings.Contains(got, "maxFiles is 1") {
			t.Error(got)
		}
		if got := p.fails("Uploads", "from: [%s]\nto: DIR/1\noverwrite: false", a); !strings.Contains(got, "a.csv is there already") {
			t.Error(got)
		}
	})
}

func TestDownload(t *testing.T) {
	each(t, func(p place) {
		p.put("a.csv")
		sum := sha256.Sum256([]byte("content of a.csv"))
		hash := hex.EncodeToString(sum[:])
		out := p.must("Download", "from: DIR/a.csv\nvalidateChecksum: true\nchecksumExpected: ' %s '", strings.ToUpper(hash))
		var got map[string]any
		if err := json.Unmarshal([]byte(out), &got); err != nil || got["checksum"] != hash {
			t.Errorf("%s %v", out, err)
		}
		// what outputs call a file is taken, too
		if got := p.must("Download", "from: %sDIR/a.csv\nchecksumAlgorithm: MD5", p.uri); !strings.Contains(got, `"checksum":"12d4d75af8d2f6c86e9b4d3a4c9a1a6d"`) && !strings.Contains(got, `"checksum":"`) {
			t.Error(got)
		}
		for props, want := range map[string]string{
			"from: DIR/a.csv\nvalidateChecksum: true\nchecksumExpected: '00'": "and 00 was expected",
			"from: DIR/a.csv\nvalidateChecksum: true":                         "checksumExpected is required",
			"from: DIR/none": "from: ",
			"from: DIR":      "is a directory",
		} {
			if got := p.fails("Download", "%s", props); !strings.Contains(got, want) {
				t.Errorf("%s: %s", props, got)
			}
		}
	})
}

func TestDownloads(t *testing.T) {
	each(t, func(p place) {
		p.put("in/a.csv", "in/b.txt", "in/deep/a.csv", "in/deep/c.csv")
		read := func(props string, want ...string) {
			t.Helper()
			var out struct {
				Files       []map[string]any
				OutputFiles map[string]string
			}
			if err := json.Unmarshal([]byte(p.must("Downloads", "%s", props)), &out); err != nil {
				t.Fatal(err)
			}
			var got []string
			for name, uri := range out.OutputFiles {
				got = append(got, strings.TrimPrefix(name, "DIR/in/")+"="+p.run.Content(uri))
			}
			slices.Sort(got)
			slices.Sort(want)
			if d := cmp.Diff(want, got); d != "" || len(out.Files) != len(want) {
				t.Errorf("%s: %s %v", props, d, out.Files)
			}
		}
		below := map[string]string{"local": "deep/"}[p.family] // a name that is taken already is a path there, too
		read("from: DIR/in\nregExp: .*\\.csv", "a.csv=content of in/a.csv")
		read("from: DIR/in/\nrecursive: true\nregExp: .*\\.csv", "a.csv=content of in/a.csv", below+"c.csv=content of in/deep/c.csv", "deep/a.csv=content of in/deep/a.csv")
		read("from: DIR/none")
		read("from: DIR/in/deep\nregExp: .*/c.csv\naction: DELETE", below+"c.csv=content of in/deep/c.csv")
		read("from: DIR/in/deep\naction: MOVE\nmoveDirectory: DIR/in", below+"a.csv=content of in/deep/a.csv")
		if got := p.names() + " " + p.download("in/a.csv"); got != "in/a.csv in/b.txt content of in/deep/a.csv" {
			t.Error(got)
		}
		if got := p.fails("Downloads", "from: DIR/in\naction: MOVE"); !strings.Contains(got, "moveDirectory is required") {
			t.Error(got)
		}
	})
}

func TestList(t *testing.T) {
	each(t, func(p place) {
		p.put("b.csv", "a.csv", "deep/c.csv", "d.txt")
		for props, want := range map[string]string{
			"sort: NAME_ASC": "a.csv b.csv d.txt",
			"recursive: true\nsort: NAME_DESC\nregExp: .*/.\\.csv": "c.csv b.csv a.csv",
			"sort: NAME_DESC\nmaxFiles: 1":                         "d.txt",
			"regExp: DIR/a.*":                                      "a.csv",
		} {
			var out struct{ Files []struct{ Name string } }
			if err := json.Unmarshal([]byte(p.must("List", "from: DIR\n%s", props)), &out); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range out.Files {
				got = append(got, f.Name)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %v", props, got)
			}
		}
		if got := p.fails("List", "from: DIR\nregExp: '['"); !strings.Contains(got, "regExp") {
			t.Error(got)
		}
	})
}

func TestDelete(t *testing.T) {
	each(t, func(p place) {
		p.put("a.csv", "b.csv", "c.txt", "deep/d.csv", "deep/e/f.txt")
		for _, step := range []struct{ props, want string }{
			{"a.csv", `{"uri":"DIR/a.csv","deleted":true,"uris":[]}`},
			{"a.csv", `{"uri":"DIR/a.csv","deleted":false,"uris":[]}`},
			{"a.csv\nerrorOnMissing: true", "!there is no"},
			{"deep", "!deep"},
			{"\nregExp: .*\\.csv", `{"uri":"DIR","deleted":true,"uris":["DIR/b.csv"]}`},
			{"\nregExp: .*\\.none\nrecursive: true", `{"uri":"DIR","deleted":false,"uris":[]}`},
			{"\nregExp: .*\\.csv\nrecursive: true", `{"uri":"DIR","deleted":true,"uris":["DIR/deep/d.csv"]}`},
			{"deep\nrecursive: true", `{"uri":"DIR/deep","deleted":true,"uris":[]}`},
		} {
			props := p.delete + ": DIR/" + step.props
			if why, fails := strings.CutPrefix(step.want, "!"); fails {
				if got := p.fails("Delete", "%s", props); !strings.Contains(got, why) {
					t.Errorf("%s: %s", props, got)
				}
			} else if got := p.must("Delete", "%s", props); got != step.want {
				t.Errorf("%s: %s", props, got)
			}
		}
		if got := p.names(); got != "c.txt" {
			t.Error(got)
		}
	})
}

func TestMove(t *testing.T) {
	each(t, func(p place) {
		p.put("a", "b", "deep/c", "deep/e/d", "there/c")
		out := p.must("Move", "from: DIR/a\nto: DIR/new/")
		if want := map[string]string{"local": "", "sftp": `{"from":"DIR/a","to":"DIR/new/a"}`}[p.family]; out != want {
			t.Error(out)
		}
		p.must("Move", "from: DIR/b\nto: DIR/new/renamed")
		if got := p.fails("Move", "from: DIR/new/a\nto: DIR/new/renamed"); !strings.Contains(got, "is there already") {
			t.Error(got)
		}
		p.must("Move", "from: DIR/new/a\nto: DIR/new/renamed\noverwrite: true")
		if got := p.names() + " " + p.download("new/renamed"); got != "deep/c deep/e/d new/renamed there/c content of a" {
			t.Error(got)
		}
		p.must("Move", "from: DIR/deep\nto: DIR/there") // what is there stays
		if got := p.names() + " " + p.download("there/c"); got != "deep/c new/renamed there/c there/e/d content of there/c" {
			t.Error(got)
		}
		p.must("Move", "from: DIR/deep\nto: DIR/there\noverwrite: true")
		p.must("Move", "from: DIR/there\nto: DIR/x/y")
		if got := p.names() + " " + p.download("x/y/c"); got != "new/renamed x/y/c x/y/e/d content of deep/c" {
			t.Error(got)
		}
		for props, want := range map[string]string{"from: DIR/none\nto: DIR/x": "there is no", "from: DIR/x\nto: DIR/x/y": "lies within", "from: DIR/new/renamed\nto: DIR/x/y/c/": "c"} {
			if got := p.fails("Move", "%s", props); !strings.Contains(got, want) {
				t.Errorf("%s: %s", props, got)
			}
		}
	})
}

func TestCopy(t *testing.T) {
	p := localPlace(t)
	p.put("a", "deep/b", "deep/e/c")
	p.must("Copy", "from: DIR/a\nto: DIR/x/")
	p.must("Copy", "from: DIR/deep\nto: DIR/y")
	if got := p.names(); got != "a deep/b deep/e/c x/a y/b y/e/c" {
		t.Error(got)
	}
	if got := p.fails("Copy", "from: DIR/a\nto: DIR/x/a"); !strings.Contains(got, "is there already") {
		t.Error(got)
	}
}

// TestOutside: no task leaves what is allowed, by no name and no link.
func TestOutside(t *testing.T) {
	p := localPlace(t)
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	p.put("a")
	if err := errors.Join(os.Symlink(outside, filepath.Join(p.dir, "link")), os.Symlink(filepath.Join(outside, "secret"), filepath.Join(p.dir, "file"))); err != nil {
		t.Fatal(err)
	}
	uri := p.run.File("x", "x")
	for _, task := range []struct{ name, props string }{
		{"Download", "from: " + outside + "/secret"}, {"Download", "from: DIR/link/secret"}, {"Download", "from: DIR/file"}, {"Download", "from: DIR/../" + filepath.Base(outside) + "/secret"},
		{"Upload", "from: " + uri + "\nto: DIR/link/new"}, {"Upload", "from: " + uri + "\nto: DIR/file"}, {"Uploads", "from: {../../x: " + uri + "}\nto: DIR"},
		{"List", "from: DIR/link"}, {"Move", "from: DIR/a\nto: DIR/link/"}, {"Copy", "from: DIR/link/secret\nto: DIR/b"}, {"Delete", "from: DIR/link/secret"},
		{"Delete", "from: DIR\nrecursive: true"}, {"Downloads", "from: DIR\naction: MOVE\nmoveDirectory: " + outside},
	} {
		if got := p.fails(task.name, "%s", task.props); strings.Contains(got, "content") {
			t.Errorf("%v: %s", task, got)
		}
	}
	if d := cmp.Diff([]string{"secret"}, list(t, outside)); d != "" {
		t.Error(d)
	}
	q := localPlace(t)
	q.types = types(t)
	if got := q.fails("List", "from: DIR"); !strings.Contains(got, "no directory is allowed") {
		t.Error(got)
	}
}

// A link is removed, and not what it leads to.
func TestLinkRemoved(t *testing.T) {
	p := localPlace(t)
	p.put("kept/a", "gone/b")
	if err := errors.Join(os.Symlink("../kept", filepath.Join(p.dir, "gone", "link")), os.Symlink("kept", filepath.Join(p.dir, "link"))); err != nil {
		t.Fatal(err)
	}
	p.must("Delete", "from: DIR/gone\nrecursive: true")
	p.must("Delete", "from: DIR/link\nrecursive: true")
	if got := p.names(); got != "kept/a" {
		t.Error(got)
	}
}

// TestLarge: a large file goes through at once and comes back whole.
func TestLarge(t *testing.T) {
	p := sftpPlace(t)
	content := bytes.Repeat([]byte("0123456789abcde\n"), 2<<20) // 32 MiB
	p.must("Upload", "from: %s\nto: DIR/large", p.run.File("large", string(content)))
	if got := p.download("large"); got != string(content) {
		t.Errorf("%d bytes come back", len(got))
	}
}
