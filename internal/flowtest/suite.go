// Package flowtest runs tests of flows: it runs a flow with given inputs, some of its tasks replaced by what they would put
// out, and looks at what came of it. Everything happens in this process and in memory.
package flowtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// Suite is the tests of one flow, as people write them in YAML.
type Suite struct {
	ID          string `json:"id"`
	Namespace   string `json:"namespace"`
	FlowID      string `json:"flowId"`
	Description string `json:"description"`
	Disabled    bool   `json:"disabled"`
	Cases       []Case `json:"testCases"`
}

// Case is one run of the flow with what is expected of it.
type Case struct {
	ID          string      `json:"id"`
	Type        string      `json:"type"` // there is one kind only; it may be left out
	Description string      `json:"description"`
	Disabled    bool        `json:"disabled"`
	Fixtures    Fixtures    `json:"fixtures"`
	Assertions  []Assertion `json:"assertions"`
	// ExpectedState is what the execution has to end in, SUCCESS unless it is set.
	ExpectedState string `json:"expectedState"`
}

// Fixtures are what a case is run with.
type Fixtures struct {
	Inputs *value.Map `json:"inputs"`
	// Files are contents by name. Their URIs stand in `{{ files.NAME }}` in the other fixtures and in assertions.
	Files   *value.Map   `json:"files"`
	Tasks   []Task       `json:"tasks"`
	Trigger *TriggerInfo `json:"trigger"`
}

// Task is what a task puts out and ends in without being run.
type Task struct {
	ID string `json:"id"`
	// Value narrows it to one value of a loop.
	Value       *string    `json:"value"`
	State       string     `json:"state"` // SUCCESS unless it is set
	Outputs     *value.Map `json:"outputs"`
	Description string     `json:"description"`
}

// TriggerInfo is the trigger that the execution seems to be started by.
type TriggerInfo struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Variables *value.Map `json:"variables"`
}

// Assertion compares a value, an expression in the context of the ended execution, by each of the operators that are set.
type Assertion struct {
	Value        operand `json:"value"`
	TaskID       string  `json:"taskId"` // only told in the result
	Description  string  `json:"description"`
	ErrorMessage string  `json:"errorMessage"`

	EqualTo       operand `json:"equalTo"`
	NotEqualTo    operand `json:"notEqualTo"`
	StartsWith    operand `json:"startsWith"`
	EndsWith      operand `json:"endsWith"`
	Contains      operand `json:"contains"`
	GreaterThan   operand `json:"greaterThan"`
	GreaterThanEq operand `json:"greaterThanOrEqualTo"`
	LessThan      operand `json:"lessThan"`
	LessThanEq    operand `json:"lessThanOrEqualTo"`
	In            operand `json:"in"`
	NotIn         operand `json:"notIn"`
	IsNull        operand `json:"isNull"`
	IsNotNull     operand `json:"isNotNull"`
}

// operand is a value as expressions have it; nil where there is none.
type operand struct{ v any }

// UnmarshalJSON reads any value.
func (o *operand) UnmarshalJSON(b []byte) (err error) {
	o.v, err = value.ParseJSON(b)
	return err
}

// IsSuite tells whether a YAML file looks like tests, rather than like a flow.
func IsSuite(src []byte) bool {
	root, _ := yamldoc.Parse(src, yamldoc.Limits{})
	if root == nil {
		return false
	}
	for _, e := range root.Entries() {
		if e.Key.Text == "testCases" {
			return true
		}
	}
	return false
}

// Parse reads a suite. Its errors name what is wrong and where.
func Parse(src []byte) (*Suite, error) {
	_, problems := yamldoc.Parse(src, yamldoc.Limits{})
	for _, p := range problems {
		if p.Severity == yamldoc.Error {
			return nil, fmt.Errorf("%s", p)
		}
	}
	v, err := yamltext.Read(string(src))
	if err != nil {
		return nil, err
	}
	s := &Suite{}
	dec := json.NewDecoder(bytes.NewReader(value.AppendJSON(nil, v, value.JSONOptions{KeepNulls: true})))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return s, s.check()
}

func (s *Suite) check() error {
	switch {
	case s.Namespace == "" || s.FlowID == "":
		return fmt.Errorf("the tests have to name a flow, by namespace and flowId")
	case len(s.Cases) == 0:
		return fmt.Errorf("testCases: there is none")
	}
	seen := map[string]bool{}
	for i := range s.Cases {
		c := &s.Cases[i]
		if c.ID == "" || seen[c.ID] {
			return fmt.Errorf("testCases[%d]: an id of its own is required", i)
		}
		seen[c.ID] = true
		if err := c.check(); err != nil {
			return fmt.Errorf("%s: %w", c.ID, err)
		}
	}
	return nil
}

func (c *Case) check() error {
	if c.ExpectedState == "" {
		c.ExpectedState = model.Success.String()
	}
	if _, err := model.ParseState(c.ExpectedState); err != nil {
		return fmt.Errorf("expectedState: %w", err)
	}
	for i := range c.Fixtures.Tasks {
		t := &c.Fixtures.Tasks[i]
		if t.ID == "" {
			return fmt.Errorf("fixtures.tasks[%d]: an id is required", i)
		}
		switch t.State {
		case "":
			t.State = model.Success.String()
		case model.Success.String(), model.Warning.String(), model.Failed.String(), model.Skipped.String():
		default:
			return fmt.Errorf("the fixture of the task %s: its state %s is none of SUCCESS, WARNING, FAILED and SKIPPED", t.ID, t.State)
		}
	}
	for i, a := range c.Assertions {
		if len(a.operators()) == 0 {
			return fmt.Errorf("assertions[%d]: nothing is asserted, such as equalTo", i)
		}
	}
	return nil
}
