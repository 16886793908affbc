package storage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/tasks/storage"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

const area = "io.kestra.plugin.core.storage."

// uri reads the output of that name.
func output(t *testing.T, outputs, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(outputs), &m); err != nil {
		t.Fatalf("%s: %v", outputs, err)
	}
	return fmt.Sprint(m[name])
}

// TestContent gives tasks that store one file with the content of that file.
func TestContent(t *testing.T) {
	run := sdktest.New(t)
	one, two := run.File("one.csv", "1\n"), run.File("two.csv", "2\n")
	run.Vars["inputs"] = map[string]any{"both": []any{one, two}, "one": one}
	rows := run.File("rows.ion", "{id:1,name:\"a\"}\n{id:2,name:\"b\"}\n{\"id\":3,\"name\":\"a\"}\n")
	for _, c := range []struct{ name, yaml, content, extension string }{
		{"concat", "type: Concat\nfiles: [" + one + ", " + two + "]", "1\n2\n", ".tmp"},
		{"concat of a rendered list", "type: Concat\nfiles: '{{ inputs.both }}'\nextension: .csv", "1\n2\n", ".csv"},
		{"concat with separator", "type: Concat\nfiles: ['{{ inputs.one }}', '{{ inputs.one }}']\nseparator: \"-\\n\"", "1\n-\n1\n-\n", ".tmp"},
		{"write", "type: Write\ncontent: 'one: {{ 1 + 1 }}'\nextension: .txt", "one: 2", ".txt"},
		{"an extension without its dot", "type: Write\ncontent: '{}'\nextension: json", "{}", "/content.json"},
		{"an extension of joined files without its dot", "type: Concat\nfiles: [" + one + "]\nextension: csv", "1\n", "/concat.csv"},
		{"reverse", "type: Reverse\nfrom: " + run.File("a.txt", "a\nb\nc\n"), "c\nb\na\n", ".txt"},
		{"reverse without a last separator", "type: Reverse\nfrom: " + run.File("b.txt", "a\nb"), "b\na\n", ".txt"},
		{"reverse keeps empty rows", "type: Reverse\nfrom: " + run.File("c.txt", "a\n\nb\n\n"), "\nb\n\na\n", ".txt"},
		{"reverse of nothing", "type: Reverse\nfrom: " + run.File("d.txt", ""), "", ".txt"},
		{"reverse by another separator", "type: Reverse\nseparator: ';;'\nfrom: " + run.File("e.txt", "a;b;;c;;"), "c;;a;b;;", ".txt"},
		{"filter", "type: FilterItems\nfrom: " + rows + "\nfilterCondition: \"{{ name == 'a' }}\"", "{id:1,name:\"a\"}\n{\"id\":3,\"name\":\"a\"}\n", ".ion"},
		{"filter out", "type: FilterItems\nfilterType: EXCLUDE\nfrom: " + rows + "\nfilterCondition: \"{{ id > 1 }}\"", "{id:1,name:\"a\"}\n", ".ion"},
		{"deduplicate", "type: DeduplicateItems\nfrom: " + rows + "\nexpr: '{{ name }}'", "{id:2,name:\"b\"}\n{\"id\":3,\"name\":\"a\"}\n", ".ion"},
	} {
		t.Run(c.name, func(t *testing.T) {
			yaml := strings.Replace(c.yaml, "type: ", "type: "+area, 1)
			out, err := taskstest.Run(t, run, storage.Types(run.Storage(), nil), yaml)
			if err != nil {
				t.Fatal(err)
			}
			uri := output(t, out, "uri")
			if got := run.Content(uri); got != c.content {
				t.Errorf("content %q, want %q", got, c.content)
			}
			if !strings.HasSuffix(uri, c.extension) {
				t.Errorf("the name of %s does not end with %s", uri, c.extension)
			}
		})
	}
}

