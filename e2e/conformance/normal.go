// Package conformance runs recorded flows through a real server and compares how they end with what was recorded from the
// reference.
package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"sort"
	"strings"
)

// Outcome is how an execution ended, without what differs from run to run.
type Outcome struct {
	State    string      `json:"state"`
	TaskRuns []TaskRun   `json:"taskRuns"`
	Outputs  any         `json:"outputs"`
	Labels   [][2]string `json:"labels"`
}

// TaskRun is [path, state, states of the attempts, outputs].
type TaskRun [4]any

var (
	datePattern = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.]*(?:Z|[+-]\d\d:?\d\d)?`)
	filePattern = regexp.MustCompile(`kestra://[^\s"']*`)
	wordPattern = regexp.MustCompile(`\b[0-9A-Za-z_]+\b`)
)

const encryptedType = "io.kestra.datatype:aes_encrypted"

// Value puts placeholders where a value differs from run to run.
func Value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v["type"] == encryptedType {
			return "<encrypted>"
		}
		out := make(map[string]any, len(v))
		for k, e := range v {
			if counts, ok := e.(map[string]any); ok && k == "iterations" {
				e = withoutZeros(counts)
			}
			out[k] = Value(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Value(e)
		}
		return out
	case string:
		return text(v)
	}
	return v
}

func withoutZeros(counts map[string]any) map[string]any {
	out := map[string]any{}
	for k, n := range counts {
		if n != 0.0 && n != nil {
			out[k] = n
		}
	}
	return out
}

func text(s string) any {
	if s != "" && (s[0] == '[' || s[0] == '{') {
		var v any
		if json.Unmarshal([]byte(s), &v) == nil {
			return Value(v)
		}
	}
	s = filePattern.ReplaceAllString(s, "<file>")
	s = datePattern.ReplaceAllString(s, "<date>")
	return wordPattern.ReplaceAllStringFunc(s, func(w string) string {
		if isID(w) {
			return "<id>"
		}
		return w
	})
}

// isID tells whether a word looks like an id: 19 to 23 letters and digits, with a digit, a small and a capital letter.
func isID(w string) bool {
	return len(w) >= 19 && len(w) <= 23 && !strings.Contains(w, "_") && strings.ContainsAny(w, "0123456789") &&
		strings.ToUpper(w) != w && strings.ToLower(w) != w
}

// Normal is the outcome of an execution as the API gives it.
func Normal(execution map[string]any) Outcome {
	runs := map[string]map[string]any{}
	list, _ := execution["taskRunList"].([]any)
	for _, r := range list {
		run := r.(map[string]any)
		runs[run["id"].(string)] = run
	}
	out := Outcome{State: state(execution), Outputs: Value(orEmpty(execution["outputs"]))}
	for _, r := range list {
		run := r.(map[string]any)
		attempts := []any{}
		if as, ok := run["attempts"].([]any); ok {
			for _, a := range as {
				attempts = append(attempts, state(a.(map[string]any)))
			}
		}
		out.TaskRuns = append(out.TaskRuns, TaskRun{path(runs, run), state(run), attempts, Value(orEmpty(run["outputs"]))})
	}
	sort.Slice(out.TaskRuns, func(i, j int) bool { return compact(out.TaskRuns[i]) < compact(out.TaskRuns[j]) })
	labels, _ := execution["labels"].([]any)
	for _, l := range labels {
		m := l.(map[string]any)
		if key := m["key"].(string); !strings.HasPrefix(key, "system.") {
			out.Labels = append(out.Labels, [2]string{key, fmt.Sprint(Value(m["value"]))})
		}
	}
	sort.Slice(out.Labels, func(i, j int) bool { return compact(out.Labels[i]) < compact(out.Labels[j]) })
	return out
}

func state(m map[string]any) string {
	s, _ := m["state"].(map[string]any)
	current, _ := s["current"].(string)
	return current
}

func path(runs map[string]map[string]any, r map[string]any) string {
	name := fmt.Sprint(Value(r["taskId"]))
	if v, ok := r["value"]; ok && v != nil {
		b, _ := Value(v).(string)
		if b == "" {
			b = compact(Value(v))
		}
		name += "[" + b + "]"
	}
	if up, ok := r["parentTaskRunId"].(string); ok && runs[up] != nil {
		return path(runs, runs[up]) + " / " + name
	}
	return name
}

func orEmpty(v any) any {
	if v == nil {
		return map[string]any{}
	}
	return v
}

// compact is a value as JSON with sorted keys and whole numbers without a fraction.
func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var plain any
	_ = json.Unmarshal(b, &plain)
	b, _ = json.Marshal(whole(plain))
	return string(b)
}

func whole(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = whole(v[k])
		}
	}
	return v
}

// Differences says in what two outcomes differ, nothing if in nothing.
func Differences(want, got Outcome) []string {
	var out []string
	if want.State != got.State {
		out = append(out, "state "+got.State+" not "+want.State)
	}
	a, b := keys(want.TaskRuns), keys(got.TaskRuns)
	missing, extra := minus(a, b), minus(b, a)
	if len(missing)+len(extra) > 0 {
		out = append(out, fmt.Sprintf("task runs missing %v extra %v", missing, extra))
	} else {
		for i := range want.TaskRuns {
			if w, g := compact(want.TaskRuns[i]), compact(got.TaskRuns[i]); w != g {
				out = append(out, fmt.Sprintf("task run %s not %s", g, w))
			}
		}
	}
	if w, g := compact(want.Outputs), compact(got.Outputs); w != g {
		out = append(out, fmt.Sprintf("outputs %s not %s", g, w))
	}
	if w, g := compact(orNone(want.Labels)), compact(orNone(got.Labels)); w != g {
		out = append(out, fmt.Sprintf("labels %s not %s", g, w))
	}
	return out
}

func orNone(l [][2]string) [][2]string {
	if l == nil {
		return [][2]string{}
	}
	return l
}

func keys(runs []TaskRun) (out []string) {
	for _, r := range runs {
		out = append(out, compact(r[:2]))
	}
	return out
}

func minus(a, b []string) (out []string) {
	left := map[string]int{}
	for _, k := range b {
		left[k]++
	}
	for _, k := range a {
		if left[k] == 0 {
			out = append(out, k)
		} else {
			left[k]--
		}
	}
	return out
}
