package kafka_test

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
	tasks "github.com/windhover-io/windhover/internal/tasks/kafka"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// broker is a real Kafka, with a topic of this test's own.
type broker struct {
	*testing.T
	run     *sdktest.Run
	address string
	topic   string
}

func kafka(t *testing.T) broker {
	run := sdktest.New(t)
	run.Is.TaskRunID = model.NewID()
	return broker{t, run, servers.Address(t, "kafka"), "orders-" + strings.ToLower(model.NewID())}
}

// admin asks the broker for what tasks do not ask for.
func (b broker) admin(req kmsg.Request) kmsg.Response {
	b.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.address))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	resp, err := c.Request(b.Context(), req)
	if err != nil {
		b.Fatal(err)
	}
	return resp
}

// create makes a topic with so many partitions.
func (b broker) create(topic string, partitions int32) {
	b.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	of := kmsg.NewCreateTopicsRequestTopic()
	of.Topic, of.NumPartitions, of.ReplicationFactor = topic, partitions, 1
	req.Topics = append(req.Topics, of)
	b.admin(req)
}

func (b broker) yaml(typ, props string) string {
	head := "type: io.kestra.plugin.kafka." + typ + "\n"
	if !strings.Contains(props, "bootstrap.servers") {
		head += "properties: {bootstrap.servers: '" + b.address + "', auto.offset.reset: earliest}\n"
	}
	if !strings.Contains(props, "topic") {
		head += "topic: " + b.topic + "\n"
	}
	if typ == "Consume" && !strings.Contains(props, "pollDuration") {
		head += "pollDuration: PT2S\n"
	}
	return head + props
}

func (b broker) produce(format string, args ...any) string {
	b.Helper()
	return taskstest.Must(b, b.run, tasks.Types(), "%s", b.yaml("Produce", fmt.Sprintf(format, args...)))
}

func (b broker) fails(typ, format string, args ...any) string {
	b.Helper()
	return taskstest.Fails(b, b.run, tasks.Types(), "%s", b.yaml(typ, fmt.Sprintf(format, args...)))
}

// consume reads messages, without when and where they stand.
func (b broker) consume(format string, args ...any) []string {
	b.Helper()
	out := taskstest.Must(b, b.run, tasks.Types(), "%s", b.yaml("Consume", fmt.Sprintf(format, args...)))
	var o struct {
		MessagesCount int
		URI           string
	}
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		b.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.run.Content(o.URI)), "\n")
	if lines[0] == "" {
		lines = nil
	}
	if len(lines) != o.MessagesCount {
		b.Errorf("messagesCount is %d, and there are %d", o.MessagesCount, len(lines))
	}
	return lines
}

// values are the parts of messages between value: and topic:.
func values(lines []string) string {
	var out []string
	for _, l := range lines {
		_, l, _ = strings.Cut(l, ",value:")
		l, _, _ = strings.Cut(l, ",topic:")
		out = append(out, l)
	}
	return strings.Join(out, " ")
}

// TestMessage: what is written is read, with all that belongs to it.
func TestMessage(t *testing.T) {
	b := kafka(t)
	b.create(b.topic, 3)
	b.run.Vars["n"] = 7
	if got := b.produce("from: {key: 'k{{ n }}', value: {a: '{{ n }}', l: [1]}, partition: 2, timestamp: '2026-01-02T03:04:05Z', headers: {kind: new, n: '{{ n }}'}}\nvalueSerializer: JSON"); got != `{"messagesCount":1}` {
		t.Error(got)
	}
	want := []string{`{key:"k7",value:{a:"7",l:[1]},topic:"` + b.topic + `",headers:[{kind:"new"},{n:"7"}],partition:2,timestamp:2026-01-02T03:04:05.000Z,offset:0}`}
	if d := cmp.Diff(want, b.consume("valueDeserializer: JSON")); d != "" {
		t.Error(d)
	}
	metrics := []sdktest.Metric{{Type: "counter", Name: "records", Value: 1}, {Type: "counter", Name: "records", Value: 1, Tags: map[string]string{"topic": b.topic}}}
	if d := cmp.Diff(metrics, b.run.Metrics); d != "" {
		t.Error(d)
	}
	if got := b.fails("Produce", "from: {value: a, partition: 3}"); !strings.Contains(got, "partition") {
		t.Error(got)
	}
}

