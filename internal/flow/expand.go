package flow

import (
	"fmt"
	"strings"
)

// Expand replaces `[[> file ]]` by the content of a file, as older flows include parts of their text. A content of one line
// stands where the mark does; one of several lines gets what precedes the mark before each of its lines, and what follows
// it is dropped. Marks in what is included are not replaced.
func Expand(src []byte, read func(file string) ([]byte, error)) ([]byte, error) {
	lines := strings.Split(string(src), "\n")
	for i, line := range lines {
		before, rest, ok := strings.Cut(line, "[[>")
		file, after, closed := strings.Cut(rest, "]]")
		if !ok || !closed {
			continue
		}
		content, err := read(strings.TrimSpace(file))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		included := strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(content), "\r\n", "\n"), "\n"), "\n")
		if len(included) == 1 {
			lines[i] = before + included[0] + after
			continue
		}
		for j := range included {
			included[j] = before + included[j]
		}
		lines[i] = strings.Join(included, "\n")
	}
	return []byte(strings.Join(lines, "\n")), nil
}
