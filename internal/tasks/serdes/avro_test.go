package serdes_test

import (
	"os"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/sdk/sdktest"
)

// The files were written by fastavro, with every type that there is.
func TestAvroToIon(t *testing.T) {
	const common = `big:1099511627776,ok:true,f:1.5e0,d:-0.25e0,text:`
	const rest = `,raw:"AP8=",price:-12.34,day:2021-05-05,at:2021-05-05T10:21:12.123Z,micros:1969-12-31T23:59:59.999999Z,local:LocalDateTime::"2021-05-05T12:21:00",` +
		`clock:LocalTime::"12:21:12.500",color:"BLUE",tags:["a","b"],more:{x:1},key:"0f8fad5b-d9cb-469f-a165-70867728950e",fix:"YWJj",self:`
	want := "2\n{id:1," + common + "null" + rest + "{id:2," + common + `"é"` + rest + "null}}\n{id:3," + common + "null" + rest + "null}\n"
	for _, codec := range []string{"null", "deflate", "bzip2", "snappy", "zstandard"} {
		content, err := os.ReadFile("testdata/sales-" + codec + ".avro")
		if err != nil {
			t.Fatal(err)
		}
		got, err := convert(t, sdktest.New(t), "avro.AvroToIon", string(content), "")
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v\nwant %s", codec, got, err, want)
		}
		if got, err := convert(t, sdktest.New(t), "avro.AvroToIon", string(content[:len(content)-20]), ""); err == nil || !strings.Contains(err.Error(), "row 1: the block of rows is cut off") {
			t.Errorf("%s, cut off: got %s, %v", codec, got, err)
		}
	}
	check(t, "avro.AvroToIon", map[string]conversion{"another format": {"", "id\n1\n", "", "no Avro object container file"}})
}

// avroBack writes rows as Avro and reads them again.
func avroBack(t *testing.T, rows, props string) (string, error) {
	t.Helper()
	run := sdktest.New(t)
	file, err := convert(t, run, "avro.IonToAvro", rows, props)
	if err != nil {
		return "", err
	}
	_, content, _ := strings.Cut(file, "\n")
	return convert(t, run, "avro.AvroToIon", content, "")
}

func schemaOf(fields string) string {
	return "schema: '{\"type\": \"record\", \"name\": \"r\", \"fields\": [" + fields + "]}'\n"
}

