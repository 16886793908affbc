package expr

import (
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// currentEachOutput walks a map of outputs along the values of the loops around the current task, outermost first, and
// ends with the value of the task run itself. It gives null where the way ends early.
func currentEachOutput(c *invocation) (any, error) {
	outputs, err := c.required(0)
	if err != nil {
		return nil, err
	}
	if !value.IsMap(outputs) {
		return nil, fmt.Errorf("the argument %q must be a map, found %s", c.params[0], value.TypeName(outputs))
	}
	for _, step := range c.st.loopValues() {
		if !value.IsMap(outputs) {
			return nil, nil
		}
		if outputs, _ = member(outputs, step); outputs == nil {
			return nil, nil
		}
	}
	return outputs, nil
}

// loopValues are the values of the loops from the outermost to the current task run's.
func (st *state) loopValues() []string {
	var steps []string
	parents, _ := st.lookup("parents")
	if list, ok := asList(parents); ok {
		for i := len(list) - 1; i >= 0; i-- {
			if run, ok := memberOf(list[i], "taskrun"); ok {
				steps = appendValue(steps, run)
			}
		}
	}
	if run, ok := st.lookup("taskrun"); ok {
		steps = appendValue(steps, run)
	}
	return steps
}

func appendValue(steps []string, taskRun any) []string {
	if v, ok := memberOf(taskRun, "value"); ok && v != nil {
		return append(steps, value.JavaString(v))
	}
	return steps
}

func memberOf(v any, name string) (any, bool) {
	if !value.IsMap(v) {
		return nil, false
	}
	return member(v, name)
}

// tasksWithState lists the tasks, with their loop values, that are in a state.
func tasksWithState(c *invocation) (any, error) {
	want, err := c.text(0)
	if err != nil || want == "" {
		return []any{}, err
	}
	found := []any{}
	tasks, _ := c.st.lookup("tasks")
	m, ok := value.AsMap(tasks)
	if !ok {
		return found, nil
	}
	for id, v := range m.All() {
		if state := stateOf(v); strings.EqualFold(state, want) {
			found = append(found, value.MapOf(value.Entry{Key: "taskId", Value: id}, value.Entry{Key: "state", Value: state}))
			continue
		}
		runs, _ := value.AsMap(v)
		for loopValue, v := range runs.All() {
			if state := stateOf(v); strings.EqualFold(state, want) {
				found = append(found, value.MapOf(value.Entry{Key: "taskId", Value: id}, value.Entry{Key: "value", Value: loopValue},
					value.Entry{Key: "state", Value: state}))
			}
		}
	}
	return found, nil
}

// stateOf is the state of a task, "" if v says none.
func stateOf(v any) string {
	state, _ := memberOf(v, "state")
	text, _ := state.(string)
	return text
}

// loopOutputs lists one of the outputs of each iteration of a Loop.
func loopOutputs(c *invocation) (any, error) {
	outputs, err := c.required(0)
	if err != nil {
		return nil, err
	}
	list, ok := asList(outputs)
	if !ok {
		return nil, fmt.Errorf("the argument %q must be a list, found %s", c.params[0], value.TypeName(outputs))
	}
	name, err := c.text(1)
	if err != nil {
		return nil, err
	}
	found := make([]any, len(list))
	for i, entry := range list {
		of, _ := memberOf(entry, "outputs")
		v, ok := memberOf(of, name)
		if _, stored := memberOf(of, "uri"); !ok && stored {
			return nil, fmt.Errorf("the outputs of the loop are stored in files: read them from outputs.uri of each entry")
		}
		found[i] = v
	}
	return found, nil
}

// printContext gives all variables that the template can see, as far as the Env can list them.
func printContext(c *invocation) (any, error) {
	all := value.NewMap(32)
	for _, name := range c.st.names() {
		if v, ok := c.st.lookup(name); ok {
			if o, lazy := v.(value.Object); lazy {
				v = o.Map()
			}
			all.Set(name, v)
		}
	}
	return all, nil
}
