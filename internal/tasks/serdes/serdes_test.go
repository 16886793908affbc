package serdes_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/tasks/serdes"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// convert runs a task on a file and returns the file that it makes, after the number of its rows.
func convert(t *testing.T, run *sdktest.Run, typ, content, props string) (string, error) {
	t.Helper()
	uri := run.File("source", content)
	out, err := taskstest.Run(t, run, serdes.Types(), "type: io.kestra.plugin.serdes."+typ+"\nfrom: "+uri+"\n"+props)
	if err != nil {
		return "", err
	}
	var o serdes.Output
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		t.Fatal(err)
	}
	if got := run.Metrics[len(run.Metrics)-1]; got.Name != "records" || got.Value != float64(o.Size) {
		t.Errorf("measured %v", got)
	}
	return fmt.Sprintf("%d\n%s", o.Size, run.Content(o.URI)), nil
}

// conversion is a file and what becomes of it; an error is part of its text.
type conversion struct{ props, content, want, err string }

func check(t *testing.T, typ string, cases map[string]conversion) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := convert(t, sdktest.New(t), typ, c.content, c.props)
			switch {
			case c.err == "" && (err != nil || got != c.want):
				t.Errorf("made %q, %v\nwant %q", got, err, c.want)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("made %q, %v\nwant the error %s", got, err, c.err)
			}
		})
	}
}

func TestCsvToIon(t *testing.T) {
	check(t, "csv.CsvToIon", map[string]conversion{
		"header":                                {"", "id,name\n1,Ada\n2,\\N\n", "2\n{id:\"1\",name:\"Ada\"}\n{id:\"2\",name:null}\n", ""},
		"no header":                             {"header: false", "1,Ada\r\n2,\r3", "3\n[\"1\",\"Ada\"]\n[\"2\",\"\"]\n[\"3\"]\n", ""},
		"quotes":                                {"header: false", "\"a,b\",\"c\"\"d\",e\"f,\"g\r\nh\"\n", "1\n[\"a,b\",\"c\\\"d\",\"e\\\"f\",\"g\\r\\nh\"]\n", ""},
		"other characters":                      {"header: false\nfieldSeparator: \"\\t\"\ntextDelimiter: \"§\"", "§a\tb§§§\t\"c\"", "1\n[\"a\\tb§\",\"\\\"c\\\"\"]\n", ""},
		"rows are skipped after names":          {"skipRows: 1", "id\n1\n2\n", "1\n{id:\"2\"}\n", ""},
		"empty rows":                            {"", "id\n1\n\n2\n", "3\n{id:\"1\"}\n{id:\"\"}\n{id:\"2\"}\n", ""},
		"empty rows are skipped":                {"skipEmptyRows: true", "\nid\n1\n\n2\n", "2\n{id:\"1\"}\n{id:\"2\"}\n", ""},
		"byte order mark":                       {"", "\uFEFFid\n1\n", "1\n{id:\"1\"}\n", ""},
		"charset":                               {"charset: ISO-8859-1", "name\n\xe9\x80\n", "1\n{name:\"é\\x80\"}\n", ""},
		"UTF-16":                                {"charset: UTF-16", "\xfe\xff\x00a\x00\n\x00b", "1\n{a:\"b\"}\n", ""},
		"a header alone":                        {"", "id,name\n", "0\n", ""},
		"nothing":                               {"", "", "0\n", ""},
		"columns without a name at the end":     {"", "a,b,,\n1,2,3,4\n", "1\n{a:\"1\",b:\"2\"}\n", ""},
		"a column without a name in between":    {"", "a,,b\n1,2,3\n", "1\n{a:\"1\",'':\"2\",b:\"3\"}\n", ""},
		"no column has a name":                  {"", ",,\n1,2,3\n", "1\n{'':\"3\"}\n", ""},
		"columns without a name are named":      {"onEmptyHeader: RENAME", "a,,,col_1\n1,2,3,4\n", "1\n{a:\"1\",col_1_2:\"2\",col_2:\"3\",col_1:\"4\"}\n", ""},
		"too many fields":                       {"", "a,b\n1,2\n1,2,3\n", "", "line 3: bad line (field count mismatch): expected 2 fields, got 3"},
		"too few fields, skipped":               {"onBadLines: SKIP", "a,b\n1\n3,4\n", "1\n{a:\"3\",b:\"4\"}\n", ""},
		"characters after a quote":              {"", "a\n\"x\"y\n", "", "line 2: unexpected 'y' after the closing quote"},
		"characters after a quote, passed over": {"onBadLines: WARN", "a\n\"x\"y\n1\n", "1\n{a:\"1\"}\n", ""},
		"characters after a quote, allowed":     {"allowExtraCharsAfterClosingQuote: true", "a\n\"x\"y\n", "1\n{a:\"xy\"}\n", ""},
		"an open quote":                         {"", "a\n1\n\"x\ny\n", "", "line 3: the quoted field is not closed"},
		"a record that is too long":             {"maxBufferSize: 10", "a\n\"123456\n789012\"\n", "", "line 2: the record exceeds the maximum buffer size of 10"},
		"a field that is too long":              {"maxFieldSize: 3", "a\n1234\n", "", "line 2: a field exceeds the maximum field size of 3"},
		"a separator that is no character":      {"fieldSeparator: ab", "a", "", "fieldSeparator: expected one character"},
		"an unknown charset":                    {"charset: nothing", "a", "", `charset: "nothing" is not supported`},
	})
	run := sdktest.New(t)
	if _, err := convert(t, run, "csv.CsvReader", "a,\n1\n1,2\n", "onBadLines: WARN"); err != nil {
		t.Error(err)
	}
	want := "1 columns without a name at the end of the header are left out; onEmptyHeader: RENAME keeps them\nbad line is passed over: line 2: bad line (field count mismatch): expected 2 fields, got 1"
	if got := run.Logged(); got != want {
		t.Errorf("logged %s", got)
	}
}

