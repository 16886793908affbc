package triggers

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/windhover-io/windhover/e2e/servers"
)

// place is a real server with files.
type place struct {
	head string // of its trigger
	list string // the name of what it gives
	uri  string // the member of a file that is its URI
	put  func(t *testing.T, name, content string)
	// names are the files below a directory, without that.
	names func(t *testing.T, dir string) []string
	move  string // what moves files to the directory "archive"
}

func sftpPlace(t *testing.T, dir string) place {
	u, err := url.Parse(service(t, "sshd"))
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := u.User.Password()
	conn, err := ssh.Dial("tcp", u.Host, &ssh.ClientConfig{User: u.User.Username(), Auth: []ssh.AuthMethod{ssh.Password(secret)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c, err := sftp.NewClient(conn)
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(u.Host)
	return place{
		head: "type: io.kestra.plugin.fs.sftp.Trigger\nhost: " + host + "\nport: '" + port + "'\nusername: " + u.User.Username() + "\nfrom: /" + dir + "/in/\nregExp: " + `/.*\.csv` + "\n",
		list: "files", uri: "path", move: "action: MOVE\nmoveDirectory: /" + dir + "/archive",
		put: func(t *testing.T, name, content string) {
			t.Helper()
			if err := c.MkdirAll(path.Dir(dir + "/" + name)); err != nil {
				t.Fatal(err)
			}
			f, err := c.Create(dir + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		},
		names: func(t *testing.T, sub string) (out []string) {
			t.Helper()
			entries, err := c.ReadDir(dir + "/" + sub)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			for _, e := range entries {
				out = append(out, e.Name())
			}
			slices.Sort(out)
			return out
		},
	}
}

func s3Place(t *testing.T, dir string) place {
	address := service(t, "s3")
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4("windhover", "windhover-secret", "")})
	if err != nil {
		t.Fatal(err)
	}
	return place{
		head: "type: io.kestra.plugin.aws.s3.Trigger\nendpointOverride: " + address + "\naccessKeyId: windhover\nforcePathStyle: true\nbucket: inbox\nprefix: " + dir + "/in/\nregexp: " + `.*\.csv` + "\nfilter: FILES\n",
		list: "objects", uri: "uri", move: "action: MOVE\nmoveTo: {bucket: inbox, key: " + dir + "/archive/}",
		put: func(t *testing.T, name, content string) {
			t.Helper()
			if _, err := c.PutObject(t.Context(), "inbox", dir+"/"+name, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		},
		names: func(t *testing.T, sub string) (out []string) {
			t.Helper()
			for o := range c.ListObjects(t.Context(), "inbox", minio.ListObjectsOptions{Prefix: dir + "/" + sub + "/", Recursive: true}) {
				if o.Err != nil {
					t.Fatal(o.Err)
				}
				out = append(out, path.Base(o.Key))
			}
			return out
		},
	}
}

var secrets = map[string]string{"sftp": "password: windhover\n", "s3": "secretKeyId: windhover-secret\n"}

// TestFiles: files are brought, and then moved, deleted, or left and remembered.
func TestFiles(t *testing.T) {
	for name, open := range map[string]func(*testing.T, string) place{"sftp": sftpPlace, "s3": s3Place} {
		t.Run(name, func(t *testing.T) {
			p, types := open(t, unique("watch-")), all(t)
			head := p.head + secrets[name]
			look := func(props string, want ...string) polled {
				t.Helper()
				got := poll(t, types, head+props)
				var found map[string][]map[string]any
				if got.out != "" {
					got.read(t, &found)
				}
				var brought []string
				for _, f := range found[p.list] {
					brought = append(brought, f["changeType"].(string)+" "+got.run.Content(f[p.uri].(string)))
				}
				if d := cmp.Diff(want, brought); d != "" {
					t.Errorf("found: %s", d)
				}
				return got
			}
			look("action: NONE") // no directory yet
			p.put(t, "in/a.csv", "first")
			p.put(t, "in/b.txt", "other")

			look("action: NONE", "CREATE first").settled(t, true)
			look("action: NONE")
			p.put(t, "in/a.csv", "changed")
			look("action: NONE", "UPDATE changed").settled(t, true)

			p.put(t, "in/a.csv", "to be moved")
			look(p.move, "CREATE to be moved").settled(t, false)
			if d := cmp.Diff([]string{"a.csv", "b.txt"}, p.names(t, "in")); d != "" {
				t.Error(d)
			}
			look(p.move, "CREATE to be moved").settled(t, true)
			p.put(t, "in/a.csv", "to be moved again")
			look(p.move, "CREATE to be moved again").settled(t, true)
			if d := cmp.Diff([][]string{{"b.txt"}, {"a.csv"}}, [][]string{p.names(t, "in"), p.names(t, "archive")}); d != "" {
				t.Error(d)
			}

			p.put(t, "in/c.csv", "to be deleted")
			found := look("action: DELETE", "CREATE to be deleted")
			p.put(t, "in/c.csv", "replaced in the meantime")
			found.settled(t, true)
			look("action: DELETE", "CREATE replaced in the meantime").settled(t, true)
			if d := cmp.Diff([]string{"b.txt"}, p.names(t, "in")); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestObjects: how an object is told of.
func TestObjects(t *testing.T) {
	dir := unique("objects-")
	p := s3Place(t, dir)
	p.put(t, "in/a.csv", "content")
	p.put(t, "in/deep/b.csv", "deep")
	var found struct{ Objects []map[string]any }
	poll(t, all(t), p.head+secrets["s3"]+"action: NONE\ndelimiter: /").read(t, &found)
	if len(found.Objects) != 1 {
		t.Fatalf("found %v", found)
	}
	o := found.Objects[0]
	if o["key"] != dir+"/in/a.csv" || o["size"] != 7.0 || o["etag"] != `"9a0364b9e99bb480dd25e1f0284c8555"` {
		t.Errorf("%v", o)
	}
	found.Objects = nil
	poll(t, all(t), p.head+secrets["s3"]+"action: NONE\nmaxKeys: 1\nmarker: "+dir+"/in/a.csv").read(t, &found)
	if len(found.Objects) != 1 || found.Objects[0]["key"] != dir+"/in/deep/b.csv" {
		t.Errorf("found %v", found)
	}
}

// TestKey: a user may log in by a key; wrong secrets are told.
func TestKey(t *testing.T) {
	p := sftpPlace(t, unique("key-"))
	key, err := os.ReadFile(filepath.Join(servers.Dir("sshd"), "user_key"))
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, "in/a.csv", "by key")
	indented := "keyfile: |\n  " + string(bytes.ReplaceAll(bytes.TrimSpace(key), []byte("\n"), []byte("\n  "))) + "\n"
	var found struct{ Files []map[string]any }
	poll(t, all(t), p.head+indented+"action: NONE").read(t, &found)
	f := found.Files[0]
	if f["name"] != "a.csv" || f["size"] != 6.0 || f["fileType"] != "FILE" || f["permissions"] != 0o100644+0.0 {
		t.Errorf("%v", f)
	}
	for what, props := range map[string]string{"a wrong password": "password: wrong\n", "no key": "keyfile: nonsense\n"} {
		if err := failure(t, p.head+props+"action: NONE"); err == nil {
			t.Errorf("%s: it logs in", what)
		}
	}
}

// TestProxy: the server is reached through a proxy that speaks HTTP.
func TestProxy(t *testing.T) {
	p := sftpPlace(t, unique("proxy-"))
	p.put(t, "in/a.csv", "through")
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	asked := make(chan string, 1)
	go func() {
		conn, err := proxy.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 4096)
		n, _ := conn.Read(buf)
		line, _, _ := strings.Cut(string(buf[:n]), "\r\n")
		asked <- line
		to, err := net.Dial("tcp", strings.Fields(line)[1])
		if err != nil {
			return
		}
		defer to.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		go func() { _, _ = io.Copy(to, conn) }()
		_, _ = io.Copy(conn, to)
	}()
	host, port, _ := net.SplitHostPort(proxy.Addr().String())
	got := poll(t, all(t), p.head+secrets["sftp"]+"action: NONE\nproxyType: HTTP\nproxyAddress: "+host+"\nproxyPort: '"+port+"'")
	if got.out == "" || !strings.HasPrefix(<-asked, "CONNECT 127.0.0.1:") {
		t.Error("the file did not come through the proxy")
	}
	got.settled(t, false)
}
