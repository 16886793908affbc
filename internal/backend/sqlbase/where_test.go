package sqlbase

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var schema = Schema{
	Dialect: Dialect{Contains: "has(%s, ?)", Starts: "starts(%s, ?, ?)", Ends: "ends(%s, ?)", Regex: "%s REGEXP ?", Lower: "low(%s)"},
	Kinds:   backend.ExecutionFields,
	Columns: map[backend.Field]string{
		backend.FieldNamespace: "ns", backend.FieldState: "state", backend.FieldEndDate: "ended", backend.FieldRevision: "rev",
		backend.FieldScope: "ns", backend.FieldChild: "by_other",
	},
	Text:  []string{"ns", "flow"},
	IDs:   []string{"id"},
	Label: func(l model.Label) Clause { return Clause{"label(?, ?)", []any{l.Key, l.Value}} },
}

// TestWhere looks at the text; that it means what it should is for backendtest to show.
func TestWhere(t *testing.T) {
	at := time.UnixMicro(1_000_001)
	labels := []model.Label{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}
	for _, c := range []struct {
		filter backend.Filter
		sql    string
		args   []any
	}{
		{backend.Filter{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: "x"}, "ns = ?", []any{"x"}},
		{backend.Filter{Field: backend.FieldNamespace, Op: backend.OpPrefix, Value: "x"}, "ns >= ? AND ns < ? AND (ns = ? OR ns >= ?)", []any{"x", "x/", "x", "x."}},
		{backend.Filter{Field: backend.FieldNamespace, Op: backend.OpIn, Value: []string{"x", "y"}}, "ns IN (?,?)", []any{"x", "y"}},
		{backend.Filter{Field: backend.FieldNamespace, Op: backend.OpNotIn, Value: []string{}}, "NOT (1=0)", nil},
		{backend.Filter{Field: backend.FieldNamespace, Op: backend.OpStarts, Value: "x"}, "starts(ns, ?, ?)", []any{"x", "x"}},
		{backend.Filter{Field: backend.FieldNamespace, Op: backend.OpContains, Value: ""}, "1=1", nil},
		{backend.Filter{Field: backend.FieldState, Op: backend.OpNotEquals, Value: "RUNNING"}, "state <> ?", []any{"RUNNING"}},
		{backend.Filter{Field: backend.FieldEndDate, Op: backend.OpNotEquals, Value: at}, "ended <> ? OR ended IS NULL", []any{int64(1_000_001)}},
		{backend.Filter{Field: backend.FieldRevision, Op: backend.OpLessEq, Value: 3}, "rev <= ?", []any{int64(3)}},
		{backend.Filter{Field: backend.FieldScope, Op: backend.OpNotEquals, Value: "SYSTEM"}, "NOT (ns = ?)", []any{"system"}},
		{backend.Filter{Field: backend.FieldChild, Op: backend.OpIn, Value: []string{"MAIN", "CHILD"}}, "(by_other = '') OR (by_other <> '')", nil},
		{backend.Filter{Field: backend.FieldLabels, Op: backend.OpEquals, Value: labels}, "(label(?, ?)) AND (label(?, ?))", []any{"a", "1", "b", "2"}},
		{backend.Filter{Field: backend.FieldLabels, Op: backend.OpNotIn, Value: labels}, "NOT ((label(?, ?)) OR (label(?, ?)))", []any{"a", "1", "b", "2"}},
		{backend.Filter{Field: backend.FieldQuery, Op: backend.OpContains, Value: "Xy"},
			"(has(low(ns), ?)) OR (has(low(flow), ?)) OR (id >= ? AND id < ?)", []any{"xy", "xy", "Xy", "Xy\U0010FFFF"}},
	} {
		got := schema.Where([]backend.Filter{c.filter})[0]
		if diff := cmp.Diff(Clause{c.sql, c.args}, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.filter, diff)
		}
	}
}

func TestOrder(t *testing.T) {
	keys := map[string]string{"a": "x.a", "b": "x.b"}
	o := OrderOf([]backend.Sort{{By: "a"}, {By: "b", Desc: true}}, nil, keys, "x.seq")
	if got, want := o.SQL(), "x.a, x.b DESC, x.seq DESC"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
	want := Clause{
		"(x.a >= ?) AND ((x.a > ?) OR ((x.a = ?) AND (x.b < ?)) OR ((x.a = ?) AND (x.b = ?) AND (x.seq < ?)))",
		[]any{"v", "v", "v", int64(2), "v", int64(2), int64(3)},
	}
	if diff := cmp.Diff(want, o.After([]any{"v", int64(2), int64(3)})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	natural := OrderOf(nil, []backend.Sort{{By: "a", Desc: true}}, keys, "x.seq")
	if got, want := natural.SQL(), "x.a DESC, x.seq DESC"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestFloor(t *testing.T) {
	quarter := Quarter.Microseconds()
	for micros, want := range map[int64]int64{0: 0, 1: 0, quarter - 1: 0, quarter: quarter, -1: -quarter, -quarter: -quarter, -quarter - 1: -2 * quarter} {
		if got := Floor(micros, Quarter); got != want {
			t.Errorf("%d begins at %d, want %d", micros, got, want)
		}
	}
}

func TestLabels(t *testing.T) {
	e := &model.Execution{ID: "x", Labels: []model.Label{
		{Key: model.LabelCorrelation, Value: "x"}, {Key: "a", Value: "1"}, {Key: "a", Value: "2"}, {Key: "a", Value: "1"}, {Key: model.LabelUsername, Value: "u"}}}
	if diff := cmp.Diff([]model.Label{{Key: "a", Value: "1"}, {Key: "a", Value: "2"}}, Labels(e)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	row := RowOf(e)
	if !row.Correlation.Valid || row.Correlation.String != "" {
		t.Errorf("correlation with itself is stored as %+v", row.Correlation)
	}
	other := *e
	other.Labels = []model.Label{{Key: "a", Value: "1"}}
	if r := RowOf(&other); r.Labels == row.Labels || r.Labels == 0 || r.Correlation.Valid {
		t.Errorf("other labels gave %+v, %d", r.Correlation, r.Labels)
	}
	if r := RowOf(&model.Execution{}); r.Labels != 0 {
		t.Errorf("no labels have the hash %d", r.Labels)
	}
}

func TestEventKeepsLineNumbers(t *testing.T) {
	e := &model.Event{ID: "e", Job: &model.JobReport{ID: "j", Logs: []model.LogEntry{{Message: "a", Level: model.LevelInfo, Seq: 3}, {Message: "b", Level: model.LevelInfo, Seq: 9}}}}
	body, err := NewEncoder().EncodeEvent(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeEvent(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
