package jsonata

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/value"
)

// builtins are the functions that every expression has.
var builtins map[string]*function

type body func(e *evaluation, a []any) (any, error)

func init() { // not where it is declared: some of them evaluate expressions
	builtins = map[string]*function{}
	for _, list := range []map[string]struct {
		sig string
		f   body
	}{stringFunctions, numberFunctions, listFunctions, objectFunctions, higherFunctions, timeFunctions} {
		for name, x := range list {
			sig, err := parseSignature(x.sig)
			if err != nil {
				panic(name + ": " + err.Error()) // they are constants; the tests meet it
			}
			builtins[name] = &function{name: name, sig: sig, arity: sig.required(), call: func(e *evaluation, args []any, _ any) (any, error) {
				for len(args) < len(sig.params) {
					args = append(args, undefined)
				}
				return x.f(e, args)
			}}
		}
	}
}

type table = map[string]struct {
	sig string
	f   body
}

// ofNumber is a function of a number, which is nothing of nothing.
func ofNumber(f func(x float64) float64) body {
	return func(_ *evaluation, a []any) (any, error) {
		if x, ok := a[0].(float64); ok {
			return f(x), nil
		}
		return undefined, nil
	}
}

var numberFunctions = table{
	"abs":   {"<n-:n>", ofNumber(math.Abs)},
	"floor": {"<n-:n>", ofNumber(math.Floor)},
	"ceil":  {"<n-:n>", ofNumber(math.Ceil)},
	"sqrt": {"<n-:n>", func(_ *evaluation, a []any) (any, error) {
		x, ok := a[0].(float64)
		if !ok {
			return undefined, nil
		}
		if x < 0 {
			return nil, fail("D3060", "there is no square root of %v", x)
		}
		return math.Sqrt(x), nil
	}},
	"power": {"<n-n:n>", func(_ *evaluation, a []any) (any, error) {
		x, ok := a[0].(float64)
		y, and := a[1].(float64)
		if !ok || !and {
			return undefined, nil
		}
		f := math.Pow(x, y)
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, fail("D3061", "%v to the power of %v is out of range", x, y)
		}
		return f, nil
	}},
	"round":  {"<n-n?:n>", round},
	"random": {"<:n>", func(*evaluation, []any) (any, error) { return rand.Float64(), nil }},
	"number": {"<(nsb)-:n>", toNumber},
	"formatBase": {"<n-n?:s>", func(_ *evaluation, a []any) (any, error) {
		x, ok := a[0].(float64)
		if !ok {
			return undefined, nil
		}
		radix := 10.0
		if r, ok := a[1].(float64); ok {
			radix = math.RoundToEven(r)
		}
		if radix < 2 || radix > 36 {
			return nil, fail("D3100", "the radix must be between 2 and 36")
		}
		return strconv.FormatInt(int64(math.RoundToEven(x)), int(radix)), nil
	}},
	"formatNumber":  {"<n-so?:s>", formatNumber},
	"formatInteger": {"<n-s:s>", formatInteger},
	"parseInteger":  {"<s-s:n>", parseInteger},
	"sum":           {"<a<n>:n>", aggregate(func(list []float64) any { return total(list) })},
	"max": {"<a<n>:n>", aggregate(func(list []float64) any {
		if len(list) == 0 {
			return undefined
		}
		return slices.Max(list)
	})},
	"min": {"<a<n>:n>", aggregate(func(list []float64) any {
		if len(list) == 0 {
			return undefined
		}
		return slices.Min(list)
	})},
	"average": {"<a<n>:n>", aggregate(func(list []float64) any {
		if len(list) == 0 {
			return undefined
		}
		return total(list) / float64(len(list))
	})},
}

func total(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum
}

