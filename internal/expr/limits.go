package expr

import (
	"fmt"
	"time"
)

// Limits bound one evaluation, with everything that it renders in turn. A field that is zero means its default.
type Limits struct {
	Output    int           // bytes of text written; default 32 MiB
	Steps     int           // units of work: about one for each node evaluated and for each 64 bytes built; default 5 million
	Text      int           // bytes of any one string built on the way; default 16 MiB
	Range     int           // elements of one range; default 1 million
	Depth     int           // renders and macros within each other; default 64
	Passes    int           // passes of a recursive render; default 100
	RegexTime time.Duration // of one match that needs backtracking; default 1 s
	JQSteps   int           // instructions of one jq program; default 5 million
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, n int) {
		if *field == 0 {
			*field = n
		}
	}
	set(&l.Output, 32<<20)
	set(&l.Steps, 5_000_000)
	set(&l.Text, 16<<20)
	set(&l.Range, 1_000_000)
	set(&l.Depth, 64)
	set(&l.Passes, 100)
	set(&l.JQSteps, 5_000_000)
	if l.RegexTime == 0 {
		l.RegexTime = time.Second
	}
	return l
}

// run is what an evaluation and the renders within it have in common.
type run struct {
	lim   Limits
	steps int
	depth int
	cache *Cache
}

// step pays for n units of work.
func (r *run) step(n int) error {
	r.steps += n
	if r.steps > r.lim.Steps || n < 0 {
		return &limitError{fmt.Sprintf("the expression needs more than %d steps", r.lim.Steps)}
	}
	return nil
}

// text pays for a string of n bytes; it is asked before the string is built where n can be known.
func (r *run) text(n int) error {
	if n > r.lim.Text || n < 0 {
		return &limitError{fmt.Sprintf("a text of more than %d bytes would be built", r.lim.Text)}
	}
	return r.step(n / 64)
}

// enter begins a render or macro; leave ends it.
func (r *run) enter() error {
	if r.depth++; r.depth > r.lim.Depth {
		return &limitError{fmt.Sprintf("render and macros are nested deeper than %d levels", r.lim.Depth)}
	}
	return r.step(1)
}

func (r *run) leave() { r.depth-- }
