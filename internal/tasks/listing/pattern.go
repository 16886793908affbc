package listing

import (
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/expr/javaregex"
)

// Pattern returns whether names match a regular expression of Java's, as a whole. An empty one matches all.
func Pattern(property, expression string) (func(name string) (bool, error), error) {
	if expression == "" {
		return func(string) (bool, error) { return true, nil }, nil
	}
	re, err := javaregex.Compile(expression, javaregex.Limits{Time: 5 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", property, err)
	}
	return re.MatchAll, nil
}
