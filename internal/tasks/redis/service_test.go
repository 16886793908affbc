package redis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
	tasks "github.com/windhover-io/windhover/internal/tasks/redis"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// server is a real Redis, with a key of this test's own.
type server struct {
	*testing.T
	*redis.Client
	run *sdktest.Run
	url string
	key string
}

func open(t *testing.T) server {
	url := servers.Address(t, "redis")
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	s := server{t, redis.NewClient(o), sdktest.New(t), url, "k-" + strings.ToLower(model.NewID())}
	s.run.Is.TaskRunID = model.NewID()
	t.Cleanup(func() {
		if keys, err := s.Keys(context.Background(), "*"+s.key+"*").Result(); err == nil && len(keys) > 0 {
			s.Del(context.Background(), keys...)
		}
		s.Close()
	})
	return s
}

func (s server) yaml(typ, props string) string {
	return "type: io.kestra.plugin.redis." + typ + "\nurl: " + s.url + "\n" + strings.ReplaceAll(props, "KEY", s.key)
}

func (s server) must(typ, format string, args ...any) string {
	s.Helper()
	out := taskstest.Must(s, s.run, tasks.Types(), "%s", s.yaml(typ, fmt.Sprintf(format, args...)))
	return strings.ReplaceAll(out, s.key, "KEY")
}

func (s server) fails(typ, format string, args ...any) string {
	s.Helper()
	return taskstest.Fails(s, s.run, tasks.Types(), "%s", s.yaml(typ, fmt.Sprintf(format, args...)))
}

func TestString(t *testing.T) {
	s := open(t)
	s.run.Vars["name"], s.run.Vars["order"] = "Ada", map[string]any{"id": 1}
	for _, step := range []struct{ typ, props, want string }{
		{"string.Get", "key: KEY", `{"key":"KEY"}`},
		{"string.Get", "key: KEY\nfailedOnMissing: true", "!there is no key"},
		{"string.Set", "key: KEY\nvalue: hello {{ name }}", `{}`},
		{"Get", "key: KEY", `{"data":"hello Ada","key":"KEY"}`},
		{"string.Set", "key: KEY\nvalue: {a: [1]}\nserdeType: JSON\nget: true", `{"oldValue":"hello Ada"}`},
		{"string.Get", "key: KEY\nserdeType: JSON", `{"data":{"a":[1]},"key":"KEY"}`},
		{"Set", "key: KEY\nvalue: '{{ order }}'\nserdeType: JSON", `{}`},
		{"string.Get", "key: KEY\nserdeType: JSON", `{"data":{"id":1},"key":"KEY"}`},
		{"string.Set", "key: KEY\nvalue: '{'\nserdeType: JSON", "!value: it is no JSON"},
		{"string.Set", "key: KEY\nvalue: x\noptions: {mustNotExist: true}", `{}`},
		{"string.Get", "key: KEY", `{"data":"{\"id\":1}","key":"KEY"}`},
		{"string.Set", "key: KEY-2\nvalue: x\noptions: {mustExist: true}\nget: true", `{}`},
		{"string.Get", "key: KEY-2", `{"key":"KEY-2"}`},
		{"string.Set", "key: KEY\nvalue: x\noptions: {expirationDuration: PT1H}", `{}`},
		{"string.Ttl", "key: KEY", `{"ttl":3600,"key":"KEY"}`},
		{"string.Set", "key: KEY\nvalue: y\noptions: {keepTtl: true, mustExist: true}", `{}`},
		{"string.Ttl", "key: KEY", `{"ttl":3600,"key":"KEY"}`},
		{"string.Set", "key: KEY\nvalue: z", `{}`},
		{"string.Ttl", "key: KEY", `{"ttl":-1,"key":"KEY"}`},
		{"string.Set", "key: KEY\nvalue: z\noptions: {expirationDate: '2020-01-02T03:04:05Z'}", `{}`},
		{"string.Ttl", "key: KEY", `{"ttl":-2,"key":"KEY"}`},
		{"string.Set", "key: KEY\nvalue: z\noptions: {keepTtl: true, expirationDuration: PT1S}", "!keepTtl"},
		{"string.Set", "key: KEY\nvalue: z\noptions: {mustExist: true, mustNotExist: true}", "!mustNotExist"},
		{"string.Increment", "key: KEY", `{"value":1,"key":"KEY"}`},
		{"string.Increment", "key: KEY\namount: '{{ 41 }}'", `{"value":42,"key":"KEY"}`},
		{"string.Increment", "key: KEY\namount: 9007199254740993\noptions: {expirationDuration: PT10S}", `{"value":9007199254741035,"key":"KEY"}`},
		{"string.Ttl", "key: KEY", `{"ttl":10,"key":"KEY"}`},
		{"string.Increment", "key: KEY-3\namount: 0.5", `{"value":0.5,"key":"KEY-3"}`},
		{"string.Increment", "key: KEY-3", "!not an integer"},
		{"string.Increment", "key: KEY-3\namount: much", "!amount"},
		{"string.Delete", "keys: [KEY, KEY-2, KEY-3]", `{"count":2}`},
		{"Delete", "keys: [KEY]\nfailedOnMissing: true", "!only 0 of 1 keys"},
	} {
		if why, fails := strings.CutPrefix(step.want, "!"); fails {
			if got := s.fails(step.typ, "%s", step.props); !strings.Contains(got, why) {
				t.Errorf("%s %s: %s", step.typ, step.props, got)
			}
		} else if got := s.must(step.typ, "%s", step.props); got != step.want {
			t.Errorf("%s %s: %s", step.typ, step.props, got)
		}
	}
	if d := cmp.Diff([]sdktest.Metric{{Type: "counter", Name: "deleted.records.count", Value: 2}}, s.run.Metrics); d != "" {
		t.Error(d)
	}
}

