package serdes_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// The files were written by Apache Arrow, with every type that it writes, two rows in the first group and one in the second.
func TestParquetToIon(t *testing.T) {
	const always = `f:1.5e0,dbl:-0.25e0,`
	const times = `small_price:1.5,big_price:123456789012345678901234567890.12,day:1969-12-31,t_ms:LocalTime::"12:21:12.500",t_us:LocalTime::"12:21:12.123456",` +
		`ts_ms:2021-05-05T10:21:12.123Z,ts_us:1969-12-31T23:59:59.999999Z,ts_ns:2021-05-05T10:21:12.000Z,local:LocalDateTime::"2021-05-05T12:21:00",`
	full := func(id int) string {
		return fmt.Sprintf(`{id:%d,small:%d,u8:200,u32:4000000000,u64:18446744073709551615,ok:true,%stext:"é",raw:"AP8=",price:-12.34,%s`, id, id, always, times) +
			`tags:["a",null,"b"],none:null,nested:[[1],[],null,[2,3]],more:{x:1,y:null},rec:{a:1,b:{c:[{d:"x"},{d:null}]}},color:"BLUE",half:1.5e0}` + "\n"
	}
	want := "3\n" + full(0) + `{id:1,small:null,u8:200,u32:4000000000,u64:1,ok:false,` + always + `text:null,raw:"AP8=",price:null,` + times +
		`tags:[],none:["x"],nested:null,more:{},rec:null,color:"BLUE",half:1.5e0}` + "\n" + full(2)
	for _, codec := range []string{"none", "snappy", "gzip", "zstd", "brotli", "lz4"} {
		content, err := os.ReadFile("testdata/sales-" + codec + ".parquet")
		if err != nil {
			t.Fatal(err)
		}
		got, err := convert(t, sdktest.New(t), "parquet.ParquetReader", string(content), "")
		if err != nil || got != want {
			t.Errorf("%s: got %v\n%s", codec, err, cmp.Diff(want, got))
		}
	}
	for name, want := range map[string]string{
		"int96": "1\n{at:2021-05-05T10:21:12.123456Z}\n",
		"uuid":  "1\n{id:\"0f8fad5b-d9cb-469f-a165-70867728950e\"}\n",
	} {
		content, err := os.ReadFile("testdata/" + name + ".parquet")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := convert(t, sdktest.New(t), "parquet.ParquetToIon", string(content), ""); err != nil || got != want {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	check(t, "parquet.ParquetToIon", map[string]conversion{
		"another format": {"", "id,name\n1,2\n3,4\n", "", "the file is no Parquet file"},
		"nothing":        {"", "", "", "the file is no Parquet file"},
		"a footer alone": {"", "PAR1\x00\x00\x00\x00PAR1", "", "the file is no Parquet file"},
	})
}

// parquetBack writes rows as Parquet and reads them again.
func parquetBack(t *testing.T, rows, props string) (string, error) {
	t.Helper()
	file, err := parquetFile(t, rows, props)
	if err != nil {
		return "", err
	}
	return convert(t, sdktest.New(t), "parquet.ParquetToIon", file, "")
}

func parquetFile(t *testing.T, rows, props string) (string, error) {
	t.Helper()
	run := sdktest.New(t)
	file, err := convert(t, run, "parquet.IonToParquet", rows, props)
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
	_, content, _ := strings.Cut(file, "\n")
	return content, nil
}

func TestIonToParquet(t *testing.T) {
	for name, c := range map[string]conversion{
		"types are found": {"", "{a:1,b:\"x\",c:1.5e0,d:true,e:null,f:[1,null,2],g:{h:1.50},i:2021-05-05,j:12345678901}\n{a:null,k:\"new\",f:[],g:{l:[{m:1}]}}\n",
			"2\n{a:1,b:\"x\",c:1.5e0,d:true,f:[1,null,2],g:{h:\"1.50\",l:null},i:2021-05-05,j:12345678901,k:null}\n{a:null,b:null,c:null,d:null,f:[],g:{h:null,l:[{m:1}]},i:null,j:null,k:\"new\"}\n", ""},
		"unions":         {"", "{a:1}\n{a:2.5e0}\n{a:[]}\n{a:null}\n{a:[1,\"y\",null]}\n{a:{b:1}}\n", "6\n{a:1}\n{a:2.5e0}\n{a:[]}\n{a:null}\n{a:[1,\"y\",null]}\n{a:{b:1}}\n", ""},
		"lists":          {"", "[1,2]\n[3]\n", "2\n[1,2]\n[3]\n", ""},
		"order is kept":  {"", "{z:1,y:2,b:{d:1,c:2}}", "1\n{z:1,y:2,b:{d:1,c:2}}\n", ""},
		"several groups": {"rowGroupSize: 1\npageSize: 20\ncompressionCodec: ZSTD", numbered(200), "200\n" + numbered(200), ""},
		"small dictionaries": {"dictionaryPageSize: 16\ncompressionCodec: SNAPPY\nparquetVersion: V1", strings.Repeat("{a:\"first\"}\n{a:\"second one\"}\n{a:\"third one\"}\n", 50),
			"150\n" + strings.Repeat("{a:\"first\"}\n{a:\"second one\"}\n{a:\"third one\"}\n", 50), ""},
		"a bad row skipped":  {"onBadLines: SKIP\n" + schemaOf(`{"name":"a","type":"int"}`), "{a:1}\n{a:\"x\"}\n7\n{a:3}\n", "2\n{a:1}\n{a:3}\n", ""},
		"a bad row":          {schemaOf(`{"name":"a","type":"int"}`), "{a:1}\n{a:\"x\"}\n", "", `row 2: a: a string "x" is no value of the schema "int"`},
		"an empty record":    {"", "{a:{}}", "", "schema: a: the record io.kestra.plugin.serdes.avro.a has no field with a value"},
		"nulls alone":        {schemaOf(`{"name":"a","type":{"type":"array","items":"null"}}`), "{a:[null]}", "", "schema: a: "},
		"a schema of itself": {schemaOf(`{"name":"a","type":["null","r"]}`), "{a:null}", "", "schema: a: the record r contains itself"},
		"no rows":            {schemaOf(`{"name":"a","type":"int"}`), "", "0\n", ""},
		"nothing to find":    {"", "", "", "schema: none is given and none can be found"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parquetBack(t, c.content, c.props)
			if c.err == "" && (err != nil || got != c.want) {
				t.Errorf("got %s, %v\nwant %s", got, err, c.want)
			}
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("got %s, %v\nwant %s", got, err, c.err)
			}
		})
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{id:%d,tags:[\"t%d\",\"u\"]}\n", i, i)
	}
	return b.String()
}

// Apache Arrow reads what we write: what it says of the file is held against what the schema and the rows say.
func TestArrowReadsParquet(t *testing.T) {
	address := servers.Address(t, "formats")
	const fields = `{"name":"i","type":"int"},{"name":"l","type":["null","long"]},{"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"ok","type":"boolean"},` +
		`{"name":"s","type":"string"},{"name":"b","type":"bytes"},{"name":"m","type":{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}},` +
		`{"name":"z","type":{"type":"fixed","name":"Z","size":4,"logicalType":"decimal","precision":6,"scale":1}},{"name":"day","type":{"type":"int","logicalType":"date"}},` +
		`{"name":"tm","type":{"type":"int","logicalType":"time-millis"}},{"name":"tu","type":{"type":"long","logicalType":"time-micros"}},` +
		`{"name":"am","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"au","type":{"type":"long","logicalType":"timestamp-micros"}},` +
		`{"name":"lm","type":{"type":"long","logicalType":"local-timestamp-millis"}},{"name":"id","type":{"type":"string","logicalType":"uuid"}},` +
		`{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"x","type":{"type":"fixed","name":"X","size":2}},` +
		`{"name":"tags","type":{"type":"array","items":["null","string"]}},{"name":"more","type":{"type":"map","values":["null","int"]}},` +
		`{"name":"rec","type":["null",{"type":"record","name":"R","fields":[{"name":"list","type":{"type":"array","items":{"type":"record","name":"S","fields":[{"name":"v","type":"int"},{"name":"w","type":["null","E"]}]}}}]}]},` +
		`{"name":"either","type":["int","string","null"]}`
	const rows = `{i:1,l:null,f:1.5e0,d:-0.25e0,ok:true,s:"é",b:"ab",m:-12.34,z:7.5,day:1969-12-31,tm:"12:21:12",tu:"12:21:12.123456",am:2021-05-05T10:21:12.123Z,au:2021-05-05T10:21:12.123456Z,lm:LocalDateTime::"2021-05-05T12:21:00",id:"0f8fad5b-d9cb-469f-a165-70867728950e",e:B,x:"cd",tags:["a",null],more:{k:1,n:null},rec:{list:[{v:1,w:A},{v:2,w:null}]},either:3}
{i:-2,l:12345678901,f:0e0,d:1e300,ok:false,s:"",b:"",m:0.00,z:-0.1,day:2021-05-05,tm:"00:00",tu:"00:00",am:1970-01-01T00:00:00Z,au:1970-01-01T00:00:00Z,lm:LocalDateTime::"1969-12-31T23:59:59",id:"0f8fad5b-d9cb-469f-a165-70867728950e",e:A,x:"ef",tags:[],more:{},rec:null,either:"text"}`
	want := map[string]any{
		"schema": []any{
			"i: int32 not null", "l: int64", "f: float not null", "d: double not null", "ok: bool not null", "s: string not null", "b: binary not null",
			"m: decimal128(6, 2) not null", "z: decimal128(6, 1) not null", "day: date32[day] not null", "tm: time32[ms] not null", "tu: time64[us] not null",
			"am: timestamp[ms, tz=UTC] not null", "au: timestamp[us, tz=UTC] not null", "lm: timestamp[ms] not null", "id: string not null", "e: binary not null",
			"x: fixed_size_binary[2] not null", "tags: list<element: string> not null", "more: map<string, int32 ('more')> not null",
			"rec: struct<list: list<element: struct<v: int32 not null, w: binary> not null> not null>", "either: struct<member0: int32, member1: string>",
		},
		"rows": []any{
			map[string]any{"i": 1.0, "l": nil, "f": 1.5, "d": -0.25, "ok": true, "s": "é", "b": "bytes 6162", "m": "Decimal -12.34", "z": "Decimal 7.5", "day": "date 1969-12-31",
				"tm": "time 12:21:12", "tu": "time 12:21:12.123456", "am": "datetime 2021-05-05T10:21:12.123000+00:00", "au": "datetime 2021-05-05T10:21:12.123456+00:00",
				"lm": "datetime 2021-05-05T12:21:00", "id": "0f8fad5b-d9cb-469f-a165-70867728950e", "e": "bytes 42", "x": "bytes 6364", "tags": []any{"a", nil},
				"more": []any{[]any{"k", 1.0}, []any{"n", nil}}, "rec": map[string]any{"list": []any{map[string]any{"v": 1.0, "w": "bytes 41"}, map[string]any{"v": 2.0, "w": nil}}},
				"either": map[string]any{"member0": 3.0, "member1": nil}},
			map[string]any{"i": -2.0, "l": 12345678901.0, "f": 0.0, "d": 1e300, "ok": false, "s": "", "b": "bytes ", "m": "Decimal 0.00", "z": "Decimal -0.1", "day": "date 2021-05-05",
				"tm": "time 00:00:00", "tu": "time 00:00:00", "am": "datetime 1970-01-01T00:00:00+00:00", "au": "datetime 1970-01-01T00:00:00+00:00",
				"lm": "datetime 1969-12-31T23:59:59", "id": "0f8fad5b-d9cb-469f-a165-70867728950e", "e": "bytes 41", "x": "bytes 6566", "tags": []any{}, "more": []any{}, "rec": nil,
				"either": map[string]any{"member0": nil, "member1": "text"}},
		},
		"groups": 1.0,
	}
	for codec, name := range map[string]string{"UNCOMPRESSED": "UNCOMPRESSED", "SNAPPY": "SNAPPY", "GZIP": "GZIP", "ZSTD": "ZSTD", "": "GZIP"} {
		for _, version := range []string{"V1", "V2"} {
			props := "timeZoneId: UTC\nparquetVersion: " + version + "\n" + schemaOf(fields)
			if codec != "" {
				props += "compressionCodec: " + codec + "\n"
			}
			file, err := parquetFile(t, rows, props)
			if err != nil {
				t.Fatal(err)
			}
			got := readByOthers(t, address+"/parquet", file)
			if got["codec"] != name {
				t.Errorf("%s %s: the codec is %v", codec, version, got["codec"])
			}
			delete(got, "codec")
			delete(got, "encodings")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s: %s", codec, version, diff)
			}
		}
	}
	file, err := parquetFile(t, numbered(200), "rowGroupSize: 1000\npageSize: 200\ndictionaryPageSize: 100")
	if err != nil {
		t.Fatal(err)
	}
	got := readByOthers(t, address+"/parquet", file)
	list, _ := got["rows"].([]any)
	if len(list) != 200 || got["groups"].(float64) < 2 {
		t.Fatalf("%d rows in %v groups", len(list), got["groups"])
	}
	for i, row := range list {
		if diff := cmp.Diff(map[string]any{"id": float64(i), "tags": []any{fmt.Sprintf("t%d", i), "u"}}, row); diff != "" {
			t.Fatalf("row %d: %s", i, diff)
		}
	}
}

// readByOthers asks a library of others what a file holds.
func readByOthers(t *testing.T, url, content string) map[string]any {
	t.Helper()
	resp, err := http.Post(url, "application/octet-stream", strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", resp.Status, body, err)
	}
	var got map[string]any
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}
