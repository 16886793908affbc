package sqlbase

import (
	"strings"

	"github.com/windhover-io/windhover/internal/backend"
)

// Order is the order of a query: expressions that are never null, the last of them unique.
type Order []Term

// Term is one expression of an order.
type Term struct {
	SQL  string
	Desc bool
}

// OrderOf makes the order of a query out of the expressions of its sort keys. The row number breaks ties, in the
// direction of the last key, so that an index on that key serves both.
func OrderOf(sorts, natural []backend.Sort, expressions map[string]string, row string) Order {
	if len(sorts) == 0 {
		sorts = natural
	}
	var o Order
	for _, s := range sorts {
		o = append(o, Term{expressions[s.By], s.Desc})
	}
	return append(o, Term{row, o[len(o)-1].Desc})
}

// SQL is the text behind ORDER BY.
func (o Order) SQL() string {
	terms := make([]string, len(o))
	for i, t := range o {
		terms[i] = t.SQL
		if t.Desc {
			terms[i] += " DESC"
		}
	}
	return strings.Join(terms, ", ")
}

// Columns is the text that selects the values of a cursor.
func (o Order) Columns() string {
	terms := make([]string, len(o))
	for i, t := range o {
		terms[i] = t.SQL
	}
	return strings.Join(terms, ", ")
}

// After is the condition that a record comes behind the one with these values.
func (o Order) After(values []any) Clause {
	var ways []Clause
	for i, t := range o {
		var all []Clause
		for j := range i {
			all = append(all, Clause{o[j].SQL + " = ?", values[j : j+1]})
		}
		all = append(all, Clause{t.SQL + t.beyond() + " ?", values[i : i+1]})
		ways = append(ways, All(all))
	}
	// The first bound follows from the rest; it is what an index can begin at.
	bound := Clause{o[0].SQL + o[0].beyond() + "= ?", values[:1]}
	return All([]Clause{bound, Any(ways)})
}

func (t Term) beyond() string {
	if t.Desc {
		return " <"
	}
	return " >"
}
