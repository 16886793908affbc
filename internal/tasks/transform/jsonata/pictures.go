package jsonata

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/windhover-io/windhover/internal/value"
)

// formatNumber writes a number by a picture as #,##0.00;(#,##0.00).
func formatNumber(_ *evaluation, a []any) (any, error) {
	x, ok := a[0].(float64)
	picture, _ := a[1].(string)
	if !ok {
		return undefined, nil
	}
	signs := map[string]string{"decimal-separator": ".", "grouping-separator": ",", "exponent-separator": "e", "minus-sign": "-", "percent": "%", "per-mille": "‰", "zero-digit": "0", "digit": "#", "pattern-separator": ";"}
	if m, ok := a[2].(*value.Map); ok {
		for k, v := range m.All() {
			if s, ok := v.(string); ok {
				signs[k] = s
			}
		}
	}
	parts := strings.Split(picture, signs["pattern-separator"])
	if len(parts) > 2 {
		return nil, fail("D3080", "the picture has more than two parts")
	}
	part, prefix := parts[0], ""
	if x < 0 {
		if len(parts) == 2 {
			part = parts[1]
		} else {
			prefix = signs["minus-sign"]
		}
	}
	p, err := parseNumberPicture(part, signs)
	if err != nil {
		return nil, err
	}
	return prefix + p.before + p.format(math.Abs(x), signs) + p.after, nil
}

// numberPicture is a part of a picture.
type numberPicture struct {
	before, after                 string
	least, leastFraction, most    int // digits
	exponent                      int // digits of it, 0 for none
	groups                        []int
	fractionGroups                []int
	regular                       int // the size of groups that repeat, 0 where they do not
	factor                        float64
	scale                         int // digits before the point, where there is an exponent
	zero                          rune
	hasPoint                      bool
	decimal, grouping, exponentAs string
}

func parseNumberPicture(part string, signs map[string]string) (*numberPicture, error) {
	zero := []rune(signs["zero-digit"])[0]
	isDigit := func(r rune) bool { return r >= zero && r < zero+10 }
	active := func(r rune) bool {
		return isDigit(r) || strings.ContainsRune(signs["digit"]+signs["decimal-separator"]+signs["grouping-separator"], r)
	}
	runes := []rune(part)
	start, end := 0, len(runes)
	for start < end && !active(runes[start]) {
		start++
	}
	for end > start && !active(runes[end-1]) {
		end--
	}
	if start == end {
		return nil, fail("D3085", "the picture has no digit")
	}
	p := &numberPicture{before: string(runes[:start]), after: string(runes[end:]), factor: 1, zero: zero, decimal: signs["decimal-separator"], grouping: signs["grouping-separator"], exponentAs: signs["exponent-separator"]}
	body := string(runes[start:end])
	percent, mille := strings.Count(part, signs["percent"]), strings.Count(part, signs["per-mille"])
	switch {
	case percent > 1:
		return nil, fail("D3082", "the picture has more than one percent sign")
	case mille > 1:
		return nil, fail("D3083", "the picture has more than one per-mille sign")
	case percent+mille > 1:
		return nil, fail("D3084", "the picture has a percent and a per-mille sign")
	case percent == 1:
		p.factor = 100
	case mille == 1:
		p.factor = 1000
	}
	mantissa, exponent, has := strings.Cut(body, p.exponentAs)
	if has {
		if percent+mille > 0 || exponent == "" {
			return nil, fail("D3092", "the picture has an exponent and a percent sign")
		}
		for _, r := range exponent {
			if !isDigit(r) {
				return nil, fail("D3093", "the exponent of the picture has other characters than digits")
			}
		}
		p.exponent = len([]rune(exponent))
	}
	if strings.Count(mantissa, p.decimal) > 1 {
		return nil, fail("D3081", "the picture has more than one decimal separator")
	}
	whole, fraction, point := strings.Cut(mantissa, p.decimal)
	p.hasPoint = point
	for _, r := range whole + fraction {
		if !active(r) {
			return nil, fail("D3086", "the picture has %q between its digits", string(r))
		}
	}
	if strings.HasSuffix(whole, p.grouping) && point || strings.HasPrefix(fraction, p.grouping) {
		return nil, fail("D3087", "a grouping separator stands beside the decimal separator")
	}
	if strings.HasSuffix(whole, p.grouping) && !point {
		return nil, fail("D3088", "the picture ends with a grouping separator")
	}
	if strings.Contains(whole+"|"+fraction, p.grouping+p.grouping) {
		return nil, fail("D3089", "two grouping separators stand beside each other")
	}
	seen := false
	for _, r := range whole {
		if isDigit(r) {
			seen, p.least = true, p.least+1
		} else if string(r) == signs["digit"] && seen {
			return nil, fail("D3090", "the picture has an optional digit after a mandatory one")
		}
	}
	seen = false
	n := 0
	for _, r := range fraction {
		switch {
		case string(r) == p.grouping:
			p.fractionGroups = append(p.fractionGroups, n)
			continue
		case isDigit(r) && seen:
			return nil, fail("D3091", "the picture has a mandatory digit after an optional one")
		case isDigit(r):
			p.leastFraction++
		default:
			seen = true
		}
		n++
	}
	p.most = n
	digits := strings.Split(whole, p.grouping)
	for i, at := len(digits)-1, 0; i > 0; i-- {
		at += len([]rune(digits[i]))
		p.groups = append(p.groups, at)
	}
	if len(p.groups) > 0 {
		p.regular = p.groups[0]
		for i, at := range p.groups {
			if at != p.regular*(i+1) {
				p.regular = 0
				break
			}
		}
	}
	p.scale = p.least
	if p.least == 0 && p.most == 0 {
		if p.exponent > 0 {
			p.leastFraction, p.most = 1, 1
		} else {
			p.least = 1
		}
	}
	if p.exponent > 0 && p.least == 0 && strings.Contains(whole, signs["digit"]) {
		p.least = 1
	}
	if p.least == 0 && p.leastFraction == 0 && p.most > 0 {
		p.leastFraction = 1
	}
	return p, nil
}