func TestIonToCsv(t *testing.T) {
	const sale = "{id:\"PE1\",text:\"E:4, \\\"F\\\"\",n:1,price:34.03e0,ok:true,none:null}\n"
	check(t, "csv.IonToCsv", map[string]conversion{
		"objects":         {"", sale, "1\nid,text,n,price,ok,none\nPE1,\"E:4, \"\"F\"\"\",1,34.03,true,\n", ""},
		"lists":           {"header: false\nfieldSeparator: ;", "[1,\"a;b\",[2,3],{a:4}]\n", "1\n1;\"a;b\";[2, 3];{a=4}\n", ""},
		"always":          {"alwaysDelimitText: true", "{a:1,b:null}", "1\n\"a\",\"b\"\n\"1\",\"\"\n", ""},
		"no numbers":      {"quoteMode: NON_NUMERIC", "{a:\"x\",b:-7,c:3.14,d:\"12abc\",e:\"\",f:null,g:\"1.2.3\",h:\"+1\",i:1.0e7}", "1\n\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"\n\"x\",-7,3.14,\"12abc\",\"\",,\"1.2.3\",+1,\"1.0E7\"\n", ""},
		"required":        {"quoteMode: REQUIRED\nalwaysDelimitText: true\nheader: false", "{a:\"x\",b:\"#\"}\n{a:\"#\",b:\"\\r\"}", "2\nx,#\n\"#\",\"\r\"\n", ""},
		"line ends":       {"lineDelimiter: \"\\r\\n\"\ntextDelimiter: \"'\"", "{a:\"it's\"}", "1\na\r\n'it''s'\r\n", ""},
		"charset":         {"charset: ISO-8859-1\nheader: false", "{a:\"é\"}", "1\n\xe9\n", ""},
		"JSON lines":      {"", `{"a": "x", "b": 1.5}` + "\n", "1\na,b\nx,1.5\n", ""},
		"over lines":      {"", "{\n a: 1\n}\n\n{\n a: 2\n}\n", "2\na\n1\n2\n", ""},
		"dates":           {"timeZoneId: Europe/Lisbon\nheader: false", "{a:2021-05-05T10:21:12.123Z,b:ZonedDateTime::\"2021-05-05T12:21:12.5+02:00\",c:LocalDateTime::\"2021-05-05T12:21:00\",d:2021-05-05,e:LocalTime::\"12:21:12\"}", "1\n2021-05-05T10:21:12.123Z,2021-05-05T11:21:12.500+01:00,2021-05-05T12:21:00.000,2021-05-05,12:21:12\n", ""},
		"other dates":     {"dateFormat: dd/MM/yy\ndateTimeFormat: HH:mm\nheader: false", "{a:2021-05-06,b:2021-05-05T10:21:12Z}", "1\n06/05/21,10:21\n", ""},
		"nothing":         {"", "", "0\n", ""},
		"a list's header": {"", "[1]\n", "", "row 1: the row is a list, whose columns have no names"},
		"a number":        {"", "{a:1}\n7\n", "", "row 2: expected an object or a list"},
		"malformed":       {"", "{a:1}\n{a:\n", "", "row 2: invalid Ion at line 3, column 1"},
		"unwritable":      {"charset: ISO-8859-1", "{a:\"日\"}", "", "rune not supported by encoding"},
		"a pattern":       {"dateFormat: \"{\"", "{a:1}", "", "dateFormat: "},
	})
}

