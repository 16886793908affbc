package sqlbase

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// Dialect is the text that differs between databases. Conditions hold ? for their arguments everywhere; an adapter whose
// database counts them rewrites the finished statement.
type Dialect struct {
	// Contains, Starts and Ends are conditions on a column, %s, byte by byte, without wildcards. Each ? is the same argument.
	Contains, Starts, Ends string
	// Regex is the condition that an RE2 expression matches the column.
	Regex string
	// Lower maps the ASCII letters of a column to small ones; it may map others too.
	Lower string
}

// Clause is a condition with its arguments.
type Clause struct {
	SQL  string
	Args []any
}

var (
	always = Clause{SQL: "1=1"}
	never  = Clause{SQL: "1=0"}
)

// All is the condition that all clauses hold.
func All(clauses []Clause) Clause { return join(clauses, " AND ", always) }

// Any is the condition that one of the clauses holds.
func Any(clauses []Clause) Clause { return join(clauses, " OR ", never) }

// Not is the condition that the clause does not hold.
func Not(c Clause) Clause { return Clause{"NOT (" + c.SQL + ")", c.Args} }

func join(clauses []Clause, by string, none Clause) Clause {
	switch len(clauses) {
	case 0:
		return none
	case 1:
		return clauses[0]
	}
	var out Clause
	parts := make([]string, len(clauses))
	for i, c := range clauses {
		parts[i] = "(" + c.SQL + ")"
		out.Args = append(out.Args, c.Args...)
	}
	out.SQL = strings.Join(parts, by)
	return out
}

// Schema says how the fields of one repository are found in its table.
type Schema struct {
	Dialect Dialect
	Kinds   map[backend.Field]backend.ValueKind
	// Columns are the expressions of plain fields.
	Columns map[backend.Field]string
	// Text are the columns that QUERY looks into, IDs those whose beginning it looks at.
	Text, IDs []string
	// Label is the condition that a record has a label.
	Label func(model.Label) Clause
	// Wrap puts a field's condition into another one, such as that there is a task run for which it holds.
	Wrap map[backend.Field]func(Clause) Clause
}

// Where returns the condition of each filter, in their order. The query was validated before.
func (s *Schema) Where(filters []backend.Filter) []Clause {
	clauses := make([]Clause, len(filters))
	for i, f := range filters {
		clauses[i] = s.condition(f)
		if wrap := s.Wrap[f.Field]; wrap != nil {
			clauses[i] = wrap(clauses[i])
		}
	}
	return clauses
}

func (s *Schema) condition(f backend.Filter) Clause {
	column := s.Columns[f.Field]
	switch s.Kinds[f.Field] {
	case backend.LabelsField:
		return s.labels(f)
	case backend.QueryField:
		return s.query(f)
	case backend.ChoiceField:
		return choice(f, column)
	case backend.LevelField:
		return level(f, column)
	case backend.TimeField:
		at, _ := f.Value.(time.Time)
		return order(f.Op, column, Micros(at))
	case backend.NumberField:
		n, _ := f.Value.(int)
		return order(f.Op, column, int64(n))
	case backend.FlagField:
		on, _ := f.Value.(bool)
		if on != f.Op.Negative() {
			return Clause{SQL: column + " <> 0"}
		}
		return Clause{SQL: column + " = 0"}
	default:
		return s.text(f, column)
	}
}

func (s *Schema) text(f backend.Filter, column string) Clause {
	value, _ := f.Value.(string)
	one := func(sql string) Clause {
		c := Clause{SQL: fmt.Sprintf(sql, column)}
		for range strings.Count(sql, "?") {
			c.Args = append(c.Args, value)
		}
		return c
	}
	switch f.Op {
	case backend.OpEquals:
		return one("%s = ?")
	case backend.OpNotEquals:
		return one("%s <> ?")
	case backend.OpIn:
		return in(column, f.Strings())
	case backend.OpNotIn:
		return Not(in(column, f.Strings()))
	case backend.OpPrefix:
		// '/' is the character after '.', so that an index gives what lies between, and little else.
		return Clause{fmt.Sprintf("%s >= ? AND %[1]s < ? AND (%[1]s = ? OR %[1]s >= ?)", column), []any{value, value + "/", value, value + "."}}
	case backend.OpRegex:
		return one(s.Dialect.Regex)
	}
	if value == "" {
		return always
	}
	switch f.Op {
	case backend.OpContains:
		return one(s.Dialect.Contains)
	case backend.OpStarts:
		return one(s.Dialect.Starts)
	default:
		return one(s.Dialect.Ends)
	}
}

