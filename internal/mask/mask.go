// Package mask hides secrets in what people read: log lines, errors, outputs. A secret is recognised as it is, and in the
// forms that filters and encoders give it.
package mask

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"sort"
	"strings"
	"sync"

	"github.com/windhover-io/windhover/internal/value"
)

// Stars is what stands in place of a secret.
const Stars = "******"

// shortest is the length below which a secret is not searched for: it would be found everywhere.
const shortest = 3

// Masker knows the secrets of one run, or of a whole installation. The zero Masker knows none. It is safe for concurrent use.
type Masker struct {
	mu       sync.RWMutex
	known    map[string]bool
	replacer *strings.Replacer
}

// Add makes secrets known.
func (m *Masker) Add(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed := false
	for _, s := range secrets {
		if len(s) < shortest || m.known[s] {
			continue
		}
		if m.known == nil {
			m.known = map[string]bool{}
		}
		m.known[s] = true
		changed = true
	}
	if changed {
		m.replacer = build(m.known)
	}
}

// Replace returns s with every known secret hidden.
func (m *Masker) Replace(s string) string {
	m.mu.RLock()
	r := m.replacer
	m.mu.RUnlock()
	if r == nil {
		return s
	}
	return r.Replace(s)
}

// Empty tells whether no secret is known.
func (m *Masker) Empty() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.replacer == nil
}

// Value returns v with every known secret hidden in its texts and keys.
func (m *Masker) Value(v any) any {
	if m.Empty() {
		return v
	}
	switch t := v.(type) {
	case string:
		return m.Replace(t)
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = m.Value(e)
		}
		return out
	case *value.Map:
		out := value.NewMap(t.Len())
		for k, e := range t.All() {
			out.Set(m.Replace(k), m.Value(e))
		}
		return out
	}
	return v
}

// build makes the replacer: longer forms first, so that a secret within another does not leave the rest of it visible.
func build(known map[string]bool) *strings.Replacer {
	forms := map[string]bool{}
	for s := range known {
		for _, f := range variants(s) {
			if len(f) >= shortest {
				forms[f] = true
			}
		}
	}
	list := make([]string, 0, len(forms))
	for f := range forms {
		list = append(list, f)
	}
	sort.Slice(list, func(i, j int) bool {
		if len(list[i]) != len(list[j]) {
			return len(list[i]) > len(list[j])
		}
		return list[i] < list[j]
	})
	pairs := make([]string, 0, 2*len(list))
	for _, f := range list {
		pairs = append(pairs, f, Stars)
	}
	return strings.NewReplacer(pairs...)
}

// variants are the forms that a secret takes: plain, in other cases, trimmed, each of its lines, in JSON, in URLs, in
// hexadecimal, and in base64 at each of the three places that it can have within a longer text.
func variants(s string) []string {
	out := []string{s, strings.ToUpper(s), strings.ToLower(s), strings.TrimSpace(s), hex.EncodeToString([]byte(s)),
		url.QueryEscape(s), url.PathEscape(s)}
	quoted := string(value.AppendJSONString(nil, s))
	out = append(out, quoted[1:len(quoted)-1])
	if lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }); len(lines) > 1 {
		for _, l := range lines {
			if len(l) > 7 {
				out = append(out, l)
			}
		}
	}
	return append(out, base64Forms(s)...)
}

// base64Forms are the characters that a secret certainly has in the base64 of any text that contains it: what lies on the
// border to the neighbouring bytes is left out.
func base64Forms(s string) []string {
	var out []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		out = append(out, enc.EncodeToString([]byte(s)))
		for shift := range 3 {
			text := enc.EncodeToString(append(make([]byte, shift), s...))
			start := (shift*8 + 5) / 6
			end := (shift + len(s)) * 8 / 6
			if end-start >= 6 {
				out = append(out, text[start:end])
			}
		}
	}
	return out
}
