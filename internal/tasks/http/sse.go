package http

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func sseType() plugin.Type {
	return plugin.Type{
		Name: area + "SseRequest", Category: plugin.Task, Title: "Read the events that an HTTP server sends.",
		Description: "Reads server-sent events until the server ends the answer. A jq expression can pick a part of each event, and the " +
			"parts are put out as one text: so the pieces of an answer of a language model become the whole.",
		Examples: []plugin.Example{{Title: "Put the pieces of an answer together", YAML: `id: ask
type: io.kestra.plugin.core.http.SseRequest
uri: https://example.com/stream
concatJqExpression: .data.text`}},
		New: func() any { return &SseRequest{} }, Outputs: SseOutput{},
	}
}

// SseRequest reads events.
type SseRequest struct {
	Call
	ConcatJQExpression string `json:"concatJqExpression" doc:"A jq expression that picks a text, number or boolean of each event."`
	FailedOnMissingJQ  bool   `json:"failedOnMissingJq" default:"true" doc:"Fail if it finds none in an event; else the event is left out."`
}

// Event is one event.
type Event struct {
	Data    any             `json:"data" doc:"The data; a value where it is JSON."`
	ID      *string         `json:"id" doc:"The event's id."`
	Name    *string         `json:"name" doc:"The event's name."`
	Comment *string         `json:"comment" doc:"A comment that came with it."`
	Retry   *value.Duration `json:"retry" doc:"How long the server wants a client to wait before it connects again."`
}

// SseOutput is what SseRequest puts out.
type SseOutput struct {
	URI    string  `json:"uri" doc:"The address that was asked."`
	Events []Event `json:"events" doc:"The events; absent where result is there."`
	Size   int     `json:"size" doc:"How many events there were."`
	Result *string `json:"result" doc:"The parts that the jq expression has picked, put together."`
}

// Run reads the events until there are no more.
func (t *SseRequest) Run(ctx context.Context, run sdk.Run) (any, error) {
	a, err := t.send(ctx, run, "text/event-stream")
	if err != nil {
		return nil, err
	}
	defer a.Close()
	events, err := readEvents(a.Body, t.limit())
	if err != nil {
		return nil, err
	}
	run.Counter("size", float64(len(events)))
	out := SseOutput{URI: a.uri, Events: events, Size: len(events)}
	if t.ConcatJQExpression == "" {
		return out, nil
	}
	var parts []string
	for i, e := range events {
		part, err := t.pick(run, e)
		switch {
		case err == nil:
			parts = append(parts, part)
		case t.FailedOnMissingJQ:
			return nil, fmt.Errorf("concatJqExpression: event %d: %w", i+1, err)
		}
	}
	if parts != nil {
		result := strings.Join(parts, "")
		out.Events, out.Result = nil, &result
	}
	return out, nil
}

// pick evaluates the jq expression for an event, within the limits of the expression language.
func (t *SseRequest) pick(run sdk.Run, e Event) (string, error) {
	v, err := plugin.Value(e)
	if err != nil {
		return "", err
	}
	found, err := run.RenderTyped("{{ sseEvent | jq(sseProgram) }}", map[string]any{"sseEvent": v, "sseProgram": t.ConcatJQExpression})
	if err != nil {
		return "", err
	}
	list, _ := found.([]any)
	if len(list) == 0 {
		return "", fmt.Errorf("it finds nothing")
	}
	switch last := list[len(list)-1]; last.(type) {
	case nil, []any, *value.Map:
		return "", fmt.Errorf("it finds %s, not a text", value.TypeName(last))
	default:
		return value.Print(last), nil
	}
}

// readEvents reads a stream of at most max bytes as events. Blocks without data are none.
func readEvents(r io.Reader, max int64) ([]Event, error) {
	limited := &io.LimitedReader{R: r, N: max + 1}
	s := bufio.NewScanner(limited)
	s.Buffer(nil, int(min(max+1, 1<<30)))
	s.Split(scanLine)
	events := []Event{}
	var b block
	for s.Scan() {
		if limited.N == 0 {
			return nil, fmt.Errorf("the events have more than %d bytes: raise options.maxContentLength", max)
		}
		if line := strings.TrimPrefix(s.Text(), "\ufeff"); line != "" {
			b.add(line)
			continue
		}
		if e, ok := b.event(); ok {
			events = append(events, e)
		}
		b = block{}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading the events: %w", err)
	}
	if e, ok := b.event(); ok { // servers forget the last empty line
		events = append(events, e)
	}
	return events, nil
}

// scanLine splits at line feeds, carriage returns and both together.
func scanLine(data []byte, atEOF bool) (int, []byte, error) {
	for i, c := range data {
		switch {
		case c == '\n':
			return i + 1, data[:i], nil
		case c == '\r' && i+1 < len(data):
			if data[i+1] == '\n' {
				return i + 2, data[:i], nil
			}
			return i + 1, data[:i], nil
		case c == '\r' && atEOF:
			return i + 1, data[:i], nil
		}
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// block is what is known of an event while its lines are read.
type block struct {
	data, comments []string
	Event
}

func (b *block) add(line string) {
	field, text, _ := strings.Cut(line, ":")
	text = strings.TrimPrefix(text, " ")
	switch field {
	case "":
		b.comments = append(b.comments, text)
	case "data":
		b.data = append(b.data, text)
	case "id":
		b.ID = &text
	case "event":
		b.Name = &text
	case "retry":
		if ms, err := strconv.ParseInt(text, 10, 32); err == nil {
			d := value.Duration(time.Duration(ms) * time.Millisecond)
			b.Retry = &d
		}
	}
}

func (b *block) event() (Event, bool) {
	if b.data == nil {
		return Event{}, false
	}
	e := b.Event
	text := strings.Join(b.data, "\n")
	if v, err := value.ParseJSON([]byte(text)); err == nil {
		e.Data = v
	} else {
		e.Data = text
	}
	if b.comments != nil {
		comment := strings.Join(b.comments, "\n")
		e.Comment = &comment
	}
	return e, true
}