func aggregate(f func([]float64) any) body {
	return func(_ *evaluation, a []any) (any, error) {
		if !defined(a[0]) {
			return undefined, nil
		}
		var list []float64
		for _, item := range asArray(a[0]).items {
			x, _ := item.(float64) // the signature has seen to it
			list = append(list, x)
		}
		return f(list), nil
	}
}

// round goes to the even neighbour from the middle, by the digits that the number shows.
func round(_ *evaluation, a []any) (any, error) {
	x, ok := a[0].(float64)
	if !ok {
		return undefined, nil
	}
	digits, _ := a[1].(float64)
	d, ok := value.ParseDecimal(strconv.FormatFloat(x, 'f', -1, 64))
	if !ok || digits > 300 || digits < -300 {
		return x, nil
	}
	scaled, err := strconv.ParseFloat(d.String()+"e"+strconv.Itoa(int(digits)), 64)
	if err != nil {
		return x, nil //nolint:nilerr // it is too large to have a fraction
	}
	f, err := strconv.ParseFloat(strconv.FormatFloat(math.RoundToEven(scaled), 'f', -1, 64)+"e"+strconv.Itoa(-int(digits)), 64)
	if err != nil {
		return x, nil //nolint:nilerr // likewise
	}
	if f == 0 {
		f = 0
	}
	return f, nil
}

var listFunctions = table{
	"count": {"<a:n>", func(_ *evaluation, a []any) (any, error) {
		if !defined(a[0]) {
			return 0.0, nil
		}
		return float64(len(asArray(a[0]).items)), nil
	}},
	"append": {"<xx:a>", func(_ *evaluation, a []any) (any, error) { return add(a[0], a[1]), nil }},
	"exists": {"<x:b>", func(_ *evaluation, a []any) (any, error) { return defined(a[0]), nil }},
	"boolean": {"<x-:b>", func(_ *evaluation, a []any) (any, error) {
		if !defined(a[0]) {
			return undefined, nil
		}
		return truth(a[0]), nil
	}},
	"not": {"<x-:b>", func(_ *evaluation, a []any) (any, error) {
		if !defined(a[0]) {
			return undefined, nil
		}
		return !truth(a[0]), nil
	}},
	"reverse": {"<a:a>", overList(func(list []any) []any { slices.Reverse(list); return list })},
	"shuffle": {"<a:a>", overList(func(list []any) []any {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list
	})},
	"distinct": {"<x:x>", func(_ *evaluation, a []any) (any, error) {
		list, ok := a[0].(*array)
		if !ok || len(list.items) <= 1 {
			return a[0], nil
		}
		out := &array{sequence: list.sequence}
		for _, item := range list.items {
			if !slices.ContainsFunc(out.items, func(v any) bool { return equal(v, item) }) {
				out.items = append(out.items, item)
			}
		}
		return out, nil
	}},
	"zip": {"<a+>", func(_ *evaluation, a []any) (any, error) {
		out := &array{items: []any{}}
		for i := 0; ; i++ {
			row := &array{}
			for _, v := range a {
				list, ok := v.(*array)
				if !ok || i >= len(list.items) {
					return out, nil
				}
				row.items = append(row.items, list.items[i])
			}
			out.items = append(out.items, row)
		}
	}},
}

func overList(f func([]any) []any) body {
	return func(_ *evaluation, a []any) (any, error) {
		list, ok := a[0].(*array)
		if !ok {
			return undefined, nil
		}
		return &array{items: f(slices.Clone(list.items))}, nil
	}
}