func (p *numberPicture) format(x float64, signs map[string]string) string {
	x *= p.factor
	exponent := 0
	if p.exponent > 0 && x != 0 {
		for top := math.Pow(10, float64(p.scale)); x >= top; exponent++ {
			x /= 10
		}
		for bottom := math.Pow(10, float64(p.scale-1)); x < bottom; exponent-- {
			x *= 10
		}
	}
	rounded, _ := round(nil, []any{x, float64(p.most)})
	x, _ = rounded.(float64)
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(x, 'f', p.most, 64), ".")
	whole = strings.TrimLeft(whole, "0")
	for len(whole) < p.least {
		whole = "0" + whole
	}
	for len(fraction) > p.leastFraction && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	var b strings.Builder
	for i, c := range whole {
		left := len(whole) - i
		if i > 0 && p.separates(left) {
			b.WriteString(p.grouping)
		}
		b.WriteRune(p.zero + c - '0')
	}
	if fraction != "" {
		b.WriteString(p.decimal)
	}
	for i, c := range fraction {
		for _, at := range p.fractionGroups {
			if at == i {
				b.WriteString(p.grouping)
			}
		}
		b.WriteRune(p.zero + c - '0')
	}
	if p.exponent > 0 {
		b.WriteString(p.exponentAs)
		if exponent < 0 {
			b.WriteString(signs["minus-sign"])
			exponent = -exponent
		}
		for _, c := range fmt.Sprintf("%0*d", p.exponent, exponent) {
			b.WriteRune(p.zero + c - '0')
		}
	}
	return b.String()
}

// separates tells whether a grouping separator stands before so many digits.
func (p *numberPicture) separates(left int) bool {
	if p.regular > 0 {
		return left%p.regular == 0
	}
	for _, at := range p.groups {
		if at == left {
			return true
		}
	}
	return false
}

// formatInteger writes a whole number by a picture: digits, Roman numbers or letters.
func formatInteger(_ *evaluation, a []any) (any, error) {
	x, ok := a[0].(float64)
	picture, _ := a[1].(string)
	if !ok {
		return undefined, nil
	}
	return integerText(int(math.Floor(x)), picture)
}

