package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/windhover-io/windhover/internal/tasks/serdes"
)

// Vendor names a schema registry.
type Vendor struct {
	Type              string `json:"type" required:"true" enum:"io.kestra.plugin.kafka.registry.ConfluentSchemaRegistry" doc:"Its kind: any registry with the API of Confluent's; that of AWS Glue is not supported."`
	SchemaRegistryURL string `json:"schemaRegistryUrl" required:"true" doc:"Its address."`
}

// registry keeps the schemas of messages: a message begins with the number of its own.
type registry struct {
	*sr.Client
	props map[string]string

	mu    sync.Mutex
	known map[any]numbered // by number, or by what a value is written with
}

// numbered is a schema with its number.
type numbered struct {
	*serdes.AvroValue
	id int
}

// newRegistry makes the client; nothing is asked yet.
func newRegistry(props map[string]string, vendor *Vendor) (*registry, error) {
	urls := props["schema.registry.url"]
	if vendor != nil {
		urls = vendor.SchemaRegistryURL
	}
	if urls == "" {
		return nil, errors.New("serdeProperties: schema.registry.url is required for AVRO")
	}
	opts := []sr.ClientOpt{sr.URLs(strings.Split(strings.ReplaceAll(urls, " ", ""), ",")...)}
	who, err := registryLogin(props)
	if err != nil {
		return nil, err
	}
	opts = append(opts, who...)
	tls := map[string]string{}
	for name, v := range props {
		if rest, ok := strings.CutPrefix(name, "schema.registry.ssl."); ok {
			tls["ssl."+rest] = v
		}
	}
	if len(tls) > 0 {
		cfg, err := encryption(tls)
		if err != nil {
			return nil, fmt.Errorf("serdeProperties: schema.registry.ssl: %w", err)
		}
		opts = append(opts, sr.DialTLSConfig(cfg))
	}
	client, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("the schema registry: %w", err)
	}
	return &registry{Client: client, props: props, known: map[any]numbered{}}, nil
}

// registryLogin says who asks. A user in the address is the client's own business.
func registryLogin(props map[string]string) ([]sr.ClientOpt, error) {
	switch source := props["basic.auth.credentials.source"]; source {
	case "", "URL":
	case "USER_INFO":
		info := props["basic.auth.user.info"]
		if info == "" {
			info = props["schema.registry.basic.auth.user.info"]
		}
		user, password, ok := strings.Cut(info, ":")
		if !ok {
			return nil, errors.New("serdeProperties: basic.auth.user.info: expected user:password")
		}
		return []sr.ClientOpt{sr.BasicAuth(user, password)}, nil
	default:
		return nil, fmt.Errorf("serdeProperties: basic.auth.credentials.source: %s is not supported: USER_INFO and URL are", source)
	}
	switch source := props["bearer.auth.credentials.source"]; source {
	case "":
		return nil, nil
	case "STATIC_TOKEN":
		return []sr.ClientOpt{sr.BearerToken(props["bearer.auth.token"])}, nil
	default:
		return nil, fmt.Errorf("serdeProperties: bearer.auth.credentials.source: %s is not supported: STATIC_TOKEN is", source)
	}
}

// cached returns what is known by a key, or finds it out.
func (g *registry) cached(key any, find func() (numbered, error)) (numbered, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n, ok := g.known[key]; ok {
		return n, nil
	}
	n, err := find()
	if err == nil {
		g.known[key] = n
	}
	return n, err
}

var header sr.ConfluentHeader

// read reads a value that names its schema.
func (g *registry) read(ctx context.Context, b []byte) (any, error) {
	id, rest, err := header.DecodeID(b)
	if err != nil {
		return nil, errors.New("it does not begin with the number of a schema")
	}
	n, err := g.cached(id, func() (numbered, error) {
		s, err := g.SchemaByID(ctx, id)
		if err != nil {
			return numbered{}, fmt.Errorf("its schema %d: %w", id, err)
		}
		return parse(s, id)
	})
	if err != nil {
		return nil, err
	}
	return n.Read(rest)
}

func parse(s sr.Schema, id int) (numbered, error) {
	if s.Type != sr.TypeAvro {
		return numbered{}, fmt.Errorf("the schema %d is none of Avro", id)
	}
	if len(s.References) > 0 {
		return numbered{}, fmt.Errorf("the schema %d refers to others, which is not supported", id)
	}
	v, err := serdes.NewAvroValue(s.Schema)
	if err != nil {
		return numbered{}, fmt.Errorf("the schema %d: %w", id, err)
	}
	return numbered{v, id}, nil
}

// write writes a value of a schema behind its number.
func (g *registry) write(ctx context.Context, topic string, key bool, schema string, v any) ([]byte, error) {
	n, err := g.registered(ctx, topic, key, schema)
	if err != nil {
		return nil, err
	}
	b, err := header.AppendEncode(nil, n.id, nil)
	if err != nil {
		return nil, err
	}
	return n.Append(b, v)
}

// registered is the schema with its number, which is registered unless that is switched off.
func (g *registry) registered(ctx context.Context, topic string, key bool, text string) (numbered, error) {
	of := struct {
		topic string
		key   bool
	}{topic, key}
	return g.cached(of, func() (numbered, error) {
		v, err := serdes.NewAvroValue(text)
		if err != nil {
			return numbered{}, err
		}
		subject, err := g.subject(topic, key, v.Name())
		if err != nil {
			return numbered{}, err
		}
		s := sr.Schema{Schema: text}
		if g.props["normalize.schemas"] == "true" {
			ctx = sr.WithParams(ctx, sr.Normalize)
		}
		switch {
		case g.props["use.latest.version"] == "true":
			found, err := g.SchemaByVersion(ctx, subject, -1)
			if err != nil {
				return numbered{}, fmt.Errorf("the latest schema of %s: %w", subject, err)
			}
			return parse(found.Schema, found.ID)
		case g.props["auto.register.schemas"] == "false":
			found, err := g.LookupSchema(ctx, subject, s)
			if err != nil {
				return numbered{}, fmt.Errorf("the schema of %s: %w", subject, err)
			}
			return numbered{v, found.ID}, nil
		}
		id, err := g.RegisterSchema(ctx, subject, s, -1, -1)
		if err != nil {
			return numbered{}, fmt.Errorf("registering the schema of %s: %w", subject, err)
		}
		return numbered{v, id}, nil
	})
}

// subject is the name that a schema is registered by.
func (g *registry) subject(topic string, key bool, record string) (string, error) {
	property, end := "value.subject.name.strategy", "-value"
	if key {
		property, end = "key.subject.name.strategy", "-key"
	}
	strategy := g.props[property]
	switch strategy[strings.LastIndexByte(strategy, '.')+1:] {
	case "", "TopicNameStrategy":
		return topic + end, nil
	case "RecordNameStrategy":
		return record, nil
	case "TopicRecordNameStrategy":
		return topic + "-" + record, nil
	}
	return "", fmt.Errorf("serdeProperties: %s: %s is not supported: TopicNameStrategy, RecordNameStrategy and TopicRecordNameStrategy are", property, strategy)
}
