package serdes_test

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/tasks/serdes"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// excelToIon returns the rows of all sheets, each below its title.
func excelToIon(t *testing.T, content, props string) (string, error) {
	t.Helper()
	run := sdktest.New(t)
	out, err := taskstest.Run(t, run, serdes.Types(), "type: io.kestra.plugin.serdes.excel.ExcelToIon\nfrom: "+run.File("source", content)+"\n"+props)
	if err != nil {
		return "", err
	}
	var o serdes.ExcelOutput
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		t.Fatal(err)
	}
	if m := run.Metrics[len(run.Metrics)-1]; m.Name != "sheets" || m.Value != float64(o.URIs.Len()) {
		t.Errorf("measured %v", m)
	}
	dir, err := run.WorkDir()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the working directory is not empty: %v, %v", left, err)
	}
	var all strings.Builder
	lines := int64(0)
	for title, uri := range o.URIs.All() {
		content := run.Content(uri.(string))
		lines += int64(strings.Count(content, "\n"))
		all.WriteString(title + "\n" + content)
	}
	if lines != o.Size {
		t.Errorf("%d rows, the output says %d", lines, o.Size)
	}
	return all.String(), nil
}

// The files were written by openpyxl.
func TestExcelToIon(t *testing.T) {
	const names = `"id","name","price","ok","day","at","share","sum",null,"code"`
	row := func(values ...string) string {
		line := "{"
		for i, name := range []string{"id", "name", "price", "ok", "day", "at", "share", "sum", "Column8", "code"} {
			v := "null"
			if i < len(values) && values[i] != "" {
				v = values[i]
			}
			line += name + ":" + v + ","
		}
		return strings.TrimSuffix(line, ",") + "}\n"
	}
	const second = "Empty\nTitle first\n{'A report':\"k\"}\n{'A report':\"a\"}\n{'A report':\"b\"}\n"
	for name, c := range map[string]struct{ file, props, want string }{
		"values": {"book", "", "Sales\n" +
			row("1e0", `"Ada <é>"`, "1234.5e0", "true", `"2021-05-06"`, `"2021-05-06"`, "0.25e0", "", `"x"`, `"007"`) +
			row("2e0", "", "-0.5e0", "false", `"1900-01-31"`, `"1999-12-31"`, "1e0", "", "", `"a\rb"`) + row() + row("5e0", "", "", `"last"`) + second},
		"as Excel shows them": {"book", "valueRender: FORMATTED_VALUE\ndateTimeRender: FORMATTED_STRING\nskipEmptyRows: true", "Sales\n" +
			row(`"1"`, `"Ada <é>"`, `"1,234.50"`, `"TRUE"`, `"06/05/2021"`, `"2021-05-06 12:30:15"`, `"25%"`, "", `"x"`, `"007"`) +
			row(`"2"`, "", `"-0.50"`, `"FALSE"`, `"31/01/1900"`, `"1999-12-31 23:59:59"`, `"100%"`, "", "", `"a\rb"`) + row(`"5"`, `"#DIV/0!"`, "", `"last"`) + second},
		"numbers of dates": {"book", "valueRender: FORMULA\ndateTimeRender: SERIAL_NUMBER\nsheetsTitle: [Sales]\nskipEmptyRows: true", "Sales\n" +
			row("1e0", `"Ada <é>"`, "1234.5e0", "true", `44322e0`, `44322.52100694444e0`, "0.25e0", "", `"x"`, `"007"`) +
			row("2e0", "", "-0.5e0", "false", `31e0`, `36525.99998842592e0`, "1e0", "", "", `"a\rb"`) + row("5e0", "", "", `"last"`)},
		"no header": {"book", "header: false\nskipEmptyRows: true\nskipRows: 0", "Sales\n[" + names + "]\n" +
			`[1e0,"Ada <é>",1234.5e0,true,"2021-05-06","2021-05-06",0.25e0,null,"x","007"]` + "\n" + `[2e0,null,-0.5e0,false,"1900-01-31","1999-12-31",1e0,null,null,"a\rb"]` + "\n" +
			`[5e0,null,null,"last",null,null,null,null,null,null,null,"beyond"]` + "\nEmpty\nTitle first\n" + `[null,"A report"]` + "\n" + `[null,"k","v"]` + "\n" + `[null,"a",1e0]` + "\n" + `[null,"b",2.5e0]` + "\n"},
		"rows before the header":          {"book", "sheetsTitle: [Title first, Nowhere]\nskipRows: 1", "Title first\n{k:\"a\",v:1e0}\n{k:\"b\",v:2.5e0}\n"},
		"rows before those of no header":  {"book", "header: false\nsheetsTitle: [Title first]\nskipRows: 2", "Title first\n[null,\"a\",1e0]\n[null,\"b\",2.5e0]\n"},
		"days that are counted from 1904": {"mac", "", "Sheet\n{day:\"2021-05-06\"}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile("testdata/" + c.file + ".xlsx")
			if err != nil {
				t.Fatal(err)
			}
			got, err := excelToIon(t, string(content), c.props)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, content := range map[string]string{"another format": "id,name\n", "an archive of something else": zipOf(t, "a.txt", "x"), "nothing": ""} {
		if _, err := excelToIon(t, content, ""); err == nil || !strings.Contains(err.Error(), "the file is no Excel workbook (.xlsx)") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What would fill the memory is an error that says where.
func TestHostileExcel(t *testing.T) {
	sheet := func(rows string) string {
		return zipOf(t, "_rels/.rels", `<R><Relationship Id="r1" Type="x/officeDocument" Target="book.xml"/></R>`, "book.xml", `<w><sheets><sheet name="S" id="r1"/></sheets></w>`,
			"_rels/book.xml.rels", `<R><Relationship Id="r1" Type="x/worksheet" Target="s.xml"/></R>`, "s.xml", "<s><sheetData>"+rows+"</sheetData></s>")
	}
	for want, rows := range map[string]string{
		`sheet "S": row 1: `:                                    `<row r="1"><c t="str"><v>` + strings.Repeat("a", 65<<20) + `</v></c></row>`,
		`sheet "S": row 2: column 1: there is no text 7`:        `<row r="2"><c t="s"><v>7</v></c></row>`,
		`sheet "S": row 1: column 1: "x" is no number`:          `<row><c><v>x</v></c></row>`,
		`sheet "S": row 1: its cells are out of order`:          `<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>`,
		`sheet "S": row 1: "ZZZZZZZZZZZZZ1" is no cell`:         `<row><c r="ZZZZZZZZZZZZZ1"><v>1</v></c></row>`,
		`sheet "S": after row 1: XML syntax error`:              `<row><c><v>1</v></c></row><row`,
		`sheet "S": row 1: XML syntax error on line 1: element`: `<row><c><v>1</v></c>`,
	} {
		if _, err := excelToIon(t, sheet(rows), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// zipOf packs names with their contents.
func zipOf(t *testing.T, parts ...string) string {
	t.Helper()
	var b strings.Builder
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, parts[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// ionToExcel writes rows, each file of them as a sheet.
func ionToExcel(t *testing.T, files map[string]string, props string) (string, error) {
	t.Helper()
	run := sdktest.New(t)
	from := ""
	for title, rows := range files {
		uri := run.File("rows-"+title, rows)
		if from = "from: " + uri + "\n"; title != "" {
			from = "from: {" + title + ": " + uri + "}\n"
		}
	}
	out, err := taskstest.Run(t, run, serdes.Types(), "type: io.kestra.plugin.serdes.excel.IonToExcel\n"+from+props)
	if err != nil {
		return "", err
	}
	dir, err := run.WorkDir()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the working directory is not empty: %v, %v", left, err)
	}
	var o serdes.Output
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		t.Fatal(err)
	}
	return run.Content(o.URI), nil
}

func TestIonToExcel(t *testing.T) {
	const sale = `{id:1,name:"Ada <é>",price:1.50,big:123456789012345678901234567890,ok:false,none:null,day:2021-05-06,at:2021-05-06T10:30:15Z,local:LocalDateTime::"1900-01-31T12:00:00",clock:LocalTime::"12:21:12",list:[1,{a:2}]}`
	for name, c := range map[string]struct{ title, rows, props, want, err string }{
		"values": {"", sale, "timeZoneId: Europe/Paris", "Sheet\n" +
			`{id:1e0,name:"Ada <é>",price:1.5e0,big:"123456789012345678901234567890",ok:false,none:null,day:"2021-05-06",at:"2021-05-06",local:"1900-01-31",clock:"12:21:12",list:"[1, {a=2}]"}` + "\n", ""},
		"lists":        {"Numbers", "[1,2]\n[3]\n", "header: false", "Numbers\n[1e0,2e0]\n[3e0,null]\n", ""},
		"a title":      {"", "{a:1}", "sheetsTitle: Mine", "Mine\n{a:1e0}\n", ""},
		"no styles":    {"", "{d:2021-05-06}", "styles: false", "Sheet\n{d:44322e0}\n", ""},
		"nothing":      {"", "", "", "Sheet\n", ""},
		"a list":       {"", "{a:1}\n[1]\n", "", "", `sheet "Sheet": row 2: the row is a list`},
		"a number":     {"", "7\n", "", "", `sheet "Sheet": row 1: expected an object or a list`},
		"a long text":  {"", "{a:1}\n{a:\"" + strings.Repeat("é", 32768) + "\"}\n", "", "", `sheet "Sheet": row 2: column 1: the text is longer than the 32767 characters`},
		"a bad title":  {"", "{a:1}", "sheetsTitle: \"a/b\"", "", `sheet "a/b": `},
		"a bad format": {"", "{a:1}", "dateFormat: \"yyyy QQ\"", "", "dateFormat: "},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{c.title: c.rows}
			content, err := ionToExcel(t, files, c.props)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			back := ""
			if strings.Contains(c.props, "header: false") {
				back = "header: false"
			}
			got, err := excelToIon(t, content, back)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// openpyxl reads what we write.
func TestOthersReadExcel(t *testing.T) {
	address := servers.Address(t, "formats")
	const sale = `{id:1,name:"Ada <é>",big:12345678901,ok:true,none:null,day:2021-05-06,at:2021-05-06T10:30:15Z,sum:"Formula:A2*2",old:LocalDateTime::"1900-01-31T12:00:00"}`
	content, err := ionToExcel(t, map[string]string{"Sales": sale}, "timeZoneId: Europe/Paris\ndateFormat: dd/MM/yy\ndateTimeFormat: \"yyyy-MM-dd'T'HH:mm[XXX]\"")
	if err != nil {
		t.Fatal(err)
	}
	type cell struct {
		Value  any    `json:"value"`
		Format string `json:"format"`
		Type   string `json:"type"`
	}
	var names []cell
	for _, name := range []string{"id", "name", "big", "ok", "none", "day", "at", "sum", "old"} {
		names = append(names, cell{name, "General", "s"})
	}
	const at = `yyyy-mm-dd"T"hh:mm`
	want := map[string][][]cell{"Sales": {names, {
		{1.0, "General", "n"}, {"Ada <é>", "General", "s"}, {12345678901.0, "General", "n"}, {true, "General", "b"}, {nil, "General", "n"}, {"datetime 2021-05-06T00:00:00", "dd/mm/yy", "d"},
		{"datetime 2021-05-06T12:30:15", at, "d"}, {"=A2*2", "General", "f"}, {"datetime 1900-01-31T12:00:00", at, "d"},
	}}}
	text, err := json.Marshal(readByOthers(t, address+"/excel", content))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][][]cell{}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
