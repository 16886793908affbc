package expr

import "testing"

func TestTextFilters(t *testing.T) {
	cases{
		ok(`{{ "abcdefgh" | abbreviate(6) }} {{ "abcdef" | abbreviate(6) }} {{ "abcde" | abbreviate(6) }} {{ "abcd" | abbreviate(2) }} {{ "abc" | abbreviate(1) }}`, "abc... abc... abcde ab abc"),
		ok(`{{ "héllo" | base64encode }} {{ "aMOpbGxv" | base64decode }} {{ "aGk" | base64decode }} {{ 5 | base64encode }}`, "aMOpbGxv héllo hi NQ=="),
		ok(`{{ " élan vital" | capitalize }} {{ "one two" | title }} {{ "ÀB" | lower }} {{ "straße" | upper }} [{{ " a " | trim }}]`, " Élan vital One Two àb STRASSE [a]"),
		ok(`{{ 1.0 | upper }} {{ list | lower }} {{ "a\b" | length }} {{ "é😀" | length }} {{ n | length }}`, "1.0 [4, 5, 6] 3 3 0"),
		ok(`{{ "a=b=c" | substringBefore("=") }} {{ "a=b=c" | substringAfter("=") }} {{ "a=b=c" | substringBeforeLast("=") }} {{ "a=b=c" | substringAfterLast("=") }}`, "a b=c a=b c"),
		ok(`[{{ "abc" | substringBefore("x") }}] [{{ "abc" | substringAfter("x") }}]`, "[abc] []"),
		ok(`{{ name | startsWith("A") }} {{ name | endsWith("A") }} {{ nothing | startsWith("A") }} {{ 12 | startsWith("1") }}`, "true false false true"),
		ok(`{{ "  Crème  Brûlée_du--jour! " | slugify }}`, "creme-brulee-du-jour"), ok(`{{ "a b&c=d/é?*~" | urlencode }} {{ "a+b%26c" | urldecode }}`, "a+b%26c%3Dd%2F%C3%A9%3F*%7E a b&c"),
		ok(`{{ lines | indent(2) }}|{{ lines | nindent(1, ">") }}|{{ "" | nindent(2) }}`, "l1\n  l2|\n>l1\n>l2|"), ok(`{{ lines | nl2br }}`, "l1<br />l2"),
		ok(`{{ "it's \"x\"" | escapeChar("single") }} {{ "it's \"x\"" | escapeChar("DOUBLE") }} {{ "it's" | escapeChar("shell") }}`, `it\'s "x" it's \"x\" it'\''s`),
		ok(`{{ ["a'b", null, {"k": "c'd"}] | escapeChar("single") }}`, `["a\\'b",null,{"k":"c\\'d"}]`),
		ok(`{{ text | replace({"one": "1", "two": "2"}) }} {{ text | replace({"(t)wo": "$1x"}, regexp=true) }} {{ ["one", {"k": "one"}] | replace({"one": n}) }}`, `1 2 2 one tx tx ["6",{"k":"6"}]`),
		ok(`{{ "" | md5 }} {{ "a" | sha1 }}`, "d41d8cd98f00b204e9800998ecf8427e 86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
		ok(`{{ "a" | sha256 }}`, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"), ok(`{{ ("a" | sha512) | length }}`, "128"),
		ok(`[{{ nothing | upper }}{{ nothing | replace({"a": "b"}) }}{{ nothing | sha1 }}]`, "[]"),
		fails(`{{ n | abbreviate(3) }}`), fails(`{{ name | abbreviate }}`), fails(`{{ name | abbreviate(-1) }}`), fails(`{{ "?" | base64decode }}`), fails(`{{ n | trim }}`),
		fails(`{{ n | sha256 }}`), fails(`{{ "%x" | urldecode }}`), fails(`{{ name | escapeChar("x") }}`), fails(`{{ name | startsWith }}`), fails(`{{ name | replace("a", "b") }}`),
		fails(`{{ name | indent("2") }}`), fails(`{{ name | replace({"a": nothing}) }}`),
	}.run(t)
}

func TestListFilters(t *testing.T) {
	cases{
		ok(`{{ list | first }}{{ list | last }}{{ name | first }}{{ name | last }}[{{ hollow | first }}]`, "46Aa[]"), ok(`{{ list | join(", ") }} {{ [1, null, "x"] | join }}`, "4, 5, 6 1nullx"),
		ok(`{{ words | sort }} {{ words | rsort }} {{ [3, 1.5, -2] | sort }} {{ list | reverse }}`, `["Apple","fig","pear"] ["pear","fig","Apple"] [-2,1.5,3] [6,5,4]`),
		ok(`{{ list | slice(1) }} {{ list | slice(0, 2) }} {{ name | slice(1, 2) }} {{ list | slice(3) }} {{ list | slice(toIndex=1) }}`, "[5,6] [4,5] d [] [4]"),
		ok(`{{ list | chunk(2) }} {{ [[1, [2]], 3] | flatten }} {{ [1, 1.0, "1", 1] | distinct }}`, `[[4,5],[6]] [1,[2],3] [1,1.0,"1"]`),
		ok(`{{ list | merge([7]) }} {{ {"a": 1} | merge({"b": 2, "a": 3}) }} {{ nothing | merge([1]) }} {{ list | merge(nothing) }}`, `[4,5,6,7] {"a":3,"b":2} [1] [4,5,6]`),
		ok(`{{ user.nested | keys }} {{ list | keys }} {{ user.nested | values }} {{ user | length }} {{ user | keys | sort | first }}`, `["deep"] [0,1,2] ["down"] 5 a-b`),
		ok(`{{ "a,b,,c,," | split(",") }} {{ "a,b,c" | split(",", 2) }} {{ "a1b22c" | split("[0-9]+") }} {{ "ab" | split("") }} {{ "a,b,," | split(",", -1) }}`, `["a","b","","c"] ["a","b,c"] ["a","b","c"] ["a","b"] ["a","b","",""]`),
		fails(`{{ user | first }}`), fails(`{{ "" | first }}`), fails(`{{ user | join }}`), fails(`{{ list | join(1) }}`), fails(`{{ name | sort }}`), fails(`{{ [1, "a"] | sort }}`),
		fails(`{{ list | slice(-1) }}`), fails(`{{ list | slice(0, 9) }}`), fails(`{{ list | slice(1, 1) }}`), fails(`{{ list | chunk(0) }}`), fails(`{{ user | flatten }}`),
		fails(`{{ name | keys }}`), fails(`{{ list | values }}`), fails(`{{ nothing | merge(nothing) }}`), fails(`{{ name | split }}`), fails(`{{ name | split("[") }}`),
	}.run(t)
}

func TestNumberFilters(t *testing.T) {
	cases{
		ok(`{{ -3 | abs }} {{ -2.5 | abs }}`, "3 2.5"), ok(`{{ "17" | number | className }} {{ "3000000000" | number | className }} {{ "99999999999999999999" | number | className }}`, "java.lang.Integer java.lang.Long java.math.BigInteger"),
		ok(`{{ "1.5" | number | className }} {{ "1.23456789" | number | className }} {{ "1.5" | number("DOUBLE") }} {{ "2" | number("FLOAT") }}`, "java.lang.Float java.lang.Double 1.5 2.0"),
		ok(`{{ "0x1f" | number }} {{ "017" | number }} {{ "-0x10" | number("INT") }} {{ "5d" | number }} {{ "5l" | number | className }} {{ "1e2" | number }}`, "31 15 -16 5.0 java.lang.Long 100.0"),
		ok(`{{ "1.50" | number("BIGDECIMAL") }} {{ "7" | number("NONSENSE") }}`, "1.50 7"), ok(`{{ 1234567.891 | numberFormat("#,##0.00") }} {{ 0.125 | numberFormat("0.00") }} {{ n | numberFormat("000") }} {{ pi | numberFormat }}`, "1,234,567.89 0.12 006 3.5"),
		fails(`{{ nothing | abs }}`), fails(`{{ name | number }}`), fails(`{{ " 1" | number }}`), fails(`{{ "" | number }}`), fails(`{{ n | number }}`), fails(`{{ "3000000000" | number("INT") }}`),
		fails(`{{ "08" | number }}`), fails(`{{ "1_0" | number }}`), fails(`{{ name | numberFormat("0") }}`), fails(`{{ n | numberFormat("0#") }}`), fails(`{{ n | numberformat("0") }}`),
	}.run(t)
}

func TestFormatFilters(t *testing.T) {
	cases{
		ok(`{{ user | json }}`, `{"id":7,"tags":["x","y"],"nested":{"deep":"down"},"a-b":"dash"}`), ok(`{{ nothing | toJson }} {{ "é<\"" | toJson }} {{ 1.0 | toJson }}`, `null "é<\"" 1.0`),
		ok(`{{ user | toIon }}`, `{id:7,tags:["x","y"],nested:{deep:"down"},'a-b':"dash",gone:null}`), ok(`{{ [1.5, true] | toIon }}`, "[1.5e0,true]"),
		ok(`{{ {"a": [1, {"b": "yes"}], "c": {}} | yaml }}`, "a:\n - 1\n -\n  b: \"yes\"\nc: {}\n"), ok(`{{ nothing | yaml }}`, "null"),
		ok(`{{ fromJson(json).k }} {{ json(json).k[0] + 1 }} {{ fromJson("7 rest") }} [{{ fromJson(nothing) }}]`, "[1,2.0,null] 2 7 []"),
		ok(`{{ fromIon("{a: 2024-05-06, b: sym}") }} {{ fromIon("1 2", allRows=true) }} [{{ fromIon("") }}]`, `{"a":"2024-05-06","b":"sym"} [1,2] []`),
		ok(`{{ yaml("a: [1, yes, ~]").a }} {{ yaml("x") }}`, "[1,true,null] x"),
		ok(`{{ user | jq(".tags[]") }} {{ json | jq(".k | length") }} {{ user | jq(".none") }} {{ list | jq("map(. * 2)") }}`, `["x","y"] [3] [null] [[8,10,12]]`),
		ok(`{{ {"z": 1, "a": {"y": 2, "b": 3}} | jq(".a, {q: .z, p: 1}") }}`, `[{"y":2,"b":3},{"q":1,"p":1}]`), ok(`{{ "aXbX" | toJson | jq("gsub(\"X\"; \"-\")") }}`, `["a-b-"]`),
		ok(`{{ 1 | className }} {{ n | className }} {{ {} | className }} {{ user | className }} [{{ nothing | className }}]`, "java.lang.Long java.lang.Integer java.util.HashMap java.util.LinkedHashMap []"),
		fails(`{{ fromJson("{") }}`), fails(`{{ fromJson(n) }}`), fails(`{{ fromJson() }}`), fails(`{{ fromIon("{") }}`), fails(`{{ yaml("a: [") }}`), fails(`{{ yaml("") }}`),
		fails(`{{ user | jq("[") }}`), fails(`{{ name | jq(".") }}`), fails(`{{ user | jq("now") }}`), fails(`{{ user | jq("error(\"no\")") }}`),
	}.run(t)
}

func TestDateFilters(t *testing.T) {
	cases{
		ok(`{{ instant | date }} {{ instant | date("dd/MM/yyyy HH:mm") }} {{ instant | date("iso_sec", timeZone="Asia/Tokyo") }}`, "2024-03-01T10:20:30.500000Z 01/03/2024 10:20 2024-03-01T19:20:30+09:00"),
		ok(`{{ 1709288430 | date("iso_milli") }} {{ 1709288430500 | date("sql_milli") }} {{ n | date("sql_sec") }}`, "2024-03-01T10:20:30.000Z 2024-03-01 10:20:30.500 1970-01-01 00:00:06"),
		ok(`{{ "1/3/2024" | date("yyyy-MM-dd", existingFormat="d/M/yyyy") }} {{ "2024-03-01" | date("HH:mm z", timeZone="Europe/Paris") }}`, "2024-03-01 00:00 CET"),
		ok(`{{ instant | date("EEEE d MMMM", locale="fr") }}`, "vendredi 1 mars"), ok(`{{ instant | timestamp }} {{ instant | timestampMilli }} {{ instant | timestampMicro }} {{ instant | timestampNano }}`, "1709288430 1709288430500 1709288430500000 1709288430500000000"),
		ok(`{{ "2024-01-31" | dateAdd(1, "MONTHS", "yyyy-MM-dd") }} {{ "2024-03-30T02:30:00" | dateAdd(1, "DAYS", timeZone="Europe/Paris") }} {{ instant | dateAdd("-2", "HOURS", "HH:mm") }}`, "2024-02-29 2024-03-31T03:30:00.000000+02:00 08:20"),
		ok(`[{{ nothing | date }}]`, "[]"), ok(`{{ now() }} {{ now("yyyy", timeZone="UTC") }}`, "2026-11-23T01:02:03.456789Z 2026"),
		fails(`{{ name | date }}`), fails(`{{ pi | date }}`), fails(`{{ instant | date("yyyy", timeZone="Mars/Base") }}`), fails(`{{ instant | date("bad pattern") }}`), fails(`{{ instant | dateAdd(1, "days") }}`),
		fails(`{{ instant | dateAdd("x", "DAYS") }}`), fails(`{{ instant | dateAdd(1) }}`), fails(`{{ instant | date(null) }}`), fails(`{{ instant | dateAdd(9223372036854775807, "DAYS") }}`),
	}.run(t)
}

func TestFunctions(t *testing.T) {
	cases{
		ok(`{{ range(1, 4) }} {{ range(5, 1, -2) }} {{ range(start=0, end=1) }} {{ range("a", "c") }} {{ 2..3 }} {{ 3..1 }} {{ range(0, 9223372036854775807, 9223372036854775807) }}`, `[1,2,3,4] [5,3,1] [0,1] ["a","b","c"] [2,3] [] [0,9223372036854775807]`),
		ok(`{{ max(1, 2.5, n) }} {{ min(3, 2) }} [{{ max() }}] {{ max(null, 1) }}`, "6 2 [] 1"),
		ok(`{{ "abc1" | regexMatch("[0-9]") }} {{ "a1" | regexReplace("[0-9]", "#") }} {{ "k=v" | regexExtract("(.)=(.)", 2) }} [{{ "k" | regexExtract("x") }}] {{ nothing | regexMatch("x") }}`, "true a# v [] false"),
		ok(`{{ isWeekend("2024-03-02") }} {{ dayOfWeek("2024-03-01") }} {{ dayOfMonth(instant) }} {{ monthOfYear(instant) }} {{ hourOfDay(instant) }}`, "true FRIDAY 1 3 10"),
		ok(`{{ isDayWeekInMonth("2024-03-29", "FRIDAY", "LAST") }} {{ isDayWeekInMonth("2024-03-08", "friday", "second") }} {{ isDayWeekInMonth("2024-03-29", "MONDAY", "LAST") }}`, "true true false"),
		ok(`{{ isLastWorkingDay("2024-03-29") }} {{ isLastWorkingDay("2024-03-29", "FRIDAY,SATURDAY") }} {{ isLastWorkingDay("2024-03-31") }}`, "true false false"),
		ok(`{{ isPublicHoliday("2024-12-25", "fr") }} {{ isPublicHoliday("2024-12-26", "DE", "DE-BY") }} {{ isPublicHoliday("2024-12-27", "FR") }}`, "true true false"),
		ok(`{{ loopOutputs([{"outputs": {"o": 1}}, {"outputs": {"o": "b"}}, {"outputs": {}}], "o") }}`, `[1,"b",null]`),
		fails(`{{ isPublicHoliday("2024-12-25") }}`), fails(`{{ isPublicHoliday("2024-12-25", "XX") }}`), fails(`{{ i18n("bundle", "key") }}`),
		fails(`{{ loopOutputs({"outputs": []}, "o") }}`), fails(`{{ loopOutputs([]) }}`), fails(`{{ loopOutputs([{"outputs": {"uri": "x"}}], "o") }}`),
		ok(`{{ printContext().name }} {{ fetchContext() | keys | length }}`, "Ada 19"),
		fails(`{{ range(1, 2, 0) }}`), fails(`{{ range("ab", "c") }}`), fails(`{{ range(1) }}`), fails(`{{ max("a", "b") }}`), fails(`{{ isWeekend("x") }}`), fails(`{{ hourOfDay("2024-03-01") }}`),
		fails(`{{ isDayWeekInMonth("2024-03-29", "FRIDAY", "FIFTH") }}`), fails(`{{ isLastWorkingDay("2024-03-29", "FUNDAY") }}`), fails(`{{ parent() }}`), fails(`{{ name() }}`),
	}.run(t)
}

func TestContextFunctions(t *testing.T) {
	const variables = `{"taskrun": {"value": "b"}, "parents": [{"taskrun": {"value": "inner"}}, {"outputs": {}}, {"taskrun": {"value": "outer"}}],
		"outputs": {"t": {"outer": {"inner": {"b": {"v": 1}, "c": {"v": 2}}}}}, "envs": {"home": "/x"},
		"tasks": {"one": {"state": "SUCCESS"}, "two": {"x": {"state": "FAILED"}, "y": {"state": "SUCCESS"}}}}`
	for src, want := range map[string]string{
		`{{ currentEachOutput(outputs.t).v }}{{ currentEachOutput(outputs.t).v }}`: "11",
		`[{{ currentEachOutput({"other": 1}) }}]`:                                  "[]",
		`{{ tasksWithState("success") }}`:                                          `[{"taskId":"one","state":"SUCCESS"},{"taskId":"two","value":"y","state":"SUCCESS"}]`,
		`{{ env("home") }} {{ env("none", "d") }} [{{ env("none") }}]`:             "/x d []",
	} {
		got, err := render(t, src, variables)
		if err != nil || got != want {
			t.Errorf("%s gave %q (%v), expected %q", src, got, err, want)
		}
	}
	for _, src := range []string{`{{ currentEachOutput("x") }}`, `{{ currentEachOutput() }}`, `{{ tasksWithState() }}`, `{{ tasksWithState(1) }}`} {
		if got, err := render(t, src, variables); err == nil {
			t.Errorf("%s gave %q, expected an error", src, got)
		}
	}
}