// TestReverseAcrossBlocks reverses rows and separators that lie across the borders of what is read at once.
func TestReverseAcrossBlocks(t *testing.T) {
	run := sdktest.New(t)
	var rows, want []string
	for i := range 3000 {
		rows = append(rows, fmt.Sprint(i, strings.Repeat("x", i%97)))
	}
	rows = append(rows, strings.Repeat("long", 50_000), "last")
	for i := len(rows) - 1; i >= 0; i-- {
		want = append(want, rows[i])
	}
	for _, sep := range []string{"\n", "<->"} {
		from := run.File("rows.txt", strings.Join(rows, sep)+sep)
		out := taskstest.Must(t, run, storage.Types(run.Storage(), nil), "type: %sReverse\nfrom: %s\nseparator: %q", area, from, sep)
		if got := run.Content(output(t, out, "uri")); got != strings.Join(want, sep)+sep {
			t.Errorf("separator %q: the rows are not reversed", sep)
		}
	}
}

func TestCountsOfItems(t *testing.T) {
	run := sdktest.New(t)
	from := run.File("rows.ion", "{a:1}\n{a:1}\n{a:null}\n{b:0}\n")
	types := storage.Types(run.Storage(), nil)
	for _, c := range []struct{ behaviour, want string }{
		{"INCLUDE", `"processedItemsTotal":4,"droppedItemsTotal":0`},
		{"EXCLUDE", `"processedItemsTotal":4,"droppedItemsTotal":2`},
	} {
		out := taskstest.Must(t, run, types, "type: %sFilterItems\nfrom: %s\nfilterCondition: '{{ a }}'\nerrorOrNullBehavior: %s", area, from, c.behaviour)
		if !strings.Contains(out, c.want) {
			t.Errorf("%s: %s", c.behaviour, out)
		}
	}
	if err := taskstest.Fails(t, run, types, "type: %sFilterItems\nfrom: %s\nfilterCondition: '{{ a }}'", area, from); !strings.Contains(err, "row 3") {
		t.Error(err)
	}
	out := taskstest.Must(t, run, types, "type: %sDeduplicateItems\nfrom: %s\nexpr: \"{{ a ?? 'none' }}\"", area, from)
	if !strings.Contains(out, `"numKeys":2,"processedItemsTotal":4,"droppedItemsTotal":2`) {
		t.Error(out)
	}
	if err := taskstest.Fails(t, run, types, "type: %sDeduplicateItems\nfrom: %s\nexpr: '{{ a }}'", area, run.File("x.txt", "{a:1}\n[1]\n")); !strings.Contains(err, "row 2: expected an object") {
		t.Error(err)
	}
}

func TestSplit(t *testing.T) {
	run := sdktest.New(t)
	from := run.File("rows.txt", "a1\nb2\na3\nb4\na5\n")
	types := storage.Types(run.Storage(), nil)
	for _, c := range []struct {
		how  string
		want []string
	}{
		{"rows: 2", []string{"a1\nb2\n", "a3\nb4\n", "a5\n"}},
		{"partitions: 2", []string{"a1\na3\na5\n", "b2\nb4\n"}},
		{"bytes: '6'", []string{"a1\nb2\n", "a3\nb4\n", "a5\n"}},
		{"regexPattern: '^(\\w)'", []string{"a1\na3\na5\n", "b2\nb4\n"}},
	} {
		var out struct{ URIs []string }
		if err := json.Unmarshal([]byte(taskstest.Must(t, run, types, "type: %sSplit\nfrom: %s\n%s", area, from, c.how)), &out); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, uri := range out.URIs {
			got = append(got, run.Content(uri))
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, want %q", c.how, got, c.want)
		}
	}
	if err := taskstest.Fails(t, run, types, "type: %sSplit\nfrom: %s", area, from); !strings.Contains(err, "one of bytes, partitions, rows and regexPattern") {
		t.Error(err)
	}
}

