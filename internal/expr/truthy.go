package expr

import (
	"slices"
	"strings"
)

// Truthy tells whether the rendered text of a condition holds.
func Truthy(s string) bool {
	s = strings.TrimSpace(s)
	return !slices.Contains([]string{"", "0", "-0", "false"}, s)
}