func integerText(n int, picture string) (string, error) {
	picture, modifier, _ := strings.Cut(picture, ";")
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	switch picture {
	case "I":
		return sign + roman(n), nil
	case "i":
		return sign + strings.ToLower(roman(n)), nil
	case "A", "a":
		text := ""
		for m := n; m > 0; m = (m - 1) / 26 {
			text = string(rune(picture[0])+rune((m-1)%26)) + text
		}
		return sign + text, nil
	case "w", "W", "Ww":
		return "", fail("D3130", "numbers as words are not supported")
	}
	digits, zero := 0, '0'
	for _, r := range picture {
		if unicode.IsDigit(r) {
			digits++
			for zero = r; unicode.IsDigit(zero - 1); zero-- {
			}
		} else if unicode.IsLetter(r) {
			return "", fail("D3130", "the picture %q is not supported", picture)
		}
	}
	if digits == 0 {
		return "", fail("D3130", "the picture %q has no digit", picture)
	}
	text := fmt.Sprintf("%0*d", digits, n)
	if i := strings.LastIndexFunc(picture, func(r rune) bool { return r != '#' && !unicode.IsDigit(r) }); i >= 0 {
		separator := []rune(picture[i:])[0]
		size := len([]rune(picture[i:])) - 1
		for at := len(text) - size; at > 0 && size > 0; at -= size {
			text = text[:at] + string(separator) + text[at:]
		}
	}
	text = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + zero
		}
		return r
	}, text)
	if strings.HasPrefix(modifier, "o") {
		text += ordinal(n)
	}
	return sign + text, nil
}

func ordinal(n int) string {
	if n%100/10 != 1 {
		switch n % 10 {
		case 1:
			return "st"
		case 2:
			return "nd"
		case 3:
			return "rd"
		}
	}
	return "th"
}

var romans = []struct {
	n    int
	text string
}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}}

func roman(n int) string {
	text := ""
	for _, r := range romans {
		for n >= r.n && len(text) < 1000 {
			text += r.text
			n -= r.n
		}
	}
	return text
}

func parseInteger(_ *evaluation, a []any) (any, error) {
	s, ok := a[0].(string)
	picture, _ := a[1].(string)
	if !ok {
		return undefined, nil
	}
	switch picture {
	case "I", "i":
		n, rest := 0, strings.ToUpper(s)
		for _, r := range romans {
			for strings.HasPrefix(rest, r.text) {
				n, rest = n+r.n, rest[len(r.text):]
			}
		}
		return float64(n), nil
	case "A", "a":
		n := 0
		for _, r := range strings.ToUpper(s) {
			n = n*26 + int(r-'A') + 1
		}
		return float64(n), nil
	case "w", "W", "Ww":
		return nil, fail("D3130", "numbers as words are not supported")
	}
	digits := strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return -1
		}
		zero := r
		for unicode.IsDigit(zero - 1) {
			zero--
		}
		return r - zero + '0'
	}, s)
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return nil, fail("D3137", "%q is no number", s)
	}
	return f, nil
}

// marker is a component of a picture of dates, as [Y0001] or [MNn].
type marker struct {
	literal   string
	component byte
	form      string
	width     int // the most characters, 0 for any
	least     int
}

func parseMarkers(picture string) ([]marker, error) {
	var list []marker
	for picture != "" {
		i := strings.IndexAny(picture, "[]")
		if i < 0 {
			return append(list, marker{literal: picture}), nil
		}
		if i > 0 {
			list = append(list, marker{literal: picture[:i]})
		}
		if strings.HasPrefix(picture[i:], "[[") || strings.HasPrefix(picture[i:], "]]") {
			list = append(list, marker{literal: picture[i : i+1]})
			picture = picture[i+2:]
			continue
		}
		end := strings.IndexByte(picture[i:], ']')
		if end < 2 {
			return nil, fail("D3135", "the picture has a bracket without another one")
		}
		text := strings.ReplaceAll(picture[i+1:i+end], " ", "")
		m := marker{component: text[0], form: text[1:]}
		if form, width, ok := strings.Cut(m.form, ","); ok {
			m.form = form
			least, most, _ := strings.Cut(width, "-")
			m.least, _ = strconv.Atoi(least) // * stands for any
			m.width, _ = strconv.Atoi(most)
		}
		list = append(list, m)
		picture = picture[i+end+1:]
	}
	return list, nil
}

