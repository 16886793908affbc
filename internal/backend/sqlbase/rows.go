package sqlbase

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// RunsShift is the number of bits of a task run's row number that count within its execution; those above are the row
// number of the execution. So an execution's task runs lie together, in their order, and need no index of their own.
const RunsShift = 24

// RunsSpan is the number of task runs that an execution can have.
const RunsSpan = 1 << RunsShift

// Micros is a time as it is stored: microseconds since 1970, UTC.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time is the reverse of Micros.
func Time(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// ExecutionRow is what an execution is found, ordered and counted by.
type ExecutionRow struct {
	Place
	Span
	Revision int64
	State    string
	Finished bool
	// Labels is a hash of the labels that have rows of their own, 0 without any.
	Labels int64
}

// Place is what hardly ever changes of an execution. "" is for none, but for Correlation.
type Place struct {
	Tenant, Namespace, FlowID string
	Kind, ParentID, TriggerID string
	TriggerExecution          string // the execution that started it
	// Correlation is the correlation label: not valid without one, "" where it is the execution's own id, as it is for
	// all that no other execution started.
	Correlation sql.NullString
	Started     int64
}

// Span is when a record ended, and how many microseconds that took. Neither is valid before the end.
type Span struct {
	Ended, Duration sql.NullInt64
}

// RowOf is the row of an execution.
func RowOf(e *model.Execution) ExecutionRow {
	r := ExecutionRow{
		Place: Place{
			Tenant: e.Tenant, Namespace: e.Namespace, FlowID: e.FlowID, Kind: e.Kind, ParentID: e.ParentID,
			TriggerExecution: backend.StartedBy(e), Correlation: correlation(e), Started: Micros(e.State.Start()),
		},
		Span: SpanOf(e.State), Revision: int64(e.FlowRevision), State: e.State.Current().String(), Finished: e.Engine.Finished,
		Labels: labelsHash(e),
	}
	if e.Trigger != nil {
		r.TriggerID = e.Trigger.ID
	}
	return r
}

// SpanOf is the span of a history.
func SpanOf(h model.History) Span {
	end, ended := h.End()
	if !ended {
		return Span{}
	}
	at := Micros(end)
	return Span{sql.NullInt64{Int64: at, Valid: true}, sql.NullInt64{Int64: at - Micros(h.Start()), Valid: true}}
}

// Nullable is a number as an argument of a statement.
func Nullable(n sql.NullInt64) any {
	if !n.Valid {
		return nil
	}
	return n.Int64
}

// NullableText is a text as an argument of a statement.
func NullableText(s sql.NullString) any {
	if !s.Valid {
		return nil
	}
	return s.String
}

func correlation(e *model.Execution) sql.NullString {
	for _, l := range e.Labels {
		if l.Key != model.LabelCorrelation {
			continue
		}
		if l.Value == e.ID {
			return sql.NullString{Valid: true}
		}
		return sql.NullString{String: l.Value, Valid: true}
	}
	return sql.NullString{}
}

func labelsHash(e *model.Execution) int64 {
	labels := Labels(e)
	if len(labels) == 0 {
		return 0
	}
	h := fnv.New64a()
	for _, l := range labels {
		fmt.Fprintf(h, "%q%q", l.Key, l.Value)
	}
	return int64(h.Sum64() | 1)
}

// IsSystem tells whether Windhover itself sets the label.
func IsSystem(l model.Label) bool { return strings.HasPrefix(l.Key, model.SystemPrefix) }

// Labels are the labels that are kept in rows of their own: those that Windhover did not set itself. Each comes once.
func Labels(e *model.Execution) []model.Label {
	var own []model.Label
	for i, l := range e.Labels {
		if IsSystem(l) {
			continue
		}
		repeated := false
		for _, before := range e.Labels[:i] {
			repeated = repeated || before == l
		}
		if !repeated {
			own = append(own, l)
		}
	}
	return own
}

// Encoder makes JSON, in a buffer that it uses again.
type Encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

// NewEncoder returns an encoder that keeps the characters of HTML as they are.
func NewEncoder() *Encoder {
	e := &Encoder{}
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false)
	return e
}

// Encode returns the JSON of v. Its errors are ErrInvalid.
func (e *Encoder) Encode(v any) (string, error) {
	e.buf.Reset()
	if err := e.enc.Encode(v); err != nil {
		return "", fmt.Errorf("%w: %w", backend.ErrInvalid, err)
	}
	b := e.buf.Bytes()
	return string(b[:len(b)-1]), nil // without the newline that ends it
}

// Decode reads what Encode wrote. An error means that the database was damaged, or written by a newer version.
func Decode[T any](body string) (*T, error) {
	v := new(T)
	if err := json.Unmarshal([]byte(body), v); err != nil {
		return nil, fmt.Errorf("stored %T: %w: %w", v, backend.ErrUnavailable, err)
	}
	return v, nil
}

// storedEvent is an event as it is stored: with the numbers of the log lines in it, which the JSON of a line does not
// have, since they are not for the API.
type storedEvent struct {
	*model.Event
	Lines []int `json:"lines,omitempty"`
}

// EncodeEvent returns the JSON of an event. Its errors are ErrInvalid.
func (e *Encoder) EncodeEvent(event *model.Event) (string, error) {
	s := storedEvent{Event: event}
	if event.Job != nil {
		for i := range event.Job.Logs {
			s.Lines = append(s.Lines, event.Job.Logs[i].Seq)
		}
	}
	return e.Encode(s)
}

// DecodeEvent reads what EncodeEvent wrote.
func DecodeEvent(body string) (*model.Event, error) {
	s, err := Decode[storedEvent](body)
	if err != nil {
		return nil, err
	}
	if s.Job != nil && len(s.Lines) == len(s.Job.Logs) {
		for i, line := range s.Lines {
			s.Job.Logs[i].Seq = line
		}
	}
	return s.Event, nil
}
