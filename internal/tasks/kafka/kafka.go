// Package kafka holds the triggers that read topics of Kafka.
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
	}
}

// Consumer says what is read, and how.
type Consumer struct {
	Properties        map[string]string `json:"properties" required:"true" doc:"Properties of Kafka's clients: bootstrap.servers is required. Known are those that say how to connect, to log in and to consume; certificates are PEM."`
	SerdeProperties   map[string]string `json:"serdeProperties" doc:"Accepted and not used."`
	Topic             any               `json:"topic" doc:"The topic, or a list of topics."`
	TopicPattern      string            `json:"topicPattern" doc:"A regular expression of topics, instead."`
	Partitions        []int             `json:"partitions" doc:"The partitions that are read, from their beginning; the group has no say then."`
	GroupID           string            `json:"groupId" doc:"The consumer group, which remembers what was read. Without one topics are read from their beginning."`
	GroupType         string            `json:"groupType" default:"CONSUMER" enum:"CONSUMER,SHARE" doc:"The kind of the group; SHARE is not supported."`
	AcknowledgeType   string            `json:"acknowledgeType" default:"ACCEPT" enum:"ACCEPT,RELEASE,REJECT,RENEW" doc:"Of no use without groupType SHARE."`
	KeyDeserializer   string            `json:"keyDeserializer" default:"STRING" enum:"STRING,INTEGER,FLOAT,DOUBLE,LONG,SHORT,BYTE_ARRAY,BYTE_BUFFER,BYTES,UUID,VOID,AVRO,JSON,PROTOBUF" doc:"What keys are; AVRO and PROTOBUF are not supported. Bytes become base64."`
	ValueDeserializer string            `json:"valueDeserializer" default:"STRING" enum:"STRING,INTEGER,FLOAT,DOUBLE,LONG,SHORT,BYTE_ARRAY,BYTE_BUFFER,BYTES,UUID,VOID,AVRO,JSON,PROTOBUF" doc:"What values are; the same."`
	OnSerdeError      *OnSerdeError     `json:"onSerdeError" doc:"What becomes of messages that are not what they should be; without it they stop the trigger."`
	Since             string            `json:"since" doc:"The date from which on messages are read, where no group has a say."`
	HeaderFilters     map[string]string `json:"headerFilters" doc:"Headers that a message must have, with these values."`
}

// OnSerdeError says what becomes of messages that are not what they should be.
type OnSerdeError struct {
	Type  string `json:"type" default:"SKIPPED" enum:"SKIPPED,DLQ,STORE" doc:"SKIPPED passes over them, DLQ puts them into another topic, STORE into a file, whose URI is logged."`
	Topic string `json:"topic" doc:"The topic for DLQ."`
}

// RealtimeTrigger starts the flow for each message.
type RealtimeTrigger struct {
	Consumer
	SchemaRegistryVendor any `json:"schemaRegistryVendor" doc:"Accepted and not used."`
}

// Trigger starts the flow for a batch of messages.
type Trigger struct {
	Consumer
	Interval     sdk.Duration  `json:"interval" default:"PT60S" static:"true" doc:"How long to wait after each look."`
	PollDuration sdk.Duration  `json:"pollDuration" default:"PT5S" doc:"How long to wait for messages, where there are none."`
	MaxRecords   *int          `json:"maxRecords" min:"1" doc:"How many messages a batch has at most."`
	MaxDuration  *sdk.Duration `json:"maxDuration" doc:"How long a batch is gathered at most; without it as long as pollDuration."`
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

// Output is the variable trigger of executions that a batch started.
type Output struct {
	MessagesCount int    `json:"messagesCount" doc:"How many messages there are."`
	URI           string `json:"uri" doc:"The file of Ion with the messages."`
}
