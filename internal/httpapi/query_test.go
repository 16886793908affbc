package httpapi

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

func TestFilters(t *testing.T) {
	day := time.Date(2024, 1, 31, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		of    resource
		query string
		want  []backend.Filter
	}{
		"equality":           {ofExecutions, "filters[namespace][EQUALS]=a", []backend.Filter{{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: "a"}}},
		"upper case":         {ofExecutions, "filters[FLOW_ID][CONTAINS]=a", []backend.Filter{{Field: backend.FieldFlowID, Op: backend.OpContains, Value: "a"}}},
		"several in one":     {ofExecutions, "filters[state][IN]=RUNNING,FAILED", []backend.Filter{{Field: backend.FieldState, Op: backend.OpIn, Value: []string{"RUNNING", "FAILED"}}}},
		"several parameters": {ofExecutions, "state=RUNNING&state=FAILED", []backend.Filter{{Field: backend.FieldState, Op: backend.OpIn, Value: []string{"RUNNING", "FAILED"}}}},
		"label by key":       {ofExecutions, "filters[labels][EQUALS][a.b]=c", []backend.Filter{{Field: backend.FieldLabels, Op: backend.OpEquals, Value: []model.Label{{Key: "a.b", Value: "c"}}}}},
		"label as text":      {ofExecutions, "labels=a:b:c", []backend.Filter{{Field: backend.FieldLabels, Op: backend.OpEquals, Value: []model.Label{{Key: "a", Value: "b:c"}}}}},
		"date with a space":  {ofExecutions, "startDate=2024-01-31T10:00:00+01:00", []backend.Filter{{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: day}}},
		"least level":        {ofLogs, "filters[level][EQUALS]=WARN", []backend.Filter{{Field: backend.FieldLevel, Op: backend.OpGreaterEq, Value: "WARN"}}},
		"level":              {ofLogs, "minLevel=INFO", []backend.Filter{{Field: backend.FieldLevel, Op: backend.OpGreaterEq, Value: "INFO"}}},
		"below a level":      {ofLogs, "filters[MIN_LEVEL][NOT_EQUALS]=INFO", []backend.Filter{{Field: backend.FieldLevel, Op: backend.OpLess, Value: "INFO"}}},
		"id of an execution": {ofExecutions, "filters[id][STARTS_WITH]=4x", []backend.Filter{{Field: backend.FieldExecutionID, Op: backend.OpStarts, Value: "4x"}}},
		"id of a flow":       {ofFlows, "filters[ID][IN]=a,b", []backend.Filter{{Field: backend.FieldFlowID, Op: backend.OpIn, Value: []string{"a", "b"}}}},
		"both scopes":        {ofFlows, "filters[scope][EQUALS]=USER,SYSTEM", []backend.Filter{{Field: backend.FieldScope, Op: backend.OpIn, Value: []string{"USER", "SYSTEM"}}}},
		"trigger state":      {ofTriggers, "filters[triggerState][EQUALS]=DISABLED", []backend.Filter{{Field: backend.FieldDisabled, Op: backend.OpEquals, Value: true}}},
		"means nothing here": {ofFlows, "state=RUNNING&taskId=a", nil},
		"nothing":            {ofExecutions, "page=1&namespace=", nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.of.filters(v)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	for _, query := range []string{
		"filters[namespace]=a", "filters[nonsense][EQUALS]=a", "startDate=yesterday", "timeRange=long", "filters[flowRevision][EQUALS]=x",
		"page=0", "size=0", "size=x", "sort=id:up", "filters[level][EQUALS]=INFO", "filters[namespace", "filters[namespace][EQUALS",
		"filters[labels][EQUALS]=colon", "filters[triggerState][EQUALS]=DISABLED",
	} {
		if _, err := queryOf(query); err == nil {
			t.Errorf("%s is accepted", query)
		}
	}
}

func queryOf(raw string) (backend.Query, error) {
	r := httptest.NewRequest("GET", "/", nil)
	r.URL.RawQuery = raw
	return ofExecutions.query(r)
}

func TestPagesAreBounded(t *testing.T) {
	for query, fits := range map[string]bool{
		"size=10000": true, "size=10001": false, "size=100000000000000000000": false, "page=2147483647": true, "page=9000000000000000000": false,
	} {
		if _, err := queryOf(query); (err == nil) != fits {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"filters[labels][EQUALS][a]=b", "filters[]=x", "filters[a][b", "sort=::&page=-1", "timeRange=PT1H", "state=,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := queryOf(raw)
		if err == nil && (q.Page < 1 || q.Size < 1 || q.Size > maxPage || q.Tenant != Tenant) {
			t.Errorf("%q gives the page %d of %d records of %q", raw, q.Page, q.Size, q.Tenant)
		}
	})
}

func TestFragments(t *testing.T) {
	for name, c := range map[string]struct {
		text, word string
		want       []string
	}{
		"with the lines beside it": {"a\nb\nHello x\nc\nd", "hello", []string{"b\n[mark]Hello[/mark] x\nc"}},
		"at the beginning":         {"x y\nz", "x", []string{"[mark]x[/mark] y\nz"}},
		"twice in a line":          {"x x", "x", []string{"[mark]x[/mark] [mark]x[/mark]"}},
		"in lines in a row":        {"x\nx\na\nb\nx", "x", []string{"[mark]x[/mark]\n[mark]x[/mark]\na", "b\n[mark]x[/mark]"}},
		"not there":                {"a", "x", nil},
		"no word":                  {"a", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, fragments(c.text, c.word)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzMark(f *testing.F) {
	f.Add("message: Hello \xff World", "hello")
	f.Add("İstanbul", "i")
	f.Fuzz(func(t *testing.T, line, word string) {
		if word == "" || strings.Contains(line+word, "mark]") {
			return
		}
		got, found := mark(line, word)
		if plain := strings.NewReplacer("[mark]", "", "[/mark]", "").Replace(got); plain != line {
			t.Errorf("%q becomes %q", line, got)
		}
		if found != strings.Contains(lower(line), lower(word)) {
			t.Errorf("%q is found in %q: %v", word, line, found)
		}
	})
}
