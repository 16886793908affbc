package expr

import (
	"slices"
	"testing"
)

// TestSignatures holds the language against the lists of names of both versions of the reference.
func TestSignatures(t *testing.T) {
	var names, world []string
	for _, s := range Filters() {
		names = append(names, s.Name)
	}
	for _, want := range []string{
		"abbreviate", "abs", "base64decode", "base64encode", "capitalize", "chunk", "className", "date", "dateAdd", "default", "distinct", "endsWith", "escapeChar", "first", "flatten", "indent", "join", "jq",
		"json", "keys", "last", "length", "lower", "md5", "merge", "nindent", "number", "numberFormat", "regexExtract", "regexMatch", "regexReplace", "replace", "reverse", "rsort", "sha1", "sha256", "sha512", "slice",
		"slugify", "sort", "split", "startsWith", "string", "substringAfter", "substringAfterLast", "substringBefore", "substringBeforeLast", "timestamp", "timestampMicro", "timestampMilli", "timestampNano", "title",
		"toIon", "toJson", "trim", "upper", "urldecode", "urlencode", "values", "yaml",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no filter %s", want)
		}
	}
	names = nil
	for _, s := range Functions() {
		names = append(names, s.Name)
		if s.World {
			world = append(world, s.Name)
		}
	}
	for _, want := range []string{
		"currentEachOutput", "dayOfMonth", "dayOfWeek", "decrypt", "encrypt", "env", "errorLogs", "fetchContext", "fileExists", "fileSize", "fileURI", "fromIon", "fromJson", "hourOfDay", "http", "id", "isDayWeekInMonth",
		"isFileEmpty", "isLastWorkingDay", "isPublicHoliday", "isWeekend", "json", "ksuid", "kv", "loopOutputs", "max", "min", "monthOfYear", "nanoId", "now", "printContext", "randomInt", "randomPort", "range", "read",
		"render", "renderOnce", "secret", "subflow", "tasksWithState", "uuid", "yaml",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no function %s", want)
		}
	}
	if slices.Contains(world, "fromJson") || !slices.Contains(world, "kv") {
		t.Errorf("kv asks the Env and fromJson does not, but those that ask are %v", world)
	}
	if want := []string{"defined", "empty", "even", "iterable", "json", "map", "null", "odd"}; !slices.Equal(Tests(), want) {
		t.Errorf("the tests are %v, expected %v", Tests(), want)
	}
}