func TestSizeAndDelete(t *testing.T) {
	run := sdktest.New(t)
	types := storage.Types(run.Storage(), nil)
	uri := run.File("a.txt", "12345")
	if out := taskstest.Must(t, run, types, "type: %sSize\nuri: %s", area, uri); out != `{"size":5}` {
		t.Error(out)
	}
	if out := taskstest.Must(t, run, types, "type: %sSize\nuri: %s", area, run.NamespaceFile("sub/b.txt", "1234567")); out != `{"size":7}` {
		t.Error(out)
	}
	if out := taskstest.Must(t, run, types, "type: %sDelete\nuri: %s", area, uri); out != `{"uri":"`+uri+`","deleted":true}` {
		t.Error(out)
	}
	if out := taskstest.Must(t, run, types, "type: %sDelete\nuri: %s", area, uri); out != `{"uri":"`+uri+`","deleted":false}` {
		t.Error(out)
	}
	if err := taskstest.Fails(t, run, types, "type: %sDelete\nuri: %s\nerrorOnMissing: true", area, uri); !strings.Contains(err, "there is no file") {
		t.Error(err)
	}
	run.File("kept.txt", "x")
	if err := taskstest.Fails(t, run, types, "type: %sDelete\nuri: kestra:///company/team/", area); !strings.Contains(err, "directory") {
		t.Error(err)
	}
}

func TestPurgeCurrentExecutionFiles(t *testing.T) {
	run := sdktest.New(t)
	types := storage.Types(run.Storage(), nil)
	uri := run.File("a.txt", "x")
	kept := run.NamespaceFile("b.txt", "x")
	out := taskstest.Must(t, run, types, "type: %sPurgeCurrentExecutionFiles", area)
	if out != `{"uris":["`+uri+`"]}` {
		t.Error(out)
	}
	if run.Content(kept) != "x" {
		t.Error("a namespace file is gone")
	}
}

func TestPurgeStorage(t *testing.T) {
	run := sdktest.New(t)
	b := memory.New()
	defer b.Close()
	types := storage.Types(run.Storage(), b)
	run.File("a.txt", "x")
	run.File("b.txt", "x")
	run.NamespaceFile("c.txt", "x")
	for _, c := range []struct{ how, want string }{
		{"endDate: 2020-01-01T00:00:00Z\ndryRun: false", `{"scannedCount":1,"purgedCount":0,"deletedFilesCount":0}`},
		{"endDate: 2100-01-01T00:00:00Z\nstartDate: 2090-01-01T00:00:00Z\ndryRun: false", `{"scannedCount":1,"purgedCount":0,"deletedFilesCount":0}`},
		{"endDate: 2100-01-01T00:00:00Z\nnamespace: other\ndryRun: false", `{"scannedCount":0,"purgedCount":0,"deletedFilesCount":0}`},
		{"endDate: 2100-01-01T00:00:00Z", `{"scannedCount":1,"purgedCount":1,"deletedFilesCount":0}`},
		{"endDate: 2100-01-01T00:00:00Z\nnamespace: company\ndryRun: false", `{"scannedCount":1,"purgedCount":1,"deletedFilesCount":2}`},
		{"endDate: 2100-01-01T00:00:00Z\ndryRun: false", `{"scannedCount":0,"purgedCount":0,"deletedFilesCount":0}`},
	} {
		if out := taskstest.Must(t, run, types, "type: %sPurgeStorage\n%s", area, c.how); out != c.want {
			t.Errorf("%s: %s, want %s", c.how, out, c.want)
		}
	}
	if err := taskstest.Fails(t, run, types, "type: %sPurgeStorage\nendDate: 2100-01-01T00:00:00Z\nflowId: flow", area); !strings.Contains(err, "namespace") {
		t.Error(err)
	}
}

func TestLocalFiles(t *testing.T) {
	run := sdktest.New(t)
	in := run.File("in.txt", "stored")
	out := taskstest.Must(t, run, storage.Types(run.Storage(), nil), "type: %sLocalFiles\ninputs:\n  a.txt: inline\n  sub/b.txt: %s\noutputs: ['**/*.txt']", area, in)
	var got struct{ URIs map[string]string }
	if err := json.NewDecoder(bytes.NewBufferString(out)).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got.URIs) != 2 || run.Content(got.URIs["a.txt"]) != "inline" || run.Content(got.URIs["sub/b.txt"]) != "stored" {
		t.Error(out)
	}
}
