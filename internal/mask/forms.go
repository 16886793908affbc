package mask

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// shortest is the length below which nothing is searched for: it would be found everywhere.
const shortest = 3

// span is a place in a text.
type span struct{ from, to int }

// joined sorts places and makes one of those that overlap: a secret within another, or beginning within another, leaves
// nothing of either visible.
func joined(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	out := spans[:1]
	for _, s := range spans[1:] {
		if last := &out[len(out)-1]; s.from < last.to {
			last.to = max(last.to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// A dictionary finds many words in a text. It looks at every place of the text once: a filter on the first three bytes
// passes over nearly all of them.
type dictionary struct {
	filter []uint64
	words  map[[shortest]byte][]string // by their first bytes, the longest first
}

// filterBits is the size of the filter; a power of two.
const filterBits = 1 << 13

func slot(a, b, c byte) uint32 {
	return (uint32(a)*0x9E3779B1 ^ uint32(b)*0x85EBCA77 ^ uint32(c)*0xC2B2AE3D) >> 7 & (filterBits - 1)
}

func (d *dictionary) add(word string) {
	if len(word) < shortest {
		return
	}
	if d.words == nil {
		d.filter, d.words = make([]uint64, filterBits/64), map[[shortest]byte][]string{}
	}
	n := slot(word[0], word[1], word[2])
	d.filter[n/64] |= 1 << (n % 64)
	key := [shortest]byte{word[0], word[1], word[2]}
	list := d.words[key]
	if slices.Contains(list, word) {
		return
	}
	list = append(list, word)
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	d.words[key] = list
}

// find appends the places of words in s.
func (d *dictionary) find(spans []span, s string) []span {
	if d.words == nil {
		return spans
	}
	for i := 0; i+shortest <= len(s); i++ {
		n := slot(s[i], s[i+1], s[i+2])
		if d.filter[n/64]&(1<<(n%64)) == 0 {
			continue
		}
		for _, w := range d.words[[shortest]byte{s[i], s[i+1], s[i+2]}] {
			if strings.HasPrefix(s[i:], w) {
				spans = append(spans, span{i, i + len(w)})
				break
			}
		}
	}
	return spans
}

// variants are the forms that a secret takes: as it is, in other cases, trimmed, each of its lines, and each of these in
// every encoding.
func variants(s string) []string {
	plain := []string{s, strings.ToUpper(s), strings.ToLower(s), strings.TrimSpace(s)}
	if lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }); len(lines) > 1 {
		for _, l := range lines {
			if len(l) > 7 {
				plain = append(plain, l)
			}
		}
	}
	slices.Sort(plain)
	var out []string
	for _, p := range slices.Compact(plain) {
		out = append(out, encoded(p)...)
	}
	return out
}

// encoded is a text as it is, in JSON (also in JSON within JSON), in URLs and forms, in hexadecimal and in base64.
func encoded(s string) []string {
	once := inJSON(s)
	html := escapedHTML.Replace(once)
	out := []string{s, once, inJSON(once), html, inJSON(html)}
	for _, u := range []string{url.QueryEscape(s), url.PathEscape(s)} {
		form := formEncoded.Replace(u)
		out = append(out, u, form, lowerEscapes(u), lowerEscapes(form))
	}
	inHex := hex.EncodeToString([]byte(s))
	return append(append(out, inHex, strings.ToUpper(inHex)), base64Forms(s)...)
}

// formEncoded is what forms write otherwise than URLs do: a space, a star and a tilde.
var formEncoded = strings.NewReplacer("%20", "+", "%2A", "*", "~", "%7E")

// escapedHTML is what some writers of JSON escape besides.
var escapedHTML = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`)

func inJSON(s string) string {
	quoted := string(value.AppendJSONString(nil, s))
	return quoted[1 : len(quoted)-1]
}

// lowerEscapes writes %2F as %2f.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
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