// TestFrom: messages come from lists, texts and files, and those that were read can be written again.
func TestFrom(t *testing.T) {
	b := kafka(t)
	file := b.run.File("rows.ion", "{key:1,value:{n:1}}\n{key:2,value:\"{{ not rendered }}\",headers:[{a:\"b\"}]}\n{key:3}\n")
	b.produce("from: %s\nkeySerializer: LONG\nvalueSerializer: JSON", file)
	b.produce("from: [{key: 4, value: x}, {key: 5, value: '{{ 6 }}'}]\nkeySerializer: LONG\nvalueSerializer: JSON")
	b.produce("from: '[{\"key\": 6, \"value\": null}]'\nkeySerializer: LONG\nvalueSerializer: JSON")
	lines := b.consume("keyDeserializer: LONG\nvalueDeserializer: JSON")
	if got := values(lines); got != `{n:1} "{{ not rendered }}" null "x" "6" null` {
		t.Error(got)
	}
	again := b.run.File("again.ion", strings.ReplaceAll(strings.Join(lines, "\n"), b.topic, b.topic+"-2"))
	b.produce("from: %s\nkeySerializer: LONG\nvalueSerializer: JSON", again)
	copied := b.consume("topic: %s-2\nkeyDeserializer: LONG\nvalueDeserializer: JSON", b.topic)
	if d := cmp.Diff(len(lines), len(copied)); d != "" || values(copied) != values(lines) || !strings.Contains(copied[1], `headers:[{a:"b"}]`) {
		t.Error(d, copied)
	}
	for from, want := range map[string]string{"5": "from: expected", "[5]": "from[0]: expected a map", "kestra:///none": "from:", "{value: [}": "", "no JSON": "from: expected the URI"} {
		if want == "" {
			continue
		}
		if got := b.fails("Produce", "from: %q", from); !strings.Contains(got, want) {
			t.Errorf("%s: %s", from, got)
		}
	}
}

// TestTransaction: of a transaction that fails nothing is seen.
func TestTransaction(t *testing.T) {
	b := kafka(t)
	rows := b.run.File("rows.ion", "{value:\"1\"}\n{value:\"2\"}\n{value:\"many\"}\n")
	if got := b.fails("Produce", "from: %s\nvalueSerializer: INTEGER", rows); !strings.Contains(got, `from: row 3: value: "many" is no INTEGER`) {
		t.Error(got)
	}
	b.produce("from: {value: 7}\nvalueSerializer: INTEGER")
	if got := values(b.consume("valueDeserializer: INTEGER")); got != "7" {
		t.Errorf("seen: %s", got)
	}
	b.fails("Produce", "from: %s\nvalueSerializer: INTEGER\ntransactional: false", rows)
	if got := values(b.consume("valueDeserializer: INTEGER")); got != "7 1 2" {
		t.Errorf("seen: %s", got)
	}
	b.produce("from: {value: 8}\nvalueSerializer: INTEGER\ntransactional: false\nproperties: {bootstrap.servers: '%s', acks: '1', compression.type: gzip, linger.ms: '5', batch.size: '100'}", b.address)
	if got := b.run.Logged(); !strings.Contains(got, "batch.size mean nothing") {
		t.Errorf("logged: %s", got)
	}
}

// TestLimits: what a group has read does not come again; filters, partitions and dates choose.
func TestLimits(t *testing.T) {
	b := kafka(t)
	b.create(b.topic, 2)
	began := time.Now().Add(-time.Hour) // a broker may drop what is much older
	for n := range 6 {
		at := began.Add(time.Duration(n) * time.Minute).UnixMilli()
		// the end of a transaction has a date too, which counts for since
		b.produce("from: {value: '%d', partition: %d, timestamp: %d, headers: {kind: %c}}\ntransactional: false", n, n%2, at, 'a'+n%3)
	}
	group := "groupId: g-" + b.topic + "\nmaxRecords: "
	first, second := b.consume("%s4", group), b.consume("%s4", group)
	if len(first) != 4 || len(second) != 2 {
		t.Errorf("read %v, then %v", first, second)
	}
	if got := b.consume("%s4", group); got != nil {
		t.Errorf("it comes again: %v", got)
	}
	for props, want := range map[string]string{
		"partitions: [1]": `"1" "3" "5"`,
		"since: '" + began.Add(3*time.Minute).Format(time.RFC3339) + "'\npartitions: [0]":                               `"4"`,
		"headerFilters: {kind: b}\npartitions: [0, 1]":                                                                  `"1" "4"`,
		"groupId: p-" + b.topic + "\ntopicPattern: " + b.topic[:20] + ".*\nheaderFilters: {kind: c}\nmaxDuration: PT3S": `"2" "5"`,
	} {
		got := strings.Fields(values(b.consume("%s", props)))
		if d := cmp.Diff(strings.Fields(want), sorted(got)); d != "" {
			t.Errorf("%s: %s", props, d)
		}
	}
}