func TestJSON(t *testing.T) {
	check(t, "json.JsonToIon", map[string]conversion{
		"lines":          {"", "{\"a\": 1, \"b\": [null, 1.5, \"\\ud83d\\ude00\"]}\n\n2\n", "2\n{a:1,b:[null,1.5e0,\"😀\"]}\n2\n", ""},
		"a list":         {"newLine: false", " [{\"a\": 1},\n {\"a\": 12345678901}] ", "2\n{a:1}\n{a:12345678901}\n", ""},
		"an object":      {"newLine: false", "{\n\"a\": {}\n}\n", "1\n{a:{}}\n", ""},
		"an empty list":  {"newLine: false", "[]", "0\n", ""},
		"a charset":      {"charset: windows-1252", "\"\x80\"", "1\n\"€\"\n", ""},
		"a bad line":     {"", "{\"a\": 1}\n{\"a\" 1}\n", "", "row 2: "},
		"a bad element":  {"newLine: false", "[1, 2, }", "", "row 3: "},
		"an open list":   {"newLine: false", "[1", "", "the list is not closed"},
		"several values": {"newLine: false", "{} {}", "", "there is more than one value in the file"},
		"nothing":        {"newLine: false", " \n", "", "the file holds no JSON"},
	})
	check(t, "json.IonToJson", map[string]conversion{
		"lines":       {"", "{a:1,b:null,c:[1.50,sym,x::'y']}\n'''text'''\n", "2\n{\"a\":1,\"b\":null,\"c\":[1.50,\"sym\",\"y\"]}\n\"text\"\n", ""},
		"a list":      {"newLine: false", "{a:1}\n{a:2}\n3", "3\n[{\"a\":1},{\"a\":2},3]", ""},
		"one row":     {"newLine: false", "{a:1}", "1\n{\"a\":1}", ""},
		"nothing":     {"newLine: false", "", "0\n", ""},
		"annotations": {"shouldKeepAnnotations: true", "{a:x::y::\"z\",b:x::1}", "1\n{\"a\":{\"ion_annotations\":[\"x\",\"y\"],\"value\":\"z\"},\"b\":1}\n", ""},
		"dates":       {"timeZoneId: Europe/Lisbon", "[2021-05-05T10:21:12.123Z,ZonedDateTime::\"2021-05-05T12:21:12+02:00\",2021-05-05]", "1\n[\"2021-05-05T10:21:12.123Z\",\"2021-05-05T11:21:12+01:00\",\"2021-05-05\"]\n", ""},
		"malformed":   {"newLine: false", "1\n2\n{", "", "row 3: invalid Ion at line 3"},
		"binary":      {"", "\xe0\x01\x00\xea\x21\x01", "", "the file is binary Ion"},
		"a zone":      {"timeZoneId: Nowhere", "", "", "timeZoneId: "},
	})
}

func TestYAML(t *testing.T) {
	check(t, "yaml.YamlToIon", map[string]conversion{
		"documents":    {"", "---\na: 1\n---\nb: [x, 2.5]\n", "2\n{a:1}\n{b:[\"x\",2.5e0]}\n", ""},
		"one document": {"", "# text\na:\n  - b\n", "1\n{a:[\"b\"]}\n", ""},
		"marks":        {"", "%YAML 1.2\n--- 1\n...\n--- |\n  x\n  ---\n---\n", "3\n1\n\"x\\n---\\n\"\nnull\n", ""},
		"nothing":      {"", "", "0\n", ""},
		"malformed":    {"", "a: 1\n---\nb: [\n", "", "the document at line 2: "},
	})
	check(t, "yaml.IonToYaml", map[string]conversion{
		"one row": {"", "{a:1,b:[x]}", "1\na: 1\nb:\n - x\n\n", ""},
		"rows":    {"", "{a:1}\n{b:2}", "2\n---\na: 1\n\n---\nb: 2\n\n", ""},
		"nothing": {"", "", "0\n", ""},
		"bad row": {"", "{a:1}\n{b", "", "row 2: "},
	})
}