func TestIonToAvro(t *testing.T) {
	for name, c := range map[string]conversion{
		"types are found": {"", "{a:1,b:\"x\",c:1.5e0,d:true,e:null,f:[1,2],g:{h:1.50},i:2021-05-05,j:12345678901}\n{a:null,k:\"new\",g:{h:null,l:[{m:1}]}}\n",
			"2\n{a:1,b:\"x\",c:1.5e0,d:true,e:null,f:[1,2],g:{h:\"1.50\",l:null},i:2021-05-05,j:12345678901,k:null}\n{a:null,b:null,c:null,d:null,e:null,f:null,g:{h:null,l:[{m:1}]},i:null,j:null,k:\"new\"}\n", ""},
		"mixed types":          {"", "{a:1}\n{a:2.5e0}\n{a:[]}\n", "3\n{a:1}\n{a:2.5e0}\n{a:[]}\n", ""},
		"lists":                {"", "[1,2]\n[3]\n", "2\n[1,2]\n[3]\n", ""},
		"all rows are scanned": {"inferAllFields: true", "{a:null}\n" + strings.Repeat("{a:\"NA\"}\n", 100) + "{a:\"1\"}\n", "102\n" + strings.Repeat("{a:null}\n", 101) + "{a:\"1\"}\n", ""},
		"too few are scanned":  {"numberOfRowsToScan: 1", "{a:null}\n{a:1}\n", "", "row 2: a: "},
		"texts of CSV": {schemaOf(`{"name":"i","type":"int"},{"name":"l","type":"long"},{"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"y","type":"boolean"},{"name":"n","type":"boolean"},{"name":"s","type":["null","string"]},{"name":"o","type":["null","double"]}`),
			`{i:"7",l:"12345678901",f:"1.5",d:"-2",y:"YES",n:"",s:"NA",o:""}`, "1\n{i:7,l:12345678901,f:1.5e0,d:-2e0,y:true,n:false,s:null,o:null}\n", ""},
		"a comma": {"decimalSeparator: \",\"\n" + schemaOf(`{"name":"d","type":"double"},{"name":"m","type":{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}}`), `["1,5","-12,345"]`, "1\n{d:1.5e0,m:-12.34}\n", ""},
		"dates": {"timeZoneId: Europe/Paris\n" + schemaOf(`{"name":"d","type":{"type":"int","logicalType":"date"}},{"name":"t","type":{"type":"int","logicalType":"time-millis"}},{"name":"u","type":{"type":"long","logicalType":"time-micros"}},{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"b","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"l","type":{"type":"long","logicalType":"local-timestamp-millis"}}`),
			"[\"1969-12-31\",\"12:21\",\"12:21:12\",\"2021-05-05T12:21\",\"2021-05-05T12:21:12.123456+02:00\",2021-05-05T10:21:00Z]\n[2021-05-05T23:30:00Z,LocalTime::\"01:02:03\",LocalTime::\"01:02:03\",1620210072123,\"1\",LocalDateTime::\"2021-05-05T12:21:00\"]",
			"2\n{d:1969-12-31,t:LocalTime::\"12:21:00\",u:LocalTime::\"12:21:12\",a:2021-05-05T10:21:00.000Z,b:2021-05-05T10:21:12.123456Z,l:LocalDateTime::\"2021-05-05T12:21:00\"}\n{d:2021-05-06,t:LocalTime::\"01:02:03\",u:LocalTime::\"01:02:03\",a:2021-05-05T10:21:12.123Z,b:1970-01-01T00:00:00.000001Z,l:LocalDateTime::\"2021-05-05T12:21:00\"}\n", ""},
		"named types": {schemaOf(`{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"x","type":{"type":"fixed","name":"X","size":2}},{"name":"m","type":{"type":"map","values":"E"}},{"name":"z","type":{"type":"fixed","name":"Z","size":4,"logicalType":"decimal","precision":6,"scale":1}}`),
			`{e:B,x:"ab",m:{k:A},z:-1.5e0}`, "1\n{e:\"B\",x:\"YWI=\",m:{k:\"A\"},z:-1.5}\n", ""},
		"another name":       {schemaOf(`{"name":"a","aliases":["old"],"type":"int"}`), "{old:1}", "1\n{a:1}\n", ""},
		"columns":            {schemaOf(`{"name":"a","type":"int"},{"name":"b","type":["null","int"]}`), "{col1:2,col0:1}\n[3]\n", "2\n{a:1,b:2}\n{a:3,b:null}\n", ""},
		"more fields":        {schemaOf(`{"name":"a","type":"int"}`), "{a:1,b:2}", "1\n{a:1}\n", ""},
		"more fields strict": {"strictSchema: true\n" + schemaOf(`{"name":"a","type":"int"}`), "{a:1,b:2}", "", "row 1: the row has 2 fields, the schema 1"},
		"a bad row":          {schemaOf(`{"name":"a","type":"int"}`), "{a:1}\n{a:\"x\"}\n", "", `row 2: a: a string "x" is no value of the schema "int"`},
		"a bad row skipped":  {"onBadLines: SKIP\n" + schemaOf(`{"name":"a","type":"int"}`), "{a:1}\n{a:\"x\"}\n7\n{a:3}\n", "2\n{a:1}\n{a:3}\n", ""},
		"too precise":        {schemaOf(`{"name":"m","type":{"type":"bytes","logicalType":"decimal","precision":3,"scale":2}}`), "[12.34]", "", "row 1: m: "},
		"a malformed schema": {"schema: '{'", "{a:1}", "", "schema: "},
		"no record":          {"schema: '\"int\"'", "1", "", "schema: expected a record"},
		"nothing to find":    {"", "", "", "schema: none is given and none can be found"},
		"a name":             {"", "{'a b':1}", "", "schema: "},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := avroBack(t, c.content, c.props)
			if c.err == "" && (err != nil || got != c.want) {
				t.Errorf("got %s, %v\nwant %s", got, err, c.want)
			}
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("got %s, %v\nwant %s", got, err, c.err)
			}
		})
	}
}
