package storage

import (
	"errors"
	"strings"
	"testing"
)

// What the reference calls the same things.
func TestPaths(t *testing.T) {
	flow := Flow{"main", "io.Kestra.my_ns", "My_Flow.x"}
	execution := Execution{flow, "ExecID"}
	file := func(dir URI, err error, name string) func() (URI, error) {
		return func() (URI, error) {
			if err != nil {
				return URI{}, err
			}
			return dir.Join(name)
		}
	}
	taskDir, taskErr := execution.TaskDir("Task_Id.1", "runId")
	for want, build := range map[string]func() (URI, error){
		"kestra:///io/Kestra/my_ns/my-flowx/":                                                   flow.Dir,
		"kestra:///io/Kestra/my_ns/my-flowx/executions/":                                        flow.ExecutionsDir,
		"kestra:///io/Kestra/my_ns/my-flowx/executions/ExecID/":                                 execution.Dir,
		"kestra:///io/Kestra/my_ns/my-flowx/executions/ExecID/tasks/task-id1/runId/":            func() (URI, error) { return taskDir, taskErr },
		"kestra:///io/Kestra/my_ns/my-flowx/executions/ExecID/tasks/task-id1/runId/a%20b":       file(taskDir, taskErr, "a b"),
		"kestra:///io/Kestra/my_ns/my-flowx/executions/ExecID/trigger/trig-1/":                  func() (URI, error) { return execution.TriggerDir("Trig_1") },
		"kestra:///io/Kestra/my_ns/my-flowx/executions/ExecID/inputs/My_Input.1/":               func() (URI, error) { return execution.InputDir("My_Input.1") },
		"kestra:///io/Kestra/my_ns/my-flowx/task-id1/cache/cache.zip":                           func() (URI, error) { return flow.CacheFile("Task_Id.1", "") },
		"kestra:///io/Kestra/my_ns/my-flowx/t/cache/ba7816bf8f01cfea414140de5dae2223/cache.zip": func() (URI, error) { return flow.CacheFile("t", "abc") },
		"kestra:///a/b/":                        func() (URI, error) { return NamespaceDir("main", "a.b") },
		"kestra:///a/b_C/_files/":               func() (URI, error) { return NamespaceFile("main", "a.b_C", "", 1) },
		"kestra:///a/b/_files/dir/x%20y%25.txt": func() (URI, error) { return NamespaceFile("main", "a.b", "/dir/x y%.txt", 1) },
		"kestra:///a/b/_files/dir/é.txt.v3":     func() (URI, error) { return NamespaceFile("main", "a.b", `dir\é.txt`, 3) },
		"kestra:///a/b/_files/dir/":             func() (URI, error) { return NamespaceFile("main", "a.b", "dir/", 3) },
		"kestra:///a/b/_kv/k.ion":               func() (URI, error) { return KVFile("main", "a.b", "k", 1) },
		"kestra:///a/b/_kv/K-1_k.x.ion.v2":      func() (URI, error) { return KVFile("main", "a.b", "K-1_k.x", 2) },
		"kestra:///_messages/m1":                func() (URI, error) { return MessageFile("main", "m1") },
	} {
		uri, err := build()
		if err != nil || uri.String() != want {
			t.Errorf("got %s (%v), want %s", uri, err, want)
		}
	}
}

func TestPathsRefused(t *testing.T) {
	for name, build := range map[string]func() (URI, error){
		"no tenant":           Flow{"", "a", "f"}.Dir,
		"no namespace":        Flow{"main", "", "f"}.Dir,
		"dots for namespace":  Flow{"main", "..", "f"}.Dir,
		"a flow of no letter": Flow{"main", "a", "日本"}.Dir,
		"no execution":        Execution{Flow{"main", "a", "f"}, ""}.Dir,
		"execution upwards":   Execution{Flow{"main", "a", "f"}, "../x"}.Dir,
		"no task run":         func() (URI, error) { return Execution{Flow{"main", "a", "f"}, "e"}.TaskDir("t", "") },
		"no input":            func() (URI, error) { return Execution{Flow{"main", "a", "f"}, "e"}.InputDir("") },
		"file upwards":        func() (URI, error) { return NamespaceFile("main", "a", `x\..\..\_kv`, 1) },
		"version 0":           func() (URI, error) { return NamespaceFile("main", "a", "x", 0) },
		"no key":              func() (URI, error) { return KVFile("main", "a", "", 1) },
		"key with a slash":    func() (URI, error) { return KVFile("main", "a", "a/b", 1) },
		"key with a dash":     func() (URI, error) { return KVFile("main", "a", "-a", 1) },
		"key of two lines":    func() (URI, error) { return KVFile("main", "a", "a\n", 1) },
	} {
		if uri, err := build(); !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrOutsideRoot) {
			t.Errorf("%s: got %s (%v)", name, uri, err)
		}
	}
}

// What the reference makes of the same identifiers.
func TestSlug(t *testing.T) {
	for id, want := range map[string]string{
		"MyTask": "mytask", "my_task": "my-task", "my-task": "my-task", "my task": "my-task", "a.b.c": "abc", "é_X": "e-x", "A__B": "a-b",
		"--a--": "a", "a/b": "ab", "1Task": "1task", "x_": "x", "_x": "x", "a..b": "ab", "日本": "", "a+b": "ab", "": "",
	} {
		if got := Slug(id); got != want {
			t.Errorf("Slug(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"a.txt": "a.txt", "a b é.txt": "a b é.txt", "/etc/passwd": "passwd", `C:\dir\a.txt`: "a.txt", "../../a": "a", "dir/": "dir",
		"": "", ".": "", "..": "", "a/..": "", "/": "", "a\x00\nb": "ab", "a\xffb": "a\uFFFDb",
	} {
		if got := FileName(name); got != want {
			t.Errorf("FileName(%q) = %q, want %q", name, got, want)
		}
	}
	long, other := strings.Repeat("é", 200)+"1.tar.gz", strings.Repeat("è", 200)+"1.tar.gz"
	got := FileName(long)
	if len(got) > maxName || !strings.HasSuffix(got, "é1.tar.gz") || got == FileName(other) || got != FileName(long) {
		t.Errorf("a long name became %q", got)
	}
	if _, err := Root("main").Join(got); err != nil {
		t.Error(err)
	}
}

func TestExecutionID(t *testing.T) {
	for text, want := range map[string]string{
		"kestra:///a/b/f/executions/ID/tasks/t/r/x.txt":         "ID",
		"kestra:///a/f/executions/ID/trigger/t/x.txt":           "ID",
		"kestra:///a/f/executions/ID/inputs/i/executions/x":     "ID",
		"kestra:///executions/f/executions/ID/tasks/t/r/x":      "ID",
		"kestra:///executions/executions/executions/ID/inputs/": "ID",
		"kestra:///a/f/executions/ID":                           "",
		"kestra:///a/_files/executions.txt":                     "",
		"kestra:///a/executions/":                               "",
	} {
		uri, err := Parse("main", text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := ExecutionID(uri); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v", text, got, ok)
		}
	}
}