// TestUnreadable: a message that is not what it should be fails the task, is passed over, stored, or written elsewhere.
func TestUnreadable(t *testing.T) {
	b := kafka(t)
	b.produce("from: [{value: '1'}, {value: 'no JSON'}, {value: '2'}]")
	if got := b.fails("Consume", "valueDeserializer: JSON"); !strings.Contains(got, "/0/1: its value") {
		t.Error(got)
	}
	for _, kind := range []string{"SKIPPED", "STORE", "DLQ"} {
		if got := values(b.consume("valueDeserializer: JSON\nonSerdeError: {type: %s, topic: %s-dlq}\nproperties: {bootstrap.servers: '%s', auto.offset.reset: earliest, allow.auto.create.topics: 'true'}\ntopic: %s", kind, b.topic, b.address, b.topic)); got != "1 2" {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if got := values(b.consume("topic: %s-dlq", b.topic)); got != `"no JSON"` {
		t.Errorf("elsewhere: %s", got)
	}
}

// TestShare: a share group hands out each message once, unless it is given back.
func TestShare(t *testing.T) {
	b := kafka(t)
	group := "s-" + b.topic
	b.create(b.topic, 1)
	b.produce("from: [{value: '1'}, {value: '2'}]")
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	of := kmsg.NewIncrementalAlterConfigsRequestResource()
	of.ResourceType, of.ResourceName = kmsg.ConfigResourceTypeGroupConfig, group
	entry := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	entry.Name, entry.Value = "share.auto.offset.reset", kmsg.StringPtr("earliest")
	of.Configs = append(of.Configs, entry)
	req.Resources = append(req.Resources, of)
	b.admin(req)
	props := "groupType: SHARE\ngroupId: " + group + "\n"
	for _, step := range []struct{ acknowledge, want string }{{"RELEASE", `"1" "2"`}, {"ACCEPT", `"1" "2"`}} {
		if got := values(b.consume("%sacknowledgeType: %s", props, step.acknowledge)); got != step.want {
			t.Errorf("%s: %s", step.acknowledge, got)
		}
	}
	b.produce("from: {value: '3'}")
	if got := values(b.consume("%s", props)); got != `"3"` {
		t.Errorf("then: %s", got)
	}
	for more, want := range map[string]string{"topicPattern: a": "topic", "partitions: [1]": "partitions", "since: '2026-01-02T03:04:05Z'": "since"} {
		if got := b.fails("Consume", "%s%s", props, more); !strings.Contains(got, want) {
			t.Errorf("%s: %s", more, got)
		}
	}
}

// TestSASL: a user logs in by each mechanism, and a wrong password is told without telling it.
func TestSASL(t *testing.T) {
	b := kafka(t)
	host, port, _ := net.SplitHostPort(b.address)
	n, _ := strconv.Atoi(port)
	at := net.JoinHostPort(host, strconv.Itoa(n+2))
	for i, mechanism := range []int8{1, 2} {
		req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
		up := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
		salt := []byte("a salt of sixteen")
		up.Name, up.Mechanism, up.Iterations, up.Salt = "scrammer", mechanism, 4096, salt
		up.SaltedPassword = salted([]byte(`pass"word`), salt, 4096, i == 1)
		req.Upsertions = append(req.Upsertions, up)
		for _, r := range b.admin(req).(*kmsg.AlterUserSCRAMCredentialsResponse).Results {
			if r.ErrorCode != 0 {
				t.Fatalf("error %d", r.ErrorCode)
			}
		}
	}
	login := func(mechanism, user, password string) string {
		return fmt.Sprintf("from: {value: '1'}\nproperties:\n  bootstrap.servers: %s\n  security.protocol: SASL_PLAINTEXT\n  sasl.mechanism: %s\n  sasl.jaas.config: 'org.apache.kafka.common.security.x.Login required username=%q password=%q;'\n",
			at, mechanism, user, password)
	}
	for _, l := range []string{login("PLAIN", "flows", "secret of flows"), login("SCRAM-SHA-256", "scrammer", `pass"word`), login("SCRAM-SHA-512", "scrammer", `pass"word`)} {
		b.produce("%s", l)
	}
	if got := b.fails("Produce", "%s", login("PLAIN", "flows", "wrong-secret")); strings.Contains(got, "wrong-secret") || !strings.Contains(got, "no broker") {
		t.Error(got)
	}
	if got := b.run.Logged(); strings.Contains(got, "secret") {
		t.Error(got)
	}
}

// TestTLS: a broker that wants a certificate is shown one, from key stores of both kinds and as PEM.
func TestTLS(t *testing.T) {
	b := kafka(t)
	host, port, _ := net.SplitHostPort(b.address)
	n, _ := strconv.Atoi(port)
	head := "from: {value: '1'}\nproperties:\n  bootstrap.servers: " + net.JoinHostPort(host, strconv.Itoa(n+3)) + "\n  security.protocol: SSL\n"
	stored := func(name string) string {
		content, err := os.ReadFile(filepath.Join(servers.Dir("kafka"), name))
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(content)
	}
	for _, kind := range []string{"p12", "jks"} {
		b.produce("%s  ssl.truststore.location: %s\n  ssl.truststore.password: windhover\n  ssl.keystore.location: %s\n  ssl.keystore.password: windhover\n  ssl.key.password: windhover\n",
			head, stored("client-trust."+kind), stored("client."+kind))
	}
	for props, want := range map[string]string{
		"": "certificate",
		"  ssl.truststore.location: " + stored("client-trust.p12") + "\n  ssl.truststore.password: windhover\n": "no broker",
		"  ssl.truststore.location: " + stored("client-trust.p12") + "\n  ssl.truststore.password: wrong\n":     "ssl.truststore.location: pkcs12: decryption password incorrect",
		"  ssl.keystore.location: '!'\n": "as base64",
	} {
		if got := b.fails("Produce", "%s%s", head, props); !strings.Contains(got, want) {
			t.Errorf("%s: %s", props, got)
		}
	}
}

const order = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"note","type":["null","string"]},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"tags","type":{"type":"array","items":"string"}}]}`

// TestAvro: schemas are registered by their subjects, and values are read by the schema that they name.
func TestAvro(t *testing.T) {
	b := kafka(t)
	registry := srfake.New(srfake.WithAuth("Basic " + base64.StdEncoding.EncodeToString([]byte("user:s3cret"))))
	t.Cleanup(registry.Close)
	props := "serdeProperties: {schema.registry.url: '" + registry.URL() + "', basic.auth.credentials.source: USER_INFO, basic.auth.user.info: 'user:s3cret'}\n"
	write := "valueSerializer: AVRO\nvalueAvroSchema: '" + order + "'\n" + props
	b.produce("%sfrom: [{key: a, value: {id: '{{ 5 }}', note: '', at: '2026-01-02T03:04:05Z', tags: [x]}}, {value: {id: 6, at: '2026-01-02T03:04:06.500Z', tags: []}}, {key: gone}]", write)
	got := values(b.consume("%svalueDeserializer: AVRO", props))
	if want := `{id:5,note:"",at:2026-01-02T03:04:05.000Z,tags:["x"]} {id:6,note:null,at:2026-01-02T03:04:06.500Z,tags:[]} null`; got != want {
		t.Errorf("read %s", got)
	}
	b.produce("keySerializer: AVRO\nkeyAvroSchema: '\"int\"'\nfrom: {key: 3, value: x}\n%s", props)
	for _, subject := range []string{b.topic + "-key", b.topic + "-value"} {
		if !registry.SubjectExists(subject) {
			t.Errorf("%s is not registered", subject)
		}
	}
	for props, want := range map[string]string{
		write + "from: {value: {id: x}}":                                                                                                 `from: value: id: a string "x" is no value of the schema "long"`,
		"valueSerializer: AVRO\nfrom: {value: 1}\n" + props:                                                                              "valueAvroSchema is required",
		"valueSerializer: AVRO\nfrom: {value: 1}\nvalueAvroSchema: '\"int\"'":                                                            "schema.registry.url is required",
		strings.Replace(write, "s3cret", "wrong", 1) + "from: {value: {id: x}}":                                                          "registering the schema of",
		"valueSerializer: PROTOBUF\nfrom: {value: 1}":                                                                                    "PROTOBUF is not supported",
		strings.Replace(write, "}\n", ", auto.register.schemas: 'false'}\n", 1) + "topic: other-" + b.topic + "\nfrom: {value: {id: 1}}": "the schema of other-",
	} {
		if got := b.fails("Produce", "%s", props); !strings.Contains(got, want) || strings.Contains(got, "wrong") {
			t.Errorf("%s: %s", props, got)
		}
	}
	if got := b.fails("Consume", "%svalueDeserializer: AVRO", props); !strings.Contains(got, "begin with the number of a schema") {
		t.Errorf("a message without one: %s", got)
	}
	if got := b.run.Logged(); strings.Contains(got, "s3cret") {
		t.Error(got)
	}
}

// salted is the password of a SCRAM user as a broker keeps it.
func salted(password, salt []byte, iterations int, long bool) []byte {
	h, size := sha256.New, sha256.Size
	if long {
		h, size = sha512.New, sha512.Size
	}
	key, err := pbkdf2.Key(h, string(password), salt, iterations, size)
	if err != nil {
		panic(err)
	}
	return key
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
