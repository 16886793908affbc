package yamldoc

import "strings"

// Nearest returns the candidate a mistyped word was most likely meant to be: the one at the
// smallest Damerau-Levenshtein distance, where letter case costs nothing, the first of several
// equals. It returns "" where none is near: at most a third of the word's letters may differ.
func Nearest(word string, candidates []string) string {
	lower := []rune(strings.ToLower(word))
	best, limit := "", len(lower)/3
	for _, candidate := range candidates {
		if candidate == word {
			return candidate
		}
		if d := distance(lower, []rune(strings.ToLower(candidate)), limit); d <= limit {
			best, limit = candidate, d-1
		}
	}
	return best
}

// distance is the number of insertions, deletions, substitutions and swaps of neighbours that turn
// a into b, no letter being edited twice; some number above limit where it is greater than that.
func distance(a, b []rune, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	before, previous, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, previous, row = previous, row, before
		row[0] = i
		smallest := i
		for j := 1; j <= len(b); j++ {
			substitution := previous[j-1]
			if a[i-1] != b[j-1] {
				substitution++
			}
			row[j] = min(substitution, previous[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			smallest = min(smallest, row[j])
		}
		if smallest > limit+1 {
			return limit + 1
		}
	}
	return row[len(b)]
}
