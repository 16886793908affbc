package expr

import (
	"maps"
	"slices"
)

// filter is what may stand after a |.
type filter struct {
	name      string
	params    []string // nil: any arguments, which are ignored
	takesNull bool     // else null gives null without asking
	apply     func(c *invocation) (any, error)
}

// filters by name. Those of 1.3 and of 2.0 are one set; no name means different things in the two.
var filters = filterTable(
	filter{name: "abbreviate", params: []string{"length"}, apply: abbreviate},
	filter{name: "abs", takesNull: true, apply: abs},
	filter{name: "base64decode", apply: base64decode},
	filter{name: "base64encode", apply: base64encode},
	filter{name: "capitalize", apply: capitalize},
	filter{name: "chunk", params: []string{"size"}, apply: chunk},
	filter{name: "className", apply: className},
	filter{name: "date", params: dateParams, apply: dateFilter},
	filter{name: "dateAdd", params: []string{"amount", "unit", "format", "timeZone", "existingFormat", "locale"}, apply: dateAdd},
	filter{name: "default", params: []string{"default"}, takesNull: true, apply: defaultFilter},
	filter{name: "distinct", apply: distinct},
	filter{name: "endsWith", params: []string{"value"}, takesNull: true, apply: endsWith},
	filter{name: "escapeChar", params: []string{"type"}, apply: escapeChar},
	filter{name: "first", apply: first},
	filter{name: "flatten", apply: flatten},
	filter{name: "indent", params: []string{"amount", "prefix"}, apply: indent},
	filter{name: "join", params: []string{"separator"}, apply: join},
	filter{name: "jq", params: []string{"expression"}, apply: jq},
	filter{name: "json", takesNull: true, apply: toJSON},
	filter{name: "keys", apply: keys},
	filter{name: "last", apply: last},
	filter{name: "length", takesNull: true, apply: length},
	filter{name: "lower", apply: lower},
	filter{name: "md5", apply: md5Filter},
	filter{name: "merge", params: []string{"items"}, takesNull: true, apply: merge},
	filter{name: "nindent", params: []string{"amount", "prefix"}, apply: nindent},
	filter{name: "nl2br", apply: nl2br},
	filter{name: "number", params: []string{"type"}, apply: number},
	filter{name: "numberFormat", params: []string{"format"}, apply: numberFormat},
	filter{name: "regexExtract", params: []string{"regex", "group"}, apply: regexExtract},
	filter{name: "regexMatch", takesNull: true, params: []string{"regex"}, apply: regexMatch},
	filter{name: "regexReplace", params: []string{"regex", "replacement"}, apply: regexReplace},
	filter{name: "replace", params: []string{"replace_pairs", "regexp"}, apply: replace},
	filter{name: "reverse", apply: reverse},
	filter{name: "rsort", apply: rsort},
	filter{name: "sha1", apply: sha1Filter},
	filter{name: "sha256", apply: sha256Filter},
	filter{name: "sha512", apply: sha512Filter},
	filter{name: "slice", params: []string{"fromIndex", "toIndex"}, apply: slice},
	filter{name: "slugify", apply: slugify},
	filter{name: "sort", apply: sortFilter},
	filter{name: "split", params: []string{"delimiter", "limit"}, apply: split},
	filter{name: "startsWith", params: []string{"value"}, takesNull: true, apply: startsWith},
	filter{name: "string", apply: stringFilter},
	filter{name: "substringAfter", params: []string{"separator"}, apply: substringAfter},
	filter{name: "substringAfterLast", params: []string{"separator"}, apply: substringAfterLast},
	filter{name: "substringBefore", params: []string{"separator"}, apply: substringBefore},
	filter{name: "substringBeforeLast", params: []string{"separator"}, apply: substringBeforeLast},
	filter{name: "timestamp", params: timestampParams, apply: timestamp},
	filter{name: "timestampMicro", params: timestampParams, apply: timestampMicro},
	filter{name: "timestampMilli", params: timestampParams, apply: timestampMilli},
	filter{name: "timestampNano", params: timestampParams, apply: timestampNano},
	filter{name: "title", apply: title},
	filter{name: "toIon", takesNull: true, apply: toIon},
	filter{name: "toJson", takesNull: true, apply: toJSON},
	filter{name: "trim", apply: trim},
	filter{name: "upper", apply: upper},
	filter{name: "urldecode", apply: urldecode},
	filter{name: "urlencode", apply: urlencode},
	filter{name: "values", apply: mapValues},
	filter{name: "yaml", takesNull: true, apply: toYAML},
)

func filterTable(all ...filter) map[string]*filter {
	table := make(map[string]*filter, len(all))
	for i := range all {
		table[all[i].name] = &all[i]
	}
	return table
}

func filterNames() []string { return slices.Sorted(maps.Keys(filters)) }
