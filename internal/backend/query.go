package backend

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// SystemNamespace is the namespace of SCOPE's SYSTEM.
const SystemNamespace = "system"

// The values of CHILD_FILTER and SCOPE.
const (
	ChildOnly   = "CHILD"
	MainOnly    = "MAIN"
	ScopeUser   = "USER"
	ScopeSystem = "SYSTEM"
)

// ValueKind is what a field holds; it decides which operations it knows and what their Value is.
type ValueKind uint8

// The kinds of field. IN and NOT_IN take a []string everywhere.
const (
	TextField   ValueKind = iota + 1 // a string, compared byte by byte; every operation but the orders
	ChoiceField                      // a string out of a few: equality and membership
	StateField                       // the name of a state: equality and membership
	LevelField                       // the name of a level: equality, membership and the orders
	TimeField                        // a time.Time: equality and the orders
	NumberField                      // an int: equality and the orders
	FlagField                        // a bool: equality
	LabelsField                      // a []model.Label: EQUALS and CONTAINS ask for all of them, IN for any, the NOTs for none
	QueryField                       // a string: EQUALS and CONTAINS, NOT_EQUALS; the case of ASCII letters does not matter
)

// The fields and sort keys of each repository.
var (
	ExecutionFields = map[Field]ValueKind{
		FieldQuery: QueryField, FieldNamespace: TextField, FieldFlowID: TextField, FieldRevision: NumberField,
		FieldScope: ChoiceField, FieldState: StateField, FieldLabels: LabelsField, FieldStartDate: TimeField,
		FieldEndDate: TimeField, FieldTriggerID: TextField, FieldTriggerExec: TextField, FieldParentID: TextField,
		FieldChild: ChoiceField, FieldExecutionID: TextField, FieldTaskID: TextField, FieldTaskRunID: TextField,
		FieldKind: TextField,
	}
	FlowFields = map[Field]ValueKind{
		FieldQuery: QueryField, FieldNamespace: TextField, FieldFlowID: TextField, FieldLabels: LabelsField,
		FieldScope: ChoiceField, FieldDisabled: FlagField,
	}
	LogFields = map[Field]ValueKind{
		FieldQuery: QueryField, FieldNamespace: TextField, FieldFlowID: TextField, FieldScope: ChoiceField,
		FieldExecutionID: TextField, FieldTaskID: TextField, FieldTaskRunID: TextField, FieldAttempt: NumberField,
		FieldTriggerID: TextField, FieldLevel: LevelField, FieldStartDate: TimeField, FieldEndDate: TimeField,
	}
	MetricFields = map[Field]ValueKind{
		FieldNamespace: TextField, FieldFlowID: TextField, FieldExecutionID: TextField, FieldTaskID: TextField,
		FieldTaskRunID: TextField, FieldMetric: TextField, FieldStartDate: TimeField, FieldEndDate: TimeField,
	}
	TriggerFields = map[Field]ValueKind{
		FieldQuery: QueryField, FieldNamespace: TextField, FieldFlowID: TextField, FieldScope: ChoiceField,
		FieldTriggerID: TextField, FieldDisabled: FlagField, FieldType: TextField,
	}
	DocumentFields = map[Field]ValueKind{FieldQuery: QueryField, FieldNamespace: TextField}

	ExecutionSorts = []string{"id", "namespace", "flowId", "flowRevision", "state.current", "state.startDate",
		"state.endDate", "state.duration"}
	TaskRunSorts = []string{"id", "taskId", "executionId", "namespace", "flowId", "state.current", "state.startDate",
		"state.endDate", "state.duration"}
	FlowSorts     = []string{"id", "namespace", "updated"}
	LogSorts      = []string{"timestamp"}
	MetricSorts   = []string{"timestamp", "name"}
	TriggerSorts  = []string{"flowId", "namespace", "triggerId", "nextExecutionDate"}
	DocumentSorts = []string{"id", "namespace", "created", "updated"}
)

var (
	equality   = []Op{OpEquals, OpNotEquals}
	membership = []Op{OpEquals, OpNotEquals, OpIn, OpNotIn}
	orders     = []Op{OpEquals, OpNotEquals, OpGreater, OpGreaterEq, OpLess, OpLessEq}
	operations = map[ValueKind][]Op{
		TextField:   {OpEquals, OpNotEquals, OpIn, OpNotIn, OpContains, OpStarts, OpEnds, OpPrefix, OpRegex},
		ChoiceField: membership, StateField: membership,
		LevelField: append(slices.Clone(orders), OpIn, OpNotIn),
		TimeField:  orders, NumberField: orders, FlagField: equality,
		LabelsField: {OpEquals, OpNotEquals, OpIn, OpNotIn, OpContains},
		QueryField:  {OpEquals, OpNotEquals, OpContains},
	}
)

