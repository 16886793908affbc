package files

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pattern reads a pattern of files: a glob, or with the prefix regex: a regular expression for the whole path. A glob that
// begins with a name matches at any depth, as in the reference. Paths may be written with a slash before them or without.
func Pattern(pattern string) (func(path string) bool, error) {
	if text, ok := strings.CutPrefix(pattern, "regex:"); ok {
		re, err := regexp.Compile("^(?:" + text + ")$")
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		return matcher(re), nil
	}
	glob, explicit := strings.CutPrefix(pattern, "glob:")
	if !explicit && glob != "" && strings.IndexByte("/*?[{", glob[0]) < 0 {
		glob = "**/" + glob
	}
	re, err := regexp.Compile("^" + globExpression(glob) + "$")
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return matcher(re), nil
}

// matcher matches paths with the slash before them: *.sql matches none, as in the reference, where /*.sql and **.sql do.
func matcher(re *regexp.Regexp) func(string) bool {
	return func(path string) bool { return re.MatchString("/" + strings.TrimPrefix(path, "/")) }
}

// AnyOf returns what tells whether a path matches one of several patterns.
func AnyOf(patterns []string) (func(path string) bool, error) {
	matches := make([]func(string) bool, len(patterns))
	for i, p := range patterns {
		var err error
		if matches[i], err = Pattern(p); err != nil {
			return nil, err
		}
	}
	return func(path string) bool {
		return slices.ContainsFunc(matches, func(m func(string) bool) bool { return m(path) })
	}, nil
}

// Below is AnyOf for files of one directory, by their paths in it: a pattern without a prefix begins at the directory.
func Below(patterns []string) (func(path string) bool, error) {
	anchored := make([]string, len(patterns))
	for i, p := range patterns {
		anchored[i] = p
		if !strings.HasPrefix(p, "glob:") && !strings.HasPrefix(p, "regex:") {
			anchored[i] = "glob:/" + strings.TrimPrefix(strings.TrimPrefix(p, "./"), "/")
		}
	}
	return AnyOf(anchored)
}

// Match lists the files below the directory that one of the patterns matches, as Below has it, by name. A name that is not there is left out, as in the reference.
func Match(dir string, patterns []string) ([]string, error) {
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	matches, err := Below(patterns)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, name := range names {
		if matches(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// globExpression turns a glob into a regular expression: * and ? stay within a directory, ** does not, **/ is any number of
// directories, [a-z] is one of some characters, {a,b} one of some texts.
func globExpression(glob string) string {
	var out strings.Builder
	depth := 0
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			switch {
			case strings.HasPrefix(glob[i:], "**/"):
				out.WriteString("(?:.*/)?")
				i += 2
			case strings.HasPrefix(glob[i:], "**"):
				out.WriteString(".*")
				i++
			default:
				out.WriteString("[^/]*")
			}
		case '?':
			out.WriteString("[^/]")
		case '[':
			end := strings.IndexByte(glob[i+1:], ']')
			if end < 1 {
				out.WriteString(`\[`)
				continue
			}
			class := glob[i+1 : i+1+end]
			if class[0] == '!' {
				class = "^/" + class[1:]
			}
			out.WriteString("[" + strings.ReplaceAll(class, `\`, `\\`) + "]")
			i += end + 1
		case '{':
			depth++
			out.WriteString("(?:")
		case '}':
			if depth == 0 {
				out.WriteString(`\}`)
				continue
			}
			depth--
			out.WriteByte(')')
		case ',':
			if depth > 0 {
				out.WriteByte('|')
			} else {
				out.WriteByte(',')
			}
		case '\\':
			if i++; i < len(glob) {
				out.WriteString(regexp.QuoteMeta(glob[i : i+1]))
			}
		default:
			out.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	return out.String()
}
