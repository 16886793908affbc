package flow

import (
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// The structs below describe what stands in a flow besides its tasks, for the schema. The compiler reads all of it.
type (
	flowProperties struct {
		ID             string                `json:"id" required:"true" static:"true" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._-]*$" doc:"The flow's name, unique within its namespace."`
		Namespace      string                `json:"namespace" required:"true" static:"true" pattern:"^[a-z0-9][a-z0-9._-]*$" doc:"The namespace that the flow belongs to."`
		Revision       int                   `json:"revision" static:"true" min:"1" doc:"Given by the server; what is written is not used."`
		Description    string                `json:"description" static:"true" doc:"What the flow is for, in Markdown."`
		Disabled       bool                  `json:"disabled" static:"true" default:"false" doc:"Whether the flow can be started."`
		Labels         any                   `json:"labels" static:"true" doc:"Labels of its executions: a map, or a list of keys with values."`
		Inputs         plugin.Inputs         `json:"inputs" doc:"What is asked for when it is started."`
		Variables      map[string]any        `json:"variables" static:"true" doc:"Values that tasks read as vars; texts in them are evaluated by render(vars.NAME)."`
		Tasks          plugin.Tasks          `json:"tasks" required:"true" doc:"What it does, in order."`
		Errors         plugin.Tasks          `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
		Finally        plugin.Tasks          `json:"finally" doc:"Tasks to run at the end, however the others ended."`
		AfterExecution plugin.Tasks          `json:"afterExecution" doc:"Tasks to run once the execution has ended; they see its last state."`
		Listeners      []listenerProperties  `json:"listeners" static:"true" deprecated:"afterExecution" doc:"The older form of afterExecution."`
		Outputs        []outputProperties    `json:"outputs" static:"true" doc:"What the flow gives to those who started it."`
		PluginDefaults []defaultProperties   `json:"pluginDefaults" static:"true" doc:"Values for properties that tasks and triggers leave out."`
		TaskDefaults   []defaultProperties   `json:"taskDefaults" static:"true" deprecated:"pluginDefaults" doc:"The older name of pluginDefaults."`
		Concurrency    concurrencyProperties `json:"concurrency" static:"true" doc:"How many executions of the flow may run at once."`
		Retry          plugin.Retry          `json:"retry" static:"true" doc:"Whether and when failed tasks, or the whole flow, are tried again."`
		SLA            []slaProperties       `json:"sla" static:"true" doc:"What is promised about executions, and what follows when it is broken."`
		Checks         []checkProperties     `json:"checks" static:"true" doc:"What must hold for an execution to be started."`
		Quotas         []quotaProperties     `json:"quotas" static:"true" doc:"Accepted from flows for 2.0 and not enforced."`
		WorkerGroup    plugin.WorkerGroup    `json:"workerGroup" doc:"The workers that run its tasks."`
		WorkerSelector plugin.WorkerSelector `json:"workerSelector" static:"true" doc:"The same, as flows for 2.0 write it."`
		Deleted        bool                  `json:"deleted" static:"true" doc:"Given by the server."`
		TenantID       string                `json:"tenantId" static:"true" doc:"Given by the server."`
		Updated        string                `json:"updated" static:"true" doc:"Given by the server."`
		Draft          bool                  `json:"draft" static:"true" doc:"Accepted from flows for 2.0 and not used: what is saved is what runs."`
		PolicyRefs     []string              `json:"policyRefs" static:"true" doc:"Accepted from flows of other installations and not used."`
	}
	listenerProperties struct {
		Description string            `json:"description" static:"true" doc:"What it is for."`
		Conditions  plugin.Conditions `json:"conditions" doc:"When its tasks run."`
		Tasks       plugin.Tasks      `json:"tasks" required:"true" doc:"Its tasks."`
	}
	outputProperties struct {
		ID          string `json:"id" required:"true" static:"true" doc:"Its name."`
		Type        string `json:"type" static:"true" doc:"Its type; without it that of the value."`
		Value       any    `json:"value" required:"true" doc:"Its value; a text that is one expression keeps the type of that."`
		DisplayName string `json:"displayName" static:"true" doc:"What people see as its name."`
		Description string `json:"description" static:"true" doc:"What it is."`
		Required    bool   `json:"required" static:"true" doc:"Whether the execution fails when it has no value."`
	}
	defaultProperties struct {
		Type   string         `json:"type" required:"true" static:"true" doc:"A type, or the beginning of the names of several."`
		Forced bool           `json:"forced" static:"true" default:"false" doc:"Whether the values replace those that are given."`
		Ref    string         `json:"ref" static:"true" doc:"A name: the default is only for those whose pluginDefaultsRef it is."`
		Values map[string]any `json:"values" static:"true" doc:"The values by property."`
	}
	concurrencyProperties struct {
		Limit    int    `json:"limit" required:"true" static:"true" min:"1" doc:"How many."`
		Behavior string `json:"behavior" static:"true" default:"QUEUE" enum:"QUEUE,CANCEL,FAIL" doc:"What becomes of those that are too many."`
	}
	slaProperties struct {
		ID       string       `json:"id" required:"true" static:"true" doc:"Its name."`
		Type     string       `json:"type" required:"true" static:"true" enum:"MAX_DURATION,EXECUTION_ASSERTION" doc:"What is promised."`
		Behavior string       `json:"behavior" required:"true" static:"true" enum:"FAIL,CANCEL,NONE" doc:"What becomes of the execution when it is broken."`
		Duration sdk.Duration `json:"duration" static:"true" doc:"How long an execution takes at most."`
		Assert   string       `json:"assert" doc:"An expression that holds all the time."`
		Labels   any          `json:"labels" static:"true" doc:"Labels for executions that break it."`
	}
	checkProperties struct {
		Condition string `json:"condition" alias:"when" required:"true" doc:"What must hold."`
		Message   string `json:"message" required:"true" doc:"What to say if it does not."`
		Style     string `json:"style" static:"true" default:"INFO" enum:"ERROR,SUCCESS,WARNING,INFO" doc:"How to show the message."`
		Behavior  string `json:"behavior" static:"true" default:"BLOCK_EXECUTION" enum:"BLOCK_EXECUTION,FAIL_EXECUTION,CREATE_EXECUTION" doc:"What becomes of the execution."`
	}
	quotaProperties struct {
		Duration sdk.Duration `json:"duration" required:"true" static:"true" doc:"The time that executions are counted in."`
		Limit    int          `json:"limit" required:"true" static:"true" min:"1" doc:"How many there may be."`
		Behavior string       `json:"behavior" required:"true" static:"true" enum:"FAIL,CANCEL" doc:"What becomes of those that are too many."`
	}
	inputProperties struct {
		ID          string              `json:"id" alias:"name" required:"true" static:"true" pattern:"^[a-zA-Z0-9][.a-zA-Z0-9_-]*$" doc:"Its name: tasks read it as inputs.NAME; with dots it is a member of a map."`
		Type        string              `json:"type" required:"true" static:"true" doc:"Its type."`
		Description string              `json:"description" static:"true" doc:"What it is."`
		DisplayName string              `json:"displayName" static:"true" doc:"What people see as its name."`
		Required    bool                `json:"required" static:"true" default:"true" doc:"Whether it must have a value."`
		Defaults    any                 `json:"defaults" doc:"Its value where none is given."`
		Prefill     any                 `json:"prefill" doc:"What a form shows as its value at first."`
		DependsOn   dependsOnProperties `json:"dependsOn" static:"true" doc:"When it is asked for."`
	}
	dependsOnProperties struct {
		Inputs    []string `json:"inputs" static:"true" doc:"The inputs that must be asked for too; the condition may read them."`
		Condition string   `json:"condition" doc:"An expression that must give true."`
	}
)

// What inputs of one type have besides.
type (
	patternInput struct {
		Validator string `json:"validator" static:"true" doc:"A Java regular expression that must match the whole value."`
	}
	numberInput struct {
		Min *float64 `json:"min" static:"true" doc:"The least value."`
		Max *float64 `json:"max" static:"true" doc:"The greatest value."`
	}
	durationInput struct {
		Min sdk.Duration `json:"min" static:"true" doc:"The shortest duration."`
		Max sdk.Duration `json:"max" static:"true" doc:"The longest duration."`
	}
	timeInput struct {
		After  string `json:"after" static:"true" doc:"The earliest value."`
		Before string `json:"before" static:"true" doc:"The latest value."`
	}
	fileInput struct {
		AllowedFileExtensions []string `json:"allowedFileExtensions" static:"true" doc:"The extensions that the file may have, such as .csv."`
		Extension             string   `json:"extension" static:"true" deprecated:"allowedFileExtensions" doc:"The extension that the file gets."`
	}
	jsonInput struct {
		JSONSchema string `json:"jsonSchema" static:"true" doc:"A JSON Schema that the value meets."`
	}
	arrayInput struct {
		ItemType string `json:"itemType" required:"true" static:"true" doc:"The type of the elements."`
	}
	selectInput struct {
		Values           []any  `json:"values" alias:"options" static:"true" doc:"The values to choose from: texts, or values with labels."`
		Expression       string `json:"expression" doc:"An expression that gives the list of values instead."`
		AllowCustomValue bool   `json:"allowCustomValue" static:"true" default:"false" doc:"Whether other values may be given too."`
		AutoSelectFirst  bool   `json:"autoSelectFirst" static:"true" default:"false" doc:"Whether the first value is the default."`
		IsRadio          bool   `json:"isRadio" static:"true" default:"false" doc:"Whether all values are shown at once."`
		ItemType         string `json:"itemType" static:"true" doc:"The type of the elements of a MULTISELECT."`
	}
	formInput struct {
		Inputs plugin.Inputs `json:"inputs" required:"true" doc:"The inputs that the form consists of."`
	}
)

var inputTypeProperties = map[string]any{
	"STRING": &patternInput{}, "SECRET": &patternInput{}, "INT": &numberInput{}, "FLOAT": &numberInput{}, "DURATION": &durationInput{},
	"DATETIME": &timeInput{}, "DATE": &timeInput{}, "TIME": &timeInput{}, "FILE": &fileInput{}, "JSON": &jsonInput{},
	"ARRAY": &arrayInput{}, "ENUM": &selectInput{}, "SELECT": &selectInput{}, "MULTISELECT": &selectInput{}, "FORM": &formInput{},
}

// Schema is the JSON Schema of flows with the types of a registry, for editors. Compile says more than it can.
func Schema(reg *plugin.Registry) *value.Map {
	defs := value.NewMap(64)
	for _, t := range reg.Types("") {
		defs.Set(t.Name, t.Schema(true))
	}
	defs.Set(plugin.DefTask, oneOfTypes(reg, plugin.Task))
	defs.Set(plugin.DefTrigger, oneOfTypes(reg, plugin.Trigger))
	defs.Set(plugin.DefCondition, oneOfTypes(reg, plugin.Condition))
	for _, c := range []plugin.Category{plugin.TaskRunner, plugin.Chart, plugin.Data} {
		defs.Set(string(c), oneOfTypes(reg, c))
	}
	defs.Set(plugin.DefInput, inputSchema(defs))
	m := plugin.SchemaOf(plugin.Describe(&flowProperties{}))
	props, _ := m.Get("properties")
	props.(*value.Map).Set("triggers", value.MapOf(
		value.Entry{Key: "type", Value: "array"},
		value.Entry{Key: "items", Value: reference(plugin.DefTrigger)},
		value.Entry{Key: "description", Value: "What starts it."}))
	m.Set("$schema", plugin.Dialect)
	m.Set("title", "Flow")
	m.Set("$defs", defs)
	return m
}

func reference(name string) *value.Map {
	return value.MapOf(value.Entry{Key: "$ref", Value: "#/$defs/" + name})
}

// oneOfTypes is the schema of a value of one of the types of a category.
func oneOfTypes(reg *plugin.Registry, c plugin.Category) *value.Map {
	var cases []typeCase
	for _, t := range reg.Types(c) {
		cases = append(cases, typeCase{append([]string{t.Name}, t.Aliases...), t.Name})
	}
	return byType(cases)
}

// typeCase are the names of a type and its definition.
type typeCase struct {
	names      []string
	definition string
}

// byType is the schema of an object whose property type tells which definition it has to meet. The definitions are chosen
// by condition, since trying all of them takes time that grows exponentially where types stand in each other.
func byType(cases []typeCase) *value.Map {
	var known, choices []any
	for _, c := range cases {
		names := anyList(c.names)
		known = append(known, names...)
		choices = append(choices, value.MapOf(
			value.Entry{Key: "if", Value: value.MapOf(value.Entry{Key: "properties", Value: typeIn(names)})},
			value.Entry{Key: "then", Value: reference(c.definition)}))
	}
	m := value.MapOf(value.Entry{Key: "type", Value: "object"}, value.Entry{Key: "required", Value: []any{"type"}})
	if known != nil {
		m.Set("properties", typeIn(known))
		m.Set("allOf", choices)
	}
	return m
}

func typeIn(names []any) *value.Map {
	return value.MapOf(value.Entry{Key: "type", Value: value.MapOf(value.Entry{Key: "enum", Value: names})})
}

// inputSchema adds a definition for each type of input and returns that of an input.
func inputSchema(defs *value.Map) *value.Map {
	var cases []typeCase
	for _, typ := range inputTypeNames {
		props := plugin.Describe(&inputProperties{})
		if own := inputTypeProperties[typ]; own != nil {
			props = append(props, plugin.Describe(own)...)
		}
		defs.Set("input."+typ, plugin.SchemaOf(props))
		cases = append(cases, typeCase{[]string{typ}, "input." + typ})
	}
	return byType(cases)
}