// Validate checks a query against the fields and sort keys of a repository, so that adapters need not look at the types
// of values again. Its errors are ErrInvalid.
func (q Query) Validate(fields map[Field]ValueKind, sorts []string) error {
	if q.Page < 0 || q.Size < 0 {
		return fmt.Errorf("page %d of size %d: %w", q.Page, q.Size, ErrInvalid)
	}
	for _, f := range q.Filters {
		kind, known := fields[f.Field]
		if !known {
			return fmt.Errorf("filter on %s: %w here", f.Field, ErrInvalid)
		}
		if !slices.Contains(operations[kind], f.Op) {
			return fmt.Errorf("filter on %s by %s: %w operation", f.Field, f.Op, ErrInvalid)
		}
		if err := f.checkValue(kind); err != nil {
			return fmt.Errorf("filter on %s by %s: %w", f.Field, f.Op, err)
		}
	}
	for _, s := range q.Sort {
		if !slices.Contains(sorts, s.By) {
			return fmt.Errorf("sort by %q: %w, one of %s", s.By, ErrInvalid, strings.Join(sorts, ", "))
		}
	}
	return nil
}

func (f Filter) checkValue(kind ValueKind) error {
	var ok bool
	switch {
	case kind == LabelsField:
		_, ok = f.Value.([]model.Label)
	case f.Op == OpIn || f.Op == OpNotIn:
		_, ok = f.Value.([]string)
	case kind == TimeField:
		_, ok = f.Value.(time.Time)
	case kind == NumberField:
		_, ok = f.Value.(int)
	case kind == FlagField:
		_, ok = f.Value.(bool)
	default:
		_, ok = f.Value.(string)
	}
	if !ok {
		return fmt.Errorf("a value of type %T is %w", f.Value, ErrInvalid)
	}
	return f.checkNames(kind)
}

// checkNames refuses unknown names of states, levels and choices, and expressions that do not compile.
func (f Filter) checkNames(kind ValueKind) error {
	var check func(string) error
	switch {
	case kind == StateField:
		check = func(s string) error { _, err := model.ParseState(s); return err }
	case kind == LevelField:
		check = func(s string) error { _, err := model.ParseLevel(s); return err }
	case kind == ChoiceField:
		check = func(s string) error { return f.checkChoice(s) }
	case f.Op == OpRegex:
		check = func(s string) error { _, err := regexp.Compile(s); return err }
	default:
		return nil
	}
	for _, s := range f.Strings() {
		if err := check(s); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	return nil
}

func (f Filter) checkChoice(s string) error {
	choices := []string{ScopeUser, ScopeSystem}
	if f.Field == FieldChild {
		choices = []string{ChildOnly, MainOnly}
	}
	if !slices.Contains(choices, s) {
		return fmt.Errorf("%q is not one of %s", s, strings.Join(choices, ", "))
	}
	return nil
}

// Strings returns the value, a string or several, as a list.
func (f Filter) Strings() []string {
	if s, one := f.Value.(string); one {
		return []string{s}
	}
	many, _ := f.Value.([]string)
	return many
}

// Negative tells whether the operation says what must not be.
func (o Op) Negative() bool { return o == OpNotEquals || o == OpNotIn }

// EncodeCursor makes a cursor of a record's sort values, each a string or an int64.
func EncodeCursor(values []any) string {
	b, err := json.Marshal(values)
	if err != nil {
		return "" // not for strings and numbers
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeCursor returns the values of a cursor, which are as many as n. Its errors are ErrInvalid.
func DecodeCursor(cursor string, n int) ([]any, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, fmt.Errorf("cursor: %w: %w", ErrInvalid, err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var values []any
	if err := dec.Decode(&values); err != nil {
		return nil, fmt.Errorf("cursor: %w: %w", ErrInvalid, err)
	}
	if len(values) != n {
		return nil, fmt.Errorf("cursor of another sort: %w", ErrInvalid)
	}
	for i, v := range values {
		switch v := v.(type) {
		case string:
		case json.Number:
			if values[i], err = v.Int64(); err != nil {
				return nil, fmt.Errorf("cursor: %w: %w", ErrInvalid, err)
			}
		default:
			return nil, fmt.Errorf("cursor: a %T is %w", v, ErrInvalid)
		}
	}
	return values, nil
}
