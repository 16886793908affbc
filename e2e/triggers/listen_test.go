package triggers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/paho"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// listen starts a listener and returns what ends it, and tells why it has ended.
func listen(t *testing.T, yaml string, h *heard) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	run := sdktest.New(t)
	run.Is.TriggerID = "watch"
	types, ended := all(t), make(chan error, 1)
	go func() { ended <- taskstest.Listen(ctx, t, run, types, yaml, h.emit) }()
	stopped := false
	stop = func() error {
		cancel()
		if stopped {
			return nil
		}
		stopped = true
		return <-ended
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

// after fails the n-th message, and all that follow: as if the worker died.
func after(n int) func(int) error {
	return func(i int) error {
		if i > n {
			return errors.New("the worker dies")
		}
		return nil
	}
}

// producer writes to a topic.
func producer(t *testing.T) (topic string, put func(records ...*kgo.Record)) {
	t.Helper()
	topic = unique("orders-")
	c, err := kgo.NewClient(kgo.SeedBrokers(service(t, "kafka")), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return topic, func(records ...*kgo.Record) {
		t.Helper()
		if err := c.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func record(n int) *kgo.Record {
	return &kgo.Record{Key: fmt.Appendf(nil, "k%d", n), Value: fmt.Appendf(nil, `{"n":%d}`, n), Headers: []kgo.RecordHeader{{Key: "kind", Value: []byte{'a' + byte(n%2)}}}}
}

func kafkaProps(t *testing.T, typ, topic string) string {
	return "type: io.kestra.plugin.kafka." + typ + "\ntopic: " + topic + "\ngroupId: g-" + topic + "\nvalueDeserializer: JSON\nproperties:\n  bootstrap.servers: " +
		service(t, "kafka") + "\n  auto.offset.reset: earliest\n"
}

// TestKafka: what was emitted is committed, what was not comes again, to whoever listens next.
func TestKafka(t *testing.T) {
	topic, put := producer(t)
	for n := range 5 {
		put(record(n))
	}
	yaml := kafkaProps(t, "RealtimeTrigger", topic)
	first := &heard{fail: after(3)}
	stop := listen(t, yaml, first)
	until(t, "three are heard", func() bool { return first.count() == 3 })
	if err := stop(); err == nil || !strings.Contains(err.Error(), "the worker dies") {
		t.Fatalf("it ends with %v", err)
	}
	second := &heard{}
	stop = listen(t, yaml, second)
	until(t, "the others are heard", func() bool { return second.count() == 2 })
	put(record(5))
	until(t, "a new one is heard", func() bool { return second.count() == 3 })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	if got := first.field("key") + " " + second.field("key"); got != "k0 k1 k2 k3 k4 k5" {
		t.Errorf("heard %s", got)
	}
	if got := second.field("value"); got != "map[n:3] map[n:4] map[n:5]" {
		t.Errorf("values %s", got)
	}
	if got := second.field("headers"); got != "[map[kind:b]] [map[kind:a]] [map[kind:b]]" {
		t.Errorf("headers %s", got)
	}
	third := &heard{}
	stop = listen(t, yaml, third)
	put(record(6))
	until(t, "only what is new is heard", func() bool { return third.count() > 0 })
	if got := third.field("key"); got != "k6" {
		t.Errorf("heard %s", got)
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestKafkaKeys: a message has the same key whenever it comes, and no other has it.
func TestKafkaKeys(t *testing.T) {
	topic, put := producer(t)
	put(record(0), record(1))
	yaml := kafkaProps(t, "RealtimeTrigger", topic) + "partitions: [0]\n"
	var keys []string
	for range 2 {
		h := &heard{}
		stop := listen(t, yaml, h)
		until(t, "both are heard", func() bool { return h.count() == 2 })
		_ = stop()
		keys = append(keys, h.keys...)
	}
	if keys[0] != keys[2] || keys[1] != keys[3] || keys[0] == keys[1] {
		t.Errorf("keys %q", keys)
	}
}

func TestKafkaFiltersAndErrors(t *testing.T) {
	topic, put := producer(t)
	put(record(0), record(1), &kgo.Record{Key: []byte("bad"), Value: []byte("no JSON"), Headers: record(1).Headers}, record(3))
	h := &heard{}
	listen(t, kafkaProps(t, "RealtimeTrigger", topic)+"headerFilters: {kind: b}\nonSerdeError: {type: DLQ, topic: "+topic+"}\n", h)
	// the message that cannot be read goes to its own topic again, without end; the others are heard once
	until(t, "those with the header are heard", func() bool { return h.count() == 2 })
	if got := h.field("key"); got != "k1 k3" {
		t.Errorf("heard %s", got)
	}
	h = &heard{}
	stop := listen(t, strings.Replace(kafkaProps(t, "RealtimeTrigger", topic), "g-", "other-", 1), h)
	until(t, "two are heard", func() bool { return h.count() == 2 })
	if err := stop(); err == nil || !strings.Contains(err.Error(), "its value") {
		t.Errorf("it ends with %v", err)
	}
}

// TestKafkaBatch: a batch is committed once it is certain that the flow starts.
func TestKafkaBatch(t *testing.T) {
	topic, put := producer(t)
	for n := range 5 {
		put(record(n))
	}
	yaml := kafkaProps(t, "Trigger", topic) + "maxRecords: 3\npollDuration: PT2S\n"
	types := all(t)
	var batch struct {
		MessagesCount int
		URI           string
	}
	for _, durable := range []bool{false, true} {
		p := poll(t, types, yaml)
		p.read(t, &batch)
		content := p.run.Content(batch.URI)
		if batch.MessagesCount != 3 || strings.Count(content, "\n") != 3 || !strings.Contains(content, `key:"k0",value:{n:0}`) {
			t.Fatalf("%+v: %s", batch, content)
		}
		p.settled(t, durable)
	}
	p := poll(t, types, yaml)
	p.read(t, &batch)
	if batch.MessagesCount != 2 {
		t.Errorf("%+v", batch)
	}
	p.settled(t, true)
	if p := poll(t, types, yaml); p.out != "" {
		t.Errorf("found %s", p.out)
	}
}

// TestKafkaMistakes: each is told at once.
func TestKafkaMistakes(t *testing.T) {
	for props, want := range map[string]string{
		"properties: {bootstrap.servers: '127.0.0.1:1'}\ntopic: a":                                            "no broker of 127.0.0.1:1",
		"properties: {a: b}\ntopic: a":                                                                        "bootstrap.servers is required",
		"properties: {bootstrap.servers: a}":                                                                  "one of topic and topicPattern",
		"properties: {bootstrap.servers: a}\ntopic: a\ngroupType: SHARE":                                      "SHARE",
		"properties: {bootstrap.servers: a}\ntopic: a\nvalueDeserializer: AVRO":                               "AVRO",
		"properties: {bootstrap.servers: a, security.protocol: SASL_SSL, sasl.mechanism: GSSAPI}\ntopic: a":   "GSSAPI",
		"properties: {bootstrap.servers: a, security.protocol: SSL, ssl.truststore.location: eA==}\ntopic: a": "ssl.truststore.location",
		"properties: {bootstrap.servers: a, session.timeout.ms: soon}\ntopic: a":                              "session.timeout.ms",
	} {
		err := taskstest.Listen(t.Context(), t, sdktest.New(t), all(t), "type: io.kestra.plugin.kafka.RealtimeTrigger\n"+props, func(string, string) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", props, err)
		}
	}
}

func redisClient(t *testing.T) (*redis.Client, string) {
	t.Helper()
	address := service(t, "redis")
	o, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c, address
}

// TestRedis: an element is in one place or another until its execution is durable.
func TestRedis(t *testing.T) {
	c, address := redisClient(t)
	key := unique("orders-")
	push := func(values ...any) {
		t.Helper()
		if err := c.RPush(t.Context(), key, values...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	push(`{"n":1}`, `{"n":2}`, `{"n":2}`, "no JSON")
	yaml := "type: io.kestra.plugin.redis.list.RealtimeTrigger\nserdeType: JSON\nurl: " + address + "\nkey: " + key
	first := &heard{fail: after(2)}
	stop := listen(t, yaml, first)
	until(t, "two are heard", func() bool { return first.count() == 2 })
	if err := stop(); err == nil || !strings.Contains(err.Error(), "the worker dies") {
		t.Fatalf("it ends with %v", err)
	}
	second := &heard{}
	stop = listen(t, yaml, second)
	until(t, "the others are heard", func() bool { return second.count() == 2 })
	push("3")
	until(t, "a new one is heard", func() bool { return second.count() == 3 })
	if got := first.field("value") + " " + second.field("value"); got != "map[n:1] map[n:2] map[n:2] no JSON 3" {
		t.Errorf("heard %s", got)
	}
	seen := map[string]bool{}
	for _, k := range append(first.keys, second.keys...) {
		if k == "" || seen[k] {
			t.Errorf("the key %q comes twice", k)
		}
		seen[k] = true
	}
	_ = stop()
	if left, err := c.Keys(t.Context(), "*"+key+"*").Result(); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// A worker that dies after an execution is durable, and before it can say so, leaves its element; it comes with its old key.
func TestRedisUnfinished(t *testing.T) {
	c, address := redisClient(t)
	key := unique("orders-")
	taken := "{" + key + "}:windhover:main:company.team:flow:watch"
	if err := c.HSet(t.Context(), taken, "the id that it was taken under", "text").Err(); err != nil {
		t.Fatal(err)
	}
	h := &heard{}
	listen(t, "type: io.kestra.plugin.redis.RealtimeTrigger\nurl: "+address+"\nkey: "+key, h)
	until(t, "it is heard", func() bool { return h.count() == 1 })
	if h.keys[0] != "the id that it was taken under" || h.field("value") != "text" {
		t.Errorf("%v %v", h.keys, h.vars)
	}
	until(t, "it is forgotten", func() bool { return c.Exists(t.Context(), taken).Val() == 0 })
}

func TestRedisBatch(t *testing.T) {
	c, address := redisClient(t)
	key, types := unique("orders-"), all(t)
	for n := range 5 {
		if err := c.RPush(t.Context(), key, n).Err(); err != nil {
			t.Fatal(err)
		}
	}
	yaml := "type: io.kestra.plugin.redis.list.Trigger\nurl: " + address + "\nkey: " + key + "\ncount: 2\nmaxRecords: 3"
	for i, want := range []string{"\"0\"\n\"1\"\n\"2\"\n", "\"0\"\n\"1\"\n\"2\"\n", "\"3\"\n\"4\"\n"} {
		var batch struct {
			Count int
			URI   string
		}
		p := poll(t, types, yaml)
		p.read(t, &batch)
		if got := p.run.Content(batch.URI); got != want || batch.Count != strings.Count(want, "\n") {
			t.Errorf("batch %d of %d: %s", i, batch.Count, got)
		}
		p.settled(t, i > 0)
	}
	if p := poll(t, types, yaml); p.out != "" {
		t.Errorf("found %s", p.out)
	}
}

// TestMQTT: what was not acknowledged comes again, also what came while nobody listened.
func TestMQTT(t *testing.T) {
	address := service(t, "mosquitto")
	topic, id := unique("sensors/"), unique("client-")
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	c := paho.NewClient(paho.ClientConfig{Conn: conn})
	if _, err := c.Connect(t.Context(), &paho.Connect{ClientID: unique("sender-"), CleanStart: true, KeepAlive: 30}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(&paho.Disconnect{}) })
	publish := func(payload string) {
		t.Helper()
		if _, err := c.Publish(t.Context(), &paho.Publish{Topic: topic + "/cpu", QoS: 1, Payload: []byte(payload),
			Properties: &paho.PublishProperties{ResponseTopic: "answers", CorrelationData: []byte("hi")}}); err != nil {
			t.Fatal(err)
		}
	}
	yaml := "type: io.kestra.plugin.mqtt.RealtimeTrigger\nserver: " + address + "\nclientId: " + id + "\ntopic: [" + topic + "/+]\n"
	// the first one finds when it is subscribed
	probe := &heard{}
	stop := listen(t, yaml, probe)
	until(t, "it is subscribed", func() bool {
		publish("0")
		return probe.count() > 0
	})
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatalf("it ends with %v", err)
	}
	for _, p := range []string{`{"n":1}`, `{"n":2}`, "no JSON"} {
		publish(p)
	}
	known := func(h *heard) string {
		return strings.TrimSpace(strings.ReplaceAll(" "+h.field("payload"), " 0", "")) // the probes that were left
	}
	first := &heard{}
	first.fail = func(int) error {
		if strings.Contains(strings.Join(first.vars, ""), `{"n":1}`) {
			return errors.New("the worker dies")
		}
		return nil
	}
	stop = listen(t, yaml, first)
	until(t, "one is heard", func() bool {
		first.mu.Lock()
		defer first.mu.Unlock()
		return strings.Contains(strings.Join(first.vars, ""), `{"n":1}`)
	})
	if err := stop(); err == nil || !strings.Contains(err.Error(), "the worker dies") {
		t.Fatalf("it ends with %v", err)
	}
	second := &heard{}
	stop = listen(t, yaml, second)
	until(t, "the others are heard", func() bool { return strings.Contains(known(second), "no JSON") })
	if got := known(first) + " " + known(second); got != "map[n:1] map[n:2] no JSON" {
		t.Errorf("heard %s", got)
	}
	if got := second.field("topic"); !strings.HasPrefix(got, topic+"/cpu") {
		t.Errorf("topics %s", got)
	}
	if got := second.field("correlationData"); !strings.HasPrefix(got, "aGk=") {
		t.Errorf("correlation %s", got)
	}
	_ = stop()
}
