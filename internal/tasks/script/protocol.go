package script

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// A command tells of outputs, metrics and log lines in lines of its own: ::{"outputs":{…},"metrics":[…],"logs":[…]}::
const (
	opening = "::{"
	closing = "}::"
	// quiet and loud are lines between which everything is logged as DEBUG: what beforeCommands write.
	quiet = "##kestra:log:debug##"
	loud  = "##kestra:log:info##"
)

// listener hears what a command writes.
type listener struct {
	run   sdk.Run
	dated bool // lines begin with their own date

	mu             sync.Mutex
	stdout, stderr int // lines
	quiet          bool
	vars           *value.Map
	size           int // bytes of the lines that vars come from
}

// maxVars bounds what is kept of the lines with outputs, in bytes; it is more than a task may put out.
const maxVars = 2 * longestMessage

// out and err return what takes the command's two outputs.
func (l *listener) out() *lines {
	return &lines{line: func(b []byte, begins, ends bool) { l.hear(b, begins, ends, false) }}
}

func (l *listener) err() *lines {
	return &lines{line: func(b []byte, begins, ends bool) { l.hear(b, begins, ends, true) }}
}

func (l *listener) hear(line []byte, begins, ends, isErr bool) {
	if begins && ends && !isErr && (string(line) == quiet || string(line) == loud) {
		l.set(string(line) == quiet)
		return
	}
	if ends {
		l.count(isErr)
	}
	if begins && ends && bytes.HasPrefix(line, []byte(opening)) && bytes.HasSuffix(line, []byte(closing)) {
		l.message(line[2 : len(line)-2])
		return
	}
	level := sdk.LevelInfo
	switch {
	case isErr:
		level = sdk.LevelError
	case l.isQuiet():
		level = sdk.LevelDebug
	}
	l.log(level, string(line))
}

func (l *listener) set(quiet bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quiet = quiet
}

func (l *listener) isQuiet() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.quiet
}

func (l *listener) count(isErr bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if isErr {
		l.stderr++
	} else {
		l.stdout++
	}
}

// log logs a line, with the date that it begins with where lines do.
func (l *listener) log(level sdk.Level, text string) {
	if l.dated {
		word, rest, _ := strings.Cut(text, " ")
		if at, err := time.Parse(time.RFC3339Nano, word); err == nil {
			if d, ok := l.run.(interface {
				LogAt(at time.Time, level sdk.Level, text string)
			}); ok {
				d.LogAt(at, level, rest)
				return
			}
		}
	}
	l.run.Log(level, text)
}

// message does what a line of the protocol says, one at a time. What is wrong in it is warned of and left out.
func (l *listener) message(text []byte) {
	parsed, err := value.ParseJSON(text)
	m, ok := parsed.(*value.Map)
	if err != nil || !ok {
		l.run.Log(sdk.LevelWarn, "a line that looks like outputs is not JSON and is left out: %v", err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size += len(text); l.size <= maxVars {
		l.outputs(m)
	} else {
		l.run.Log(sdk.LevelWarn, "outputs are left out: those before have %d bytes already", l.size-len(text))
	}
	for _, e := range list(m, "metrics") {
		if err := l.metric(e); err != nil {
			l.run.Log(sdk.LevelWarn, "a metric is left out: %v", err)
		}
	}
	for _, e := range list(m, "logs") {
		if err := l.logged(e); err != nil {
			l.run.Log(sdk.LevelWarn, "a log line is left out: %v", err)
		}
	}
}

func list(m *value.Map, key string) []any {
	v, _ := m.Get(key)
	l, _ := v.([]any)
	return l
}

// outputs adds to the task's output vars. Values of encryptedOutputs are encrypted, and hidden from then on.
func (l *listener) outputs(m *value.Map) {
	if v, ok := m.Get("outputs"); ok {
		if vars, ok := value.AsMap(v); ok {
			for k, e := range vars.All() {
				l.vars.Set(k, e)
			}
		}
	}
	if v, ok := m.Get("encryptedOutputs"); ok {
		vars, _ := value.AsMap(v)
		for k, e := range vars.All() {
			sealed, err := l.run.Encrypt(value.Print(e))
			if err != nil {
				l.run.Log(sdk.LevelWarn, "the output %s cannot be encrypted and is left out: %v", k, err)
				continue
			}
			l.vars.Set(k, value.Normalize(sealed))
		}
	}
}

// metric records a metric. A timer's value is a number of seconds, or an ISO-8601 duration.
func (l *listener) metric(v any) error {
	m, ok := v.(*value.Map)
	if !ok {
		return fmt.Errorf("expected an object, got %s", value.TypeName(v))
	}
	name, typ, measured := text(m, "name"), strings.ToLower(text(m, "type")), field(m, "value")
	if name == "" {
		return fmt.Errorf("it has no name")
	}
	var tags []string
	given, _ := value.AsMap(field(m, "tags"))
	for k, t := range given.All() {
		tags = append(tags, k, value.Print(t))
	}
	if typ == "timer" {
		d, err := model.ParseDuration(value.Print(measured))
		if seconds, ok := value.AsFloat(measured); ok {
			d, err = time.Duration(seconds*float64(time.Second)), nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		l.run.Timer(name, d, tags...)
		return nil
	}
	n, ok := value.AsFloat(measured)
	switch {
	case !ok:
		return fmt.Errorf("%s: %s is not a number", name, value.Print(measured))
	case typ == "counter":
		l.run.Counter(name, n, tags...)
	case typ == "gauge":
		l.run.Gauge(name, n, tags...)
	default:
		return fmt.Errorf("%s: its type %q is none of counter, timer, gauge", name, typ)
	}
	return nil
}

func (l *listener) logged(v any) error {
	m, ok := v.(*value.Map)
	if !ok {
		return fmt.Errorf("expected an object, got %s", value.TypeName(v))
	}
	level, err := model.ParseLevel(strings.ToUpper(text(m, "level")))
	if err != nil {
		return err
	}
	l.log(sdk.Level(level), text(m, "message"))
	return nil
}

func field(m *value.Map, key string) any {
	v, _ := m.Get(key)
	return v
}

func text(m *value.Map, key string) string {
	if v := field(m, key); v != nil {
		return value.Print(v)
	}
	return ""
}