var objectFunctions = table{
	"keys": {"<x-:a<s>>", func(_ *evaluation, a []any) (any, error) {
		out := newSequence()
		for _, v := range asArray(a[0]).items {
			if m, ok := v.(*value.Map); ok {
				for k := range m.All() {
					if !slices.Contains(out.items, any(k)) {
						out.items = append(out.items, k)
					}
				}
			}
		}
		return collapsed(out), nil
	}},
	"lookup": {"<x-s:x>", func(_ *evaluation, a []any) (any, error) {
		name, _ := a[1].(string)
		return collapsed(lookup(a[0], name)), nil
	}},
	"spread": {"<x-:a<o>>", func(_ *evaluation, a []any) (any, error) {
		out := newSequence()
		for _, v := range asArray(a[0]).items {
			m, ok := v.(*value.Map)
			if !ok {
				out.push(v)
				continue
			}
			for k, item := range m.All() {
				out.push(value.MapOf(value.Entry{Key: k, Value: item}))
			}
		}
		return collapsed(out), nil
	}},
	"merge": {"<a<o>:o>", func(_ *evaluation, a []any) (any, error) {
		if !defined(a[0]) {
			return undefined, nil
		}
		m := value.NewMap(0)
		for _, v := range asArray(a[0]).items {
			if x, ok := v.(*value.Map); ok {
				for k, item := range x.All() {
					m.Set(k, item)
				}
			}
		}
		return m, nil
	}},
	"type": {"<x:s>", func(_ *evaluation, a []any) (any, error) {
		if !defined(a[0]) {
			return undefined, nil
		}
		return typeName(a[0]), nil
	}},
	"error": {"<s?:x>", func(_ *evaluation, a []any) (any, error) {
		if text, ok := a[0].(string); ok {
			return nil, fail("D3137", "%s", text)
		}
		return nil, fail("D3137", "$error() was called")
	}},
	"assert": {"<bs?:x>", func(_ *evaluation, a []any) (any, error) {
		if a[0] == true {
			return undefined, nil
		}
		if text, ok := a[1].(string); ok {
			return nil, fail("D3141", "%s", text)
		}
		return nil, fail("D3141", "$assert() does not hold")
	}},
}

// collapsed makes one thing of a sequence of one, as evaluations do.
func collapsed(v any) any {
	if a, ok := v.(*array); ok && a.sequence && !a.keep {
		switch len(a.items) {
		case 0:
			return undefined
		case 1:
			return a.items[0]
		}
	}
	return v
}

var timeFunctions = table{
	"now": {"<s?s?:s>", func(e *evaluation, a []any) (any, error) {
		return fromMillis(e, []any{float64(e.now.UnixMilli()), a[0], a[1]})
	}},
	"millis": {"<:n>", func(e *evaluation, _ []any) (any, error) {
		return float64(e.now.UnixMilli()), nil
	}},
	"fromMillis": {"<n-s?s?:s>", fromMillis},
	"toMillis":   {"<s-s?:n>", toMillis},
}

const isoLayout = "2006-01-02T15:04:05.000Z07:00"

var isoLayouts = []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "2006-01", "2006"}

func toMillis(_ *evaluation, a []any) (any, error) {
	text, ok := a[0].(string)
	if !ok {
		return undefined, nil
	}
	if picture, ok := a[1].(string); ok {
		return parsePicture(text, picture)
	}
	for _, layout := range isoLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.UnixMilli()), nil
		}
	}
	return nil, fail("D3110", "%q is no ISO 8601 timestamp", text)
}

func fromMillis(_ *evaluation, a []any) (any, error) {
	n, ok := a[0].(float64)
	if !ok {
		return undefined, nil
	}
	t := time.UnixMilli(int64(n)).UTC()
	if zone, ok := a[2].(string); ok && len(zone) == 5 {
		hours, err := strconv.Atoi(zone[1:3])
		minutes, also := strconv.Atoi(zone[3:])
		if err != nil || also != nil || zone[0] != '+' && zone[0] != '-' {
			return nil, fail("D3134", "the time zone %q is not written as +0100", zone)
		}
		seconds := (hours*60 + minutes) * 60
		if zone[0] == '-' {
			seconds = -seconds
		}
		t = t.In(time.FixedZone("", seconds))
	}
	if picture, ok := a[1].(string); ok {
		return formatPicture(t, picture)
	}
	return t.Format(isoLayout), nil
}