func in(column string, values []string) Clause {
	if len(values) == 0 {
		return never
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return Clause{column + " IN (?" + strings.Repeat(",?", len(values)-1) + ")", args}
}

// order compares a number. A record without one is different from all, and neither less nor greater.
func order(op backend.Op, column string, value int64) Clause {
	args := []any{value}
	switch op {
	case backend.OpEquals:
		return Clause{column + " = ?", args}
	case backend.OpNotEquals:
		return Clause{fmt.Sprintf("%s <> ? OR %[1]s IS NULL", column), args}
	case backend.OpGreater:
		return Clause{column + " > ?", args}
	case backend.OpGreaterEq:
		return Clause{column + " >= ?", args}
	case backend.OpLess:
		return Clause{column + " < ?", args}
	default:
		return Clause{column + " <= ?", args}
	}
}

// level puts the numbers into the text: an index on severe lines is found by them.
func level(f backend.Filter, column string) Clause {
	var clauses []Clause
	for _, name := range f.Strings() {
		l, _ := model.ParseLevel(name)
		op := f.Op
		if op == backend.OpIn || op == backend.OpNotIn {
			op = backend.OpEquals
		}
		c := order(op, column, 0)
		clauses = append(clauses, Clause{SQL: strings.ReplaceAll(c.SQL, "?", fmt.Sprint(int(l)))})
	}
	if f.Op == backend.OpNotIn {
		return Not(Any(clauses))
	}
	return Any(clauses)
}

// choice compares a column whose one value, the first choice, is meant by equality with a text.
func choice(f backend.Filter, column string) Clause {
	is := map[string]Clause{
		backend.ScopeSystem: {column + " = ?", []any{backend.SystemNamespace}},
		backend.ScopeUser:   {column + " <> ?", []any{backend.SystemNamespace}},
		backend.ChildOnly:   {SQL: column + " <> ''"},
		backend.MainOnly:    {SQL: column + " = ''"},
	}
	var clauses []Clause
	for _, name := range f.Strings() {
		clauses = append(clauses, is[name])
	}
	if f.Op.Negative() {
		return Not(Any(clauses))
	}
	return Any(clauses)
}

func (s *Schema) labels(f backend.Filter) Clause {
	labels, _ := f.Value.([]model.Label)
	var clauses []Clause
	for _, l := range labels {
		clauses = append(clauses, s.Label(l))
	}
	switch f.Op {
	case backend.OpIn:
		return Any(clauses)
	case backend.OpNotEquals, backend.OpNotIn:
		return Not(Any(clauses))
	default:
		return All(clauses)
	}
}

func (s *Schema) query(f backend.Filter) Clause {
	text, _ := f.Value.(string)
	if text == "" {
		if f.Op.Negative() {
			return never
		}
		return always
	}
	var clauses []Clause
	for _, column := range s.Text {
		found := fmt.Sprintf(s.Dialect.Contains, fmt.Sprintf(s.Dialect.Lower, column))
		clauses = append(clauses, Clause{found, []any{lower(text)}})
	}
	for _, column := range s.IDs {
		clauses = append(clauses, Beginning(column, text))
	}
	if f.Op.Negative() {
		return Not(Any(clauses))
	}
	return Any(clauses)
}

// Beginning is the condition that an id begins with a text, as a range of an index.
func Beginning(column, text string) Clause {
	return Clause{column + " >= ? AND " + column + " < ?", []any{text, text + string(unicode.MaxRune)}}
}

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
