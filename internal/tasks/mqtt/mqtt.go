// Package mqtt holds the trigger that listens to topics of an MQTT broker.
package mqtt

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package.
func Types() []plugin.Type {
	return []plugin.Type{{
		Name: "io.kestra.plugin.mqtt.RealtimeTrigger", Category: plugin.Trigger, Trigger: model.TriggerRealtime, Title: "Start the flow for each message of a topic.",
		Description: "Subscribes to topics of a broker that speaks MQTT 5. With `qos` 1 and 2 a message is acknowledged once its execution is " +
			"durable, and the broker keeps messages for a day while no worker listens. Messages of MQTT have no identity: one whose worker dies " +
			"between the two starts the flow again.",
		Examples: []plugin.Example{{Title: "Each measurement", YAML: `id: measurements
type: io.kestra.plugin.mqtt.RealtimeTrigger
server: tcp://localhost:1883
clientId: flows
topic:
  - sensors/cpu
  - sensors/memory
qos: 1
serdeType: JSON`}},
		New: func() any { return &RealtimeTrigger{} }, Outputs: Message{},
	}}
}

// RealtimeTrigger starts the flow for each message.
type RealtimeTrigger struct {
	Broker
	Topic     any    `json:"topic" required:"true" doc:"The topic, or a list of topics; they may have wildcards."`
	SerdeType string `json:"serdeType" default:"JSON" enum:"STRING,JSON,BYTES" doc:"What payloads are. One that is to be JSON and is none is given as text; BYTES become base64."`
	QoS       int    `json:"qos" default:"1" min:"0" max:"2" doc:"How surely messages arrive: 0 not at all surely, 1 at least once, 2 once."`
}

// Message is the variable trigger of executions that a message started.
type Message struct {
	ID              uint16 `json:"id" doc:"The number that it was delivered under."`
	Topic           string `json:"topic" doc:"Its topic."`
	QoS             byte   `json:"qos" doc:"How surely it was delivered."`
	Payload         any    `json:"payload" doc:"Its payload."`
	Retain          bool   `json:"retain" doc:"Whether the broker had kept it."`
	ResponseTopic   string `json:"responseTopic,omitempty" doc:"Where an answer is expected."`
	CorrelationData string `json:"correlationData,omitempty" doc:"What an answer has to repeat, as base64."`
}

const (
	// inFlight is how many messages the broker delivers before the first of them is acknowledged.
	inFlight = 100
	// acknowledging is how often acknowledgements are sent.
	acknowledging = 10 * time.Millisecond
	// memory is how long the broker keeps messages while nobody listens, in seconds.
	memory = uint32(24 * 60 * 60)
	// keepAlive is how often a silent connection is looked at, in seconds.
	keepAlive = 30
)

// Listen starts an execution for each message.
func (t *RealtimeTrigger) Listen(ctx context.Context, run sdk.Run, emit sdk.Emit) error {
	topics, err := t.topics()
	if err != nil {
		return err
	}
	messages, broken := make(chan *paho.Publish, inFlight), make(chan error, 1)
	client, err := t.connect(ctx, run, paho.ClientConfig{
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			select {
			case messages <- p.Packet:
			case <-ctx.Done():
			}
			return true, nil
		}},
		OnServerDisconnect: func(d *paho.Disconnect) { tell(broken, fmt.Errorf("the broker ends the connection: %d", d.ReasonCode)) },
		OnClientError:      func(err error) { tell(broken, err) },
	})
	if err != nil {
		return err
	}
	defer func() {
		time.Sleep(2 * acknowledging) // the last acknowledgements are on their way
		_ = client.Disconnect(&paho.Disconnect{})
	}()
	var subs []paho.SubscribeOptions
	for _, topic := range topics {
		subs = append(subs, paho.SubscribeOptions{Topic: topic, QoS: byte(t.QoS)})
	}
	if _, err := client.Subscribe(ctx, &paho.Subscribe{Subscriptions: subs}); err != nil {
		return fmt.Errorf("subscribing to %s: %w", strings.Join(topics, ", "), err)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-broken:
			return err
		case p := <-messages:
			if err := emit(ctx, "", t.message(run, p)); err != nil {
				return err
			}
			if err := client.Ack(p); err != nil {
				return err
			}
		}
	}
}

func tell(c chan<- error, err error) {
	select {
	case c <- err:
	default: // the first reason is enough
	}
}

func (t *RealtimeTrigger) topics() ([]string, error) {
	list, ok := t.Topic.([]any)
	if !ok {
		list = []any{t.Topic}
	}
	var out []string
	for _, e := range list {
		if name := value.Print(e); name != "" {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("topic is required")
	}
	return out, nil
}

func (t *RealtimeTrigger) message(run sdk.Run, p *paho.Publish) Message {
	m := Message{ID: p.PacketID, Topic: p.Topic, QoS: p.QoS, Retain: p.Retain, Payload: t.payload(run, p)}
	if p.Properties != nil {
		m.ResponseTopic = p.Properties.ResponseTopic
		if len(p.Properties.CorrelationData) > 0 {
			m.CorrelationData = base64.StdEncoding.EncodeToString(p.Properties.CorrelationData)
		}
	}
	return m
}

func (t *RealtimeTrigger) payload(run sdk.Run, p *paho.Publish) any {
	switch t.SerdeType {
	case "BYTES":
		return base64.StdEncoding.EncodeToString(p.Payload)
	case "JSON":
		v, err := value.ParseJSON(p.Payload)
		if err == nil {
			return v
		}
		run.Log(sdk.LevelWarn, "a message of %s is no JSON, and is given as text: %s", p.Topic, err)
	}
	return strings.ToValidUTF8(string(p.Payload), "�")
}