// pop takes elements, as JSON lines of Ion.
func (s server) pop(props string) (count int, content string) {
	s.Helper()
	var out struct {
		Count int
		URI   string
	}
	if err := json.Unmarshal([]byte(s.must("list.ListPop", "key: KEY\n%s", props)), &out); err != nil {
		s.Fatal(err)
	}
	return out.Count, strings.TrimSpace(s.run.Content(out.URI))
}

func TestList(t *testing.T) {
	s := open(t)
	s.run.Vars["name"] = "Ada"
	if got := s.must("list.ListPush", "key: KEY\nfrom: [a, '{{ name }}', 3]\nbatchSize: 2"); got != `{"count":3}` {
		t.Error(got)
	}
	if got := s.must("ListPush", "key: KEY\nfrom: '[{\"a\": 1}]'\nserdeType: JSON"); got != `{"count":1}` {
		t.Error(got)
	}
	s.must("list.ListPush", "key: KEY\nfrom: %s", s.run.File("rows.ion", "{b:\"{{ name }}\"}\nplain\n"))
	if got := s.LRange(t.Context(), s.key, 0, -1).Val(); cmp.Diff([]string{"plain", `{"b":"{{ name }}"}`, `{"a":1}`, "3", "Ada", "a"}, got) != "" {
		t.Error(got)
	}
	n, content := s.pop("maxRecords: 3\ncount: 2\nserdeType: JSON")
	if n != 3 || content != "\"plain\"\n{b:\"{{ name }}\"}\n{a:1}" {
		t.Errorf("%d: %s", n, content)
	}
	n, content = s.pop("maxDuration: PT10S")
	if n != 3 || content != "\"3\"\n\"Ada\"\n\"a\"" {
		t.Errorf("%d: %s", n, content)
	}
	if n, content = s.pop("maxRecords: 1"); n != 0 || content != "" {
		t.Errorf("%d: %s", n, content)
	}
	if keys := s.Keys(t.Context(), "*"+s.key+"*").Val(); len(keys) != 0 {
		t.Errorf("left: %v", keys)
	}
	for props, want := range map[string]string{"from: ['1', '{']\nserdeType: JSON": "from[1]: it is no JSON", "from: nothing": "from: expected"} {
		if got := s.fails("list.ListPush", "key: KEY\n%s", props); !strings.Contains(got, want) {
			t.Errorf("%s: %s", props, got)
		}
	}
	if got := s.fails("list.ListPop", "key: KEY"); !strings.Contains(got, "one of maxRecords and maxDuration") {
		t.Error(got)
	}
}

// TestPopFails: what an attempt has taken is put back when it fails, and found by the next when it died.
func TestPopFails(t *testing.T) {
	s := open(t)
	s.RPush(t.Context(), s.key, "1", "2", "3")
	ctx, cancel := context.WithCancel(t.Context())
	task := taskstest.Decoded[*tasks.ListPop](t, s.run, tasks.Types(), s.yaml("list.ListPop", "key: KEY\nmaxRecords: 2"))
	cancel()
	if _, err := task.Run(ctx, s.run); err == nil {
		t.Error("it goes on when it is stopped")
	}
	if got := s.LRange(t.Context(), s.key, 0, -1).Val(); strings.Join(got, " ") != "1 2 3" {
		t.Errorf("the list is %v", got)
	}
	broken := sdktest.New(t)
	broken.Is.TaskRunID = "" // no file can be stored
	if _, err := task.Run(t.Context(), broken); err == nil {
		t.Error("the file is stored")
	}
	if got := s.LRange(t.Context(), s.key, 0, -1).Val(); strings.Join(got, " ") != "1 2 3" {
		t.Errorf("the list is %v", got)
	}
	// as one whose worker died has left it
	s.HSet(t.Context(), "{"+s.key+"}:windhover:main:company.team:flow:"+s.run.Is.TaskRunID, "0000000000000000001-x-00000", "0")
	if n, content := s.pop("maxRecords: 3"); n != 3 || content != "\"0\"\n\"1\"\n\"2\"" {
		t.Errorf("%d: %s", n, content)
	}
}

func TestPublish(t *testing.T) {
	s := open(t)
	ear := s.Subscribe(t.Context(), s.key)
	defer ear.Close()
	if _, err := ear.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.must("pubsub.Publish", "channel: KEY\nfrom: [a, b]"); got != `{"count":2}` {
		t.Error(got)
	}
	s.must("Publish", "channel: KEY\nfrom: %s\nserdeType: JSON", s.run.File("rows.ion", "{a:1}\n"))
	for _, want := range []string{"a", "b", `{"a":1}`} {
		select {
		case m := <-ear.Channel():
			if m.Payload != want {
				t.Errorf("heard %s", m.Payload)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s is not heard", want)
		}
	}
}

// TestURL: a password is never told.
func TestURL(t *testing.T) {
	s := open(t)
	s.url = "redis://s3cret@127.0.0.1:1/0"
	if got := s.fails("string.Get", "key: a"); !strings.Contains(got, "does not answer") || strings.Contains(strings.Split(got, "type:")[0], "s3cret") {
		t.Error(got)
	}
	s.url = "redis://:s3cret@host:port/x"
	if got := s.fails("string.Get", "key: a"); strings.Contains(strings.Split(got, "type:")[0], "s3cret") {
		t.Error(got)
	}
}
