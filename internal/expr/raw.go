package expr

import "strings"

// A raw block is {% raw %}…{% endraw %} on one line. Unlike verbatim it survives being rendered several times, so its
// tags stay until the last pass is done; dashes in them trim nothing.

// rawBlockEnd returns the length of the raw block that s begins with, or 0.
func rawBlockEnd(s string) int {
	start := rawTagEnd(s, "raw")
	if start == 0 {
		return 0
	}
	line := s[:start+len(firstLine(s[start:]))]
	for from := start; ; {
		i := strings.Index(line[from:], "{%")
		if i < 0 {
			return 0
		}
		from += i
		if n := rawTagEnd(line[from:], "endraw"); n > 0 {
			return from + n
		}
		from += 2
	}
}

func firstLine(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return s[:i]
	}
	return s
}

// rawTagEnd returns the length of the tag of that name that s begins with, or 0.
func rawTagEnd(s, name string) int {
	rest, ok := strings.CutPrefix(s, "{%")
	if !ok {
		return 0
	}
	rest = strings.TrimLeft(strings.TrimLeft(rest, "-"), spaces)
	if rest, ok = strings.CutPrefix(rest, name); !ok {
		return 0
	}
	rest = strings.TrimLeft(strings.TrimLeft(rest, spaces), "-")
	if rest, ok = strings.CutPrefix(rest, "%}"); !ok {
		return 0
	}
	return len(s) - len(rest)
}

// stripRaw removes the tags of raw blocks, which is done to the final result.
func stripRaw(s string) string {
	if !strings.Contains(s, "endraw") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "{%")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		n := rawBlockEnd(s)
		if n == 0 {
			skip := 2
			if start := rawTagEnd(s, "raw"); start > 0 { // nothing on this line closes it, nor any other that opens there
				skip = start + len(firstLine(s[start:]))
			}
			b.WriteString(s[:skip])
			s = s[skip:]
			continue
		}
		block := s[rawTagEnd(s, "raw"):n]
		b.WriteString(block[:strings.LastIndex(block, "{%")])
		s = s[n:]
	}
}
