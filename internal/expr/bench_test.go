package expr

import (
	"strconv"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/value"
)

const benchVariables = `{"inputs": {"name": "Ada", "n": 5}, "outputs": {"a": {"value": "x"}}, "date": "2024-05-06T07:08:09Z",
	"objs": [{"id": 1, "ok": true}, {"id": 2, "ok": false}, {"id": 3, "ok": true}]}`

func benchmarkRender(b *testing.B, src string) {
	b.Helper()
	tpl, err := Parse(src)
	if err != nil {
		b.Fatal(err)
	}
	env := newEnv(b, benchVariables)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Render(env, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	for _, bb := range []struct{ name, src string }{
		{"attribute", "{{ outputs.a.value }}"},
		{"text", "hello {{ inputs.name }}, you are {{ inputs.n + 1 }}"},
		{"coalesce", "{{ outputs.b.value ?? outputs.a.value }}"},
		{"filters", "{{ inputs.name | upper | replace({'A': 'B'}) }}"},
		{"loop", "{% for o in objs %}{{ loop.index }}:{{ o.id }}{% if o.ok %}!{% endif %}{% endfor %}"},
		{"date", "{{ date | date('yyyy-MM-dd HH:mm') }}"},
		{"json", "{{ objs }}"},
		{"jq", "{{ objs | jq('.[] | select(.ok) | .id') }}"},
		{"render", "{{ render('{{ inputs.name }}') }}"},
	} {
		b.Run(bb.name, func(b *testing.B) { benchmarkRender(b, bb.src) })
	}
}

func BenchmarkParse(b *testing.B) {
	for _, bb := range []struct{ name, src string }{
		{"attribute", "{{ outputs.a.value }}"},
		{"long", strings.Repeat("text {{ outputs['a'].value | default('x') | upper }} {% if inputs.n > 3 %}y{% endif %}\n", 50)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.src)))
			for b.Loop() {
				if _, err := Parse(bb.src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCacheRender(b *testing.B) {
	env := newEnv(b, benchVariables)
	cache := NewCache(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cache.Render("{{ outputs.a.value }}", env, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// lazyOutputs has the outputs of very many task runs and builds only those that are read.
type lazyOutputs struct{ n int }

func (o lazyOutputs) Get(key string) (any, bool) {
	if i, err := strconv.Atoi(strings.TrimPrefix(key, "t")); err == nil && i < o.n {
		return value.MapOf(value.Entry{Key: "value", Value: int32(i)}), true
	}
	return nil, false
}

func (o lazyOutputs) Map() *value.Map {
	m := value.NewMap(o.n)
	for i := range o.n {
		key := "t" + strconv.Itoa(i)
		v, _ := o.Get(key)
		m.Set(key, v)
	}
	return m
}

func BenchmarkLazyOutputs(b *testing.B) {
	tpl, err := Parse("{{ outputs.t9999.value }}")
	if err != nil {
		b.Fatal(err)
	}
	env := newEnv(b, `{}`)
	env.vars.Set("outputs", lazyOutputs{10_000})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Render(env, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
