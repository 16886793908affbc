// Package kafka holds the types that write and read topics of Kafka: the tasks Produce and Consume, and triggers.
package kafka

import (
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

const area = "io.kestra.plugin.kafka."

// Types lists the types of this package.
func Types() []plugin.Type {
	return []plugin.Type{
		{
			Name: area + "RealtimeTrigger", Category: plugin.Trigger, Trigger: model.TriggerRealtime, Title: "Start the flow for each message of a topic.",
			Description: "Reads topics as a member of a consumer group. The offset of a message is committed once its execution is durable, and a " +
				"message that comes again all the same starts nothing again: one execution a message.",
			Examples: []plugin.Example{{Title: "Each order", YAML: `id: orders
type: io.kestra.plugin.kafka.RealtimeTrigger
topic: orders
groupId: flows
properties:
  bootstrap.servers: localhost:9092
valueDeserializer: JSON`}},
			New: func() any { return &RealtimeTrigger{} }, Outputs: Message{},
		},
		{
			Name: area + "Trigger", Category: plugin.Trigger, Trigger: model.TriggerPolling, Title: "Start the flow for a batch of messages of a topic.",
			Description: "Reads topics every `interval` and starts the flow with a file of the messages. Their offsets are committed once it is " +
				"certain that the flow starts, so that none is lost; if the worker dies just between the two, they are read once more.",
			Examples: []plugin.Example{{Title: "A hundred orders at once", YAML: `id: orders
type: io.kestra.plugin.kafka.Trigger
topic: orders
groupId: flows
properties:
  bootstrap.servers: localhost:9092
maxRecords: 100
interval: PT1M`}},
			New: func() any { return &Trigger{} }, Outputs: Output{},
		},
		{
			Name: area + "Produce", Category: plugin.Task, Title: "Write messages to topics.",
			Description: "Writes a message for each value of `from`: maps with `key`, `value`, and where wanted `topic`, `partition`, `timestamp` " +
				"and `headers`. All of them are one transaction, unless `transactional` is unset. Rows of a file are read as they are written, and " +
				"are not rendered.",
			Examples: []plugin.Example{{Title: "One message", YAML: `id: tell
type: io.kestra.plugin.kafka.Produce
topic: orders
properties:
  bootstrap.servers: localhost:9092
from:
  key: "{{ execution.id }}"
  value:
    status: NEW
  headers:
    kind: order
valueSerializer: JSON`}, {Title: "A file of rows as Avro", YAML: `id: publish
type: io.kestra.plugin.kafka.Produce
topic: orders
properties:
  bootstrap.servers: localhost:9092
serdeProperties:
  schema.registry.url: http://localhost:8081
from: "{{ outputs.orders.uri }}"
valueSerializer: AVRO
valueAvroSchema: |
  {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}`}},
			New: func() any { return &Produce{} }, Outputs: ProduceOutput{},
		},
		{
			Name: area + "Consume", Category: plugin.Task, Title: "Read messages of topics into a file.",
			Description: "Reads until there are no more messages for `pollDuration`, or there are enough. A group's offsets are committed once the file " +
				"is stored. Of a share group (`groupType: SHARE`, Kafka 4.1 or later) a run takes what the broker hands out at once.",
			Examples: []plugin.Example{{Title: "What is new", YAML: `id: orders
type: io.kestra.plugin.kafka.Consume
topic: orders
groupId: flows
properties:
  bootstrap.servers: localhost:9092
  auto.offset.reset: earliest
valueDeserializer: JSON
maxRecords: 1000`}},
			New: func() any { return &Consume{} }, Outputs: Output{},
		},
	}
}

// Consumer says what is read, and how.
type Consumer struct {
	Properties        map[string]string `json:"properties" required:"true" doc:"Properties of Kafka's clients: bootstrap.servers is required. Key stores are base64, certificates PEM. Those that mean nothing to this client are logged."`
	SerdeProperties   map[string]string `json:"serdeProperties" doc:"Properties of Kafka's deserializers: schema.registry.url and what a registry is logged in to with."`
	Topic             any               `json:"topic" doc:"The topic, or a list of topics."`
	TopicPattern      string            `json:"topicPattern" doc:"A regular expression of topics, instead."`
	Partitions        []int             `json:"partitions" doc:"The partitions that are read, from their beginning; the group has no say then."`
	GroupID           string            `json:"groupId" doc:"The consumer group, which remembers what was read. Without one topics are read from their beginning."`
	GroupType         string            `json:"groupType" default:"CONSUMER" enum:"CONSUMER,SHARE" doc:"CONSUMER is a group that shares partitions and remembers offsets, SHARE one whose members are handed messages one by one: it needs topic and groupId."`
	AcknowledgeType   string            `json:"acknowledgeType" default:"ACCEPT" enum:"ACCEPT,RELEASE,REJECT,RENEW" doc:"What a SHARE group is told of messages that were read: ACCEPT finishes them, RELEASE gives them back, REJECT drops them, RENEW keeps them longer."`
	KeyDeserializer   string            `json:"keyDeserializer" default:"STRING" enum:"STRING,INTEGER,FLOAT,DOUBLE,LONG,SHORT,BYTE_ARRAY,BYTE_BUFFER,BYTES,UUID,VOID,AVRO,JSON,PROTOBUF" doc:"What keys are. AVRO needs a schema registry; PROTOBUF is not supported. Bytes become base64."`
	ValueDeserializer string            `json:"valueDeserializer" default:"STRING" enum:"STRING,INTEGER,FLOAT,DOUBLE,LONG,SHORT,BYTE_ARRAY,BYTE_BUFFER,BYTES,UUID,VOID,AVRO,JSON,PROTOBUF" doc:"What values are; the same."`
	OnSerdeError      *OnSerdeError     `json:"onSerdeError" doc:"What becomes of messages that are not what they should be; without it they stop the trigger."`
	Since             string            `json:"since" doc:"The date from which on messages are read, where no group has a say."`
	HeaderFilters     map[string]string `json:"headerFilters" doc:"Headers that a message must have, with these values."`

	SchemaRegistryVendor *Vendor `json:"schemaRegistryVendor" doc:"The schema registry, where serdeProperties do not name it."`

	registry *registry // nil unless there is AVRO
}

// OnSerdeError says what becomes of messages that are not what they should be.
type OnSerdeError struct {
	Type  string `json:"type" default:"SKIPPED" enum:"SKIPPED,DLQ,STORE" doc:"SKIPPED passes over them, DLQ puts them into another topic, STORE into a file, whose URI is logged."`
	Topic string `json:"topic" doc:"The topic for DLQ."`
}

// RealtimeTrigger starts the flow for each message.
type RealtimeTrigger struct{ Consumer }

// Batch says how many messages are read together.
type Batch struct {
	PollDuration sdk.Duration  `json:"pollDuration" default:"PT5S" doc:"How long to wait for messages, where there are none."`
	MaxRecords   *int          `json:"maxRecords" min:"1" doc:"How many messages there are at most."`
	MaxDuration  *sdk.Duration `json:"maxDuration" doc:"How long messages are gathered at most; without it as long as pollDuration."`
}

// Trigger starts the flow for a batch of messages.
type Trigger struct {
	Consumer
	Batch
	Interval sdk.Duration `json:"interval" default:"PT60S" static:"true" doc:"How long to wait after each look."`
}

// Consume reads messages into a file.
type Consume struct {
	Consumer
	Batch
}

// Produce writes messages.
type Produce struct {
	Properties           map[string]string `json:"properties" required:"true" doc:"Properties of Kafka's producers, as consumers have them."`
	SerdeProperties      map[string]string `json:"serdeProperties" doc:"Properties of Kafka's serializers: schema.registry.url, what a registry is logged in to with, auto.register.schemas, use.latest.version, and the strategies of subjects' names."`
	SchemaRegistryVendor *Vendor           `json:"schemaRegistryVendor" doc:"The schema registry, where serdeProperties do not name it."`
	Topic                string            `json:"topic" doc:"The topic of messages that name none."`
	From                 any               `json:"from" required:"true" doc:"The messages: a map, a list of maps, or the URI of a file of Ion or JSON lines with a map each."`
	KeySerializer        string            `json:"keySerializer" default:"STRING" enum:"STRING,INTEGER,FLOAT,DOUBLE,LONG,SHORT,BYTE_ARRAY,BYTE_BUFFER,BYTES,UUID,VOID,AVRO,JSON,PROTOBUF" doc:"What keys are. AVRO needs a schema registry; PROTOBUF is not supported. Bytes are written as base64."`
	ValueSerializer      string            `json:"valueSerializer" default:"STRING" enum:"STRING,INTEGER,FLOAT,DOUBLE,LONG,SHORT,BYTE_ARRAY,BYTE_BUFFER,BYTES,UUID,VOID,AVRO,JSON,PROTOBUF" doc:"What values are; the same."`
	KeyAvroSchema        string            `json:"keyAvroSchema" doc:"The schema of keys that are AVRO."`
	ValueAvroSchema      string            `json:"valueAvroSchema" doc:"The schema of values that are AVRO."`
	Transactional        bool              `json:"transactional" default:"true" doc:"Whether messages are seen together, once all are written, or not at all."`
}

// ProduceOutput is what came of writing messages.
type ProduceOutput struct {
	MessagesCount int `json:"messagesCount" doc:"How many messages were written."`
}

// Message is the variable trigger of executions that a message started.
type Message struct {
	Key       any       `json:"key" doc:"Its key."`
	Value     any       `json:"value" doc:"Its value."`
	Topic     string    `json:"topic" doc:"Its topic."`
	Headers   []Header  `json:"headers" doc:"Its headers, each a map of its name to its value."`
	Partition int32     `json:"partition" doc:"Its partition."`
	Timestamp time.Time `json:"timestamp" doc:"When it was written."`
	Offset    int64     `json:"offset" doc:"Its offset."`
}

// Header is a header of a message: a map of one name.
type Header map[string]string

// Output is what there is of messages that were read together.
type Output struct {
	MessagesCount int    `json:"messagesCount" doc:"How many messages there are."`
	URI           string `json:"uri" doc:"The file of Ion with the messages."`
}
