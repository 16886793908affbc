package yamldoc

import "fmt"

// Severity says whether a problem makes the document unusable.
type Severity uint8

const (
	// Error refuses the document.
	Error Severity = iota
	// Warning leaves it usable: the text is legal, but probably not what its author meant.
	Warning
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Problem is one thing found wrong with a document, at a place its author can find.
type Problem struct {
	Severity Severity
	// Line and Column count from 1; columns count code points. EndColumn is the first column
	// behind the offending text on the same line.
	Line, Column, EndColumn int
	// Path names the property, e.g. `tasks[0].id`; empty where the text has no structure yet.
	Path    string
	Message string
	// Expected says what would be accepted here, and Suggestion what to write instead; both may be empty.
	Expected, Suggestion string
}

// String renders the problem on one line, without its source.
func (p Problem) String() string {
	s := fmt.Sprintf("line %d, column %d: ", p.Line, p.Column)
	if p.Path != "" {
		s += p.Path + ": "
	}
	s += p.Message
	if p.Expected != "" {
		s += "; expected " + p.Expected
	}
	if p.Suggestion != "" {
		s += "; " + p.Suggestion
	}
	return s
}

// HasErrors reports whether at least one of the problems is an Error.
func HasErrors(problems []Problem) bool {
	for _, p := range problems {
		if p.Severity == Error {
			return true
		}
	}
	return false
}