func formatPicture(t time.Time, picture string) (any, error) {
	list, err := parseMarkers(picture)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, m := range list {
		text := m.literal
		if m.component != 0 {
			if text, err = m.format(t); err != nil {
				return nil, err
			}
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (m marker) format(t time.Time) (string, error) {
	isoYear, isoWeek := t.ISOWeek()
	hour := t.Hour() % 12
	if hour == 0 {
		hour = 12
	}
	weekday := int(t.Weekday())
	if weekday == 0 {
		weekday = 7
	}
	switch m.component {
	case 'Y':
		text, err := m.number(t.Year(), "1")
		if digits := len(m.form); err == nil && (digits == 2 && m.form != "" && unicode.IsDigit(rune(m.form[0])) || m.width > 0) {
			if m.width > 0 {
				digits = m.width
			}
			text = text[max(0, len(text)-digits):]
		}
		return text, err
	case 'X':
		return m.number(isoYear, "1")
	case 'M':
		return m.name(t.Month().String(), int(t.Month()))
	case 'D':
		return m.number(t.Day(), "1")
	case 'd':
		return m.number(t.YearDay(), "1")
	case 'F':
		if m.form == "" {
			m.form = "n"
		}
		return m.name(t.Weekday().String(), weekday)
	case 'W':
		return m.number(isoWeek, "1")
	case 'H':
		return m.number(t.Hour(), "1")
	case 'h':
		return m.number(hour, "1")
	case 'm':
		return m.number(t.Minute(), "01")
	case 's':
		return m.number(t.Second(), "01")
	case 'f':
		return m.number(t.Nanosecond()/1e6, "1")
	case 'P':
		if m.form == "N" {
			return strings.ToUpper(t.Format("pm")), nil
		}
		return t.Format("pm"), nil
	case 'Z', 'z':
		return m.zone(t), nil
	case 'C', 'E':
		return "ISO", nil
	}
	return "", fail("D3132", "the component %q of the picture is not known", string(m.component))
}

func (m marker) number(n int, form string) (string, error) {
	if m.form != "" {
		form = m.form
	}
	form, ordinal := strings.CutSuffix(form, "o")
	if m.least > len(form) {
		form = strings.Repeat("0", m.least-len(form)) + form
	}
	if ordinal {
		form += ";o"
	}
	return integerText(n, form)
}

func (m marker) name(name string, n int) (string, error) {
	switch m.form {
	case "N":
		name = strings.ToUpper(name)
	case "n":
		name = strings.ToLower(name)
	case "Nn":
	default:
		return m.number(n, "1")
	}
	if m.width > 0 && len(name) > m.width {
		name = name[:m.width]
	}
	return name, nil
}

func (m marker) zone(t time.Time) string {
	form := strings.TrimSuffix(m.form, "t")
	_, offset := t.Zone()
	if offset == 0 && strings.HasSuffix(m.form, "t") {
		return "Z"
	}
	layout := "-07:00"
	switch form {
	case "0101", "0001":
		layout = "-0700"
	case "0", "1":
		layout = "-7"
	}
	text := t.Format("-07:00")
	if layout == "-0700" {
		text = strings.Replace(text, ":", "", 1)
	} else if layout == "-7" {
		text = text[:1] + strings.TrimPrefix(text[1:], "0")
		text = strings.TrimSuffix(text, ":00")
	}
	if m.component == 'z' {
		return "GMT" + text
	}
	return text
}

// parsePicture reads a date that was written by a picture of digits and names.
func parsePicture(s, picture string) (any, error) {
	list, err := parseMarkers(picture)
	if err != nil {
		return nil, err
	}
	layout := ""
	for _, m := range list {
		part, ok := m.literal, true
		if m.component != 0 {
			part, ok = m.layout()
		}
		if !ok {
			return nil, fail("D3136", "the picture %q cannot be read by", picture)
		}
		layout += part
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return undefined, nil //nolint:nilerr // what does not match is nothing
	}
	return float64(t.UnixMilli()), nil
}

// layout is a component as Go writes it.
func (m marker) layout() (string, bool) {
	two := len(m.form) == 2 && unicode.IsDigit(rune(m.form[0]))
	choose := func(one, both string) (string, bool) {
		if two {
			return both, true
		}
		return one, true
	}
	switch m.component {
	case 'Y':
		return choose("2006", "06")
	case 'M':
		if strings.HasPrefix(m.form, "N") {
			if m.width == 3 {
				return "Jan", true
			}
			return "January", true
		}
		return choose("1", "01")
	case 'D':
		return choose("2", "02")
	case 'd':
		return "002", true
	case 'F':
		if m.width == 3 {
			return "Mon", true
		}
		return "Monday", true
	case 'H':
		return "15", true
	case 'h':
		return choose("3", "03")
	case 'm':
		return "04", true
	case 's':
		return "05", true
	case 'f':
		return "000", true
	case 'P':
		return "pm", true
	case 'Z', 'z':
		if m.form == "0101" {
			return "-0700", true
		}
		return "Z07:00", true
	}
	return "", false
}