const books = `<?xml version="1.0"?>
<!DOCTYPE catalog>
<catalog>
  <!-- two -->
  <book id="b1"><title>XML &amp; co</title><price>44.950</price><new>TRUE</new></book>
  <shelf><book id="b0"/></shelf>
  <book id="007"><title lang="en">Midnight<![CDATA[ <Rain>]]></title><author>A</author><author>B</author><none/></book>
</catalog>`

func TestXML(t *testing.T) {
	const first, second = `{id:"b1",title:"XML & co",price:44.950,new:true}`, `{id:"007",title:{lang:"en",content:"Midnight <Rain>"},author:["A","B"],none:""}`
	check(t, "xml.XmlToIon", map[string]conversion{
		"a query":           {"query: /catalog/book", books, "2\n" + first + "\n" + second + "\n", ""},
		"the whole":         {"", books, "1\n{catalog:{book:[" + first + "," + second + "],shelf:{book:{id:\"b0\"}}}}\n", ""},
		"a list alone":      {"", "<items><item><a>1</a></item><item><a>-2.5</a></item></items>", "2\n{a:1}\n{a:-2.5}\n", ""},
		"a list of one":     {"parserConfiguration:\n  forceList: [item]", "<items><item>x</item></items>", "1\n\"x\"\n", ""},
		"prefixes":          {"", `<d:a xmlns:d="u"><d:b>1</d:b></d:a>`, "1\n{'d:a':{'xmlns:d':\"u\",'d:b':1}}\n", ""},
		"an empty element":  {"query: /catalog", "<catalog>\n</catalog>", "1\n\"\"\n", ""},
		"nothing is found":  {"query: /random/stuff", "<catalog/>", "0\n", ""},
		"nothing to search": {"query: /random/stuff", "", "0\n", ""},
		"charset":           {"charset: ISO-8859-1", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "1\n{a:\"é\"}\n", ""},
		"an open element":   {"", "<a>\n<b></b>", "", "invalid XML at line 2, column 8: the element a is not closed"},
		"a wrong end":       {"query: /a/b", "<a><b></a>", "", "the element a is closed where it is not open"},
		"an entity":         {"", "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>", "", "invalid character entity &x;"},
		"a deep nest":       {"", strings.Repeat("<a>", 600), "", "elements are nested deeper than 512 levels"},
	})
	check(t, "xml.IonToXml", map[string]conversion{
		"rows": {"", "{id:1,title:\"It's <A> & B\",tags:[\"x\",\"y\"],none:null,empty:\"\",deep:{a:1.5e0},no:[]}\n2\n",
			"2\n<?xml version='1.0' encoding='UTF-8'?>\n<items>\n  <item>\n    <id>1</id>\n    <title>It's &lt;A&gt; &amp; B</title>\n    <tags>x</tags>\n    <tags>y</tags>\n    <none/>\n    <empty></empty>\n    <deep>\n      <a>1.5</a>\n    </deep>\n  </item>\n  <item>2</item>\n</items>\n", ""},
		"a root":  {"rootName: all\ntimeZoneId: Europe/Lisbon", "{z:ZonedDateTime::\"2021-05-05T12:21:12.123456+02:00\"}", "1\n<?xml version='1.0' encoding='UTF-8'?>\n<all>\n  <item>\n    <z>2021-05-05T11:21:12.123456+01:00</z>\n  </item>\n</all>\n", ""},
		"a name":  {"", "{a:1}\n{'a b':1}\n", "", `row 2: "a b" cannot be the name of an XML element`},
		"a byte":  {"", "{a:\"\\x01\"}\n", "", "row 1: a: XML cannot hold the character U+0001"},
		"no root": {"rootName: \"1\"", "", "", "rootName: "},
	})
}
