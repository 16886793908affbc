package expr

import "time"

// Env is what a template sees of the world. Implementations used from several goroutines must be safe for that.
type Env interface {
	// Var returns a root variable and whether it is defined; a variable may be null.
	Var(name string) (any, bool)
	// Call answers one of the functions that Functions marks as World, or fails. The arguments are bound to the
	// parameters and checked for kind; those that were not given are absent. now is asked without arguments and must
	// answer a date. encrypt asks for "randomBytes" instead, with the argument length, which must answer a string of
	// that many bytes.
	Call(name string, args Args) (any, error)
}

// Optional abilities of an Env.
type (
	// Lister lists the root variables, for printContext() and for suggestions in errors.
	Lister interface{ Names() []string }
	// Zoner has the time zone that dates are shown in by default; without it that is UTC.
	Zoner interface{ Location() *time.Location }
)

// Arg is an argument by the name of its parameter.
type Arg struct {
	Name  string
	Value any
}

// Args are the arguments of a call, in the order of the parameters.
type Args []Arg

// Get returns an argument and whether it was given; it may be null.
func (a Args) Get(name string) (any, bool) {
	for i := range a {
		if a[i].Name == name {
			return a[i].Value, true
		}
	}
	return nil, false
}
