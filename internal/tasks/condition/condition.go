// Package condition holds the types of conditions, which decide whether a trigger starts an execution. Here they are
// described; who evaluates a trigger evaluates them.
package condition

import (
	"time"

	"github.com/windhover-io/windhover/internal/plugin"
)

const (
	prefix = "io.kestra.plugin.core.condition."
	older  = "io.kestra.core.models.conditions.types."
)

// named describes a condition by its name, which has two older forms.
func named(name, title, description string, create func() any) plugin.Type {
	return plugin.Type{
		Name: prefix + name, Aliases: []string{older + name + "Condition", prefix + name + "Condition"},
		Category: plugin.Condition, Title: title, Description: description, New: create,
	}
}

// Types lists the types of this package.
func Types() []plugin.Type {
	expression := named("Expression", "An expression holds.", "Blank and `false` do not hold, all else does: `0`, too.", func() any { return &Expression{} })
	expression.Aliases[0] = older + "VariableCondition"
	return append(dates(), append([]plugin.Type{
		named("ExecutionFlow", "The execution is one of a flow.", "", func() any { return &ExecutionFlow{} }),
		named("ExecutionLabels", "The execution has labels.", "All of them must be there.", func() any { return &ExecutionLabels{} }),
		named("ExecutionNamespace", "The execution is one of a namespace.", "", func() any { return &ExecutionNamespace{} }),
		named("ExecutionOutputs", "An expression on the execution's outputs holds.",
			"They are in the variable `trigger.outputs`.", func() any { return &ExecutionOutputs{} }),
		named("ExecutionStatus", "The execution is in one of some states.", "", func() any { return &ExecutionStatus{} }),
		named("HasRetryAttempt", "A task of the execution was tried more than once.", "", func() any { return &HasRetryAttempt{} }),
		expression,
		named("Not", "None of some conditions holds.", "", func() any { return &Not{} }),
		named("Or", "One of some conditions holds.", "", func() any { return &Or{} }),
	}, deprecated()...)...)
}

func dates() []plugin.Type {
	return []plugin.Type{
		named("DateTimeBetween", "A date is between two others.", "One bound is enough.", func() any { return &DateTimeBetween{} }),
		named("DayWeek", "A date is on a day of the week.", "", func() any { return &DayWeek{} }),
		named("DayWeekInMonth", "A date is on the first, second, … or last of a day of the week in its month.", "",
			func() any { return &DayWeekInMonth{} }),
		named("PublicHoliday", "A date is a public holiday.", "", func() any { return &PublicHoliday{} }),
		named("TimeBetween", "A time of day is between two others.", "One bound is enough.", func() any { return &TimeBetween{} }),
		named("Weekend", "A date is on a Saturday or Sunday.", "", func() any { return &Weekend{} }),
	}
}

func deprecated() []plugin.Type {
	old := func(name, title, instead string, create func() any) plugin.Type {
		return plugin.Type{
			Name: prefix + name, Aliases: []string{older + name}, Category: plugin.Condition, Title: title, Deprecated: instead, New: create,
		}
	}
	return []plugin.Type{
		old("FlowCondition", "The trigger's own flow is a given one.", prefix+"ExecutionFlow", func() any { return &FlowCondition{} }),
		old("FlowNamespaceCondition", "The trigger's own flow is in a namespace.", prefix+"ExecutionNamespace",
			func() any { return &FlowNamespaceCondition{} }),
		old("MultipleCondition", "Several conditions hold within a window of time, each for some execution.",
			"the property preconditions of the trigger Flow", func() any { return &MultipleCondition{} }),
	}
}

// DateTimeBetween holds for a date between two others.
type DateTimeBetween struct {
	Date   string     `json:"date" default:"{{ trigger.date }}" doc:"The date."`
	After  *time.Time `json:"after" doc:"It must be later than this."`
	Before *time.Time `json:"before" doc:"It must be earlier than this."`
}

// DayWeek holds on a day of the week.
type DayWeek struct {
	Date      string `json:"date" default:"{{ trigger.date }}" doc:"The date."`
	DayOfWeek string `json:"dayOfWeek" required:"true" enum:"MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY,SUNDAY" doc:"The day."`
}

// DayWeekInMonth holds on the n-th of a day of the week in its month.
type DayWeekInMonth struct {
	Date       string `json:"date" default:"{{ trigger.date }}" doc:"The date."`
	DayOfWeek  string `json:"dayOfWeek" required:"true" enum:"MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY,SUNDAY" doc:"The day."`
	DayInMonth string `json:"dayInMonth" required:"true" enum:"FIRST,LAST,SECOND,THIRD,FOURTH" doc:"Which one in the month."`
}

// PublicHoliday holds on public holidays.
type PublicHoliday struct {
	Date        string  `json:"date" default:"{{ trigger.date }}" doc:"The date."`
	Country     *string `json:"country" doc:"The country, as two letters (ISO 3166-1)."`
	SubDivision *string `json:"subDivision" doc:"The part of the country, as in ISO 3166-2 without the country."`
}

// TimeBetween holds for a time of day between two others.
type TimeBetween struct {
	Date   string  `json:"date" default:"{{ trigger.date }}" doc:"The date whose time of day counts."`
	After  *string `json:"after" doc:"It must be later than this, such as 09:00:00+01:00."`
	Before *string `json:"before" doc:"It must be earlier than this."`
}

// Weekend holds on Saturdays and Sundays.
type Weekend struct {
	Date string `json:"date" default:"{{ trigger.date }}" doc:"The date."`
}

// ExecutionFlow holds for executions of a flow.
type ExecutionFlow struct {
	Namespace string `json:"namespace" required:"true" doc:"The flow's namespace."`
	FlowID    string `json:"flowId" required:"true" doc:"The flow's id."`
}

// ExecutionLabels holds for executions with labels.
type ExecutionLabels struct {
	Labels any `json:"labels" required:"true" doc:"A map, or a list of keys with values."`
}

// ExecutionNamespace holds for executions of a namespace.
type ExecutionNamespace struct {
	Namespace  string `json:"namespace" required:"true" doc:"The namespace."`
	Comparison string `json:"comparison" enum:"EQUALS,PREFIX,SUFFIX" doc:"How they are compared; EQUALS unless prefix is set."`
	Prefix     bool   `json:"prefix" default:"false" doc:"Whether namespaces that begin with it count too."`
}

// ExecutionOutputs holds if an expression on an execution's outputs does.
type ExecutionOutputs struct {
	Expression string `json:"expression" required:"true" doc:"The expression; it reads the outputs as trigger.outputs."`
}

// ExecutionStatus holds for executions in some states.
type ExecutionStatus struct {
	In    []plugin.State `json:"in" doc:"The state must be one of these."`
	NotIn []plugin.State `json:"notIn" doc:"The state must be none of these."`
}

// HasRetryAttempt holds for executions with a task that was tried more than once.
type HasRetryAttempt struct {
	In    []plugin.State `json:"in" doc:"An attempt must be in one of these states."`
	NotIn []plugin.State `json:"notIn" doc:"No attempt may be in one of these."`
}

// Expression holds if an expression does.
type Expression struct {
	Expression string `json:"expression" required:"true" doc:"The expression."`
}

// Not holds if none of its conditions does.
type Not struct {
	Conditions plugin.Conditions `json:"conditions" required:"true" doc:"The conditions."`
}

// Or holds if one of its conditions does.
type Or struct {
	Conditions plugin.Conditions `json:"conditions" required:"true" doc:"The conditions."`
}

// FlowCondition holds for triggers of a flow.
type FlowCondition struct {
	Namespace string `json:"namespace" required:"true" static:"true" doc:"The flow's namespace."`
	FlowID    string `json:"flowId" required:"true" static:"true" doc:"The flow's id."`
}

// FlowNamespaceCondition holds for triggers of flows in a namespace.
type FlowNamespaceCondition struct {
	Namespace string `json:"namespace" required:"true" static:"true" doc:"The namespace."`
	Prefix    bool   `json:"prefix" default:"false" static:"true" doc:"Whether namespaces that begin with it count too."`
}

// MultipleCondition holds once each of its conditions held for some execution within a window of time.
type MultipleCondition struct {
	ID             string                 `json:"id" required:"true" static:"true" pattern:"^[a-zA-Z0-9][a-zA-Z0-9_-]*$" doc:"Its name, unique within the flow."`
	TimeWindow     plugin.TimeWindow      `json:"timeWindow" static:"true" doc:"The window."`
	ResetOnSuccess bool                   `json:"resetOnSuccess" default:"true" static:"true" doc:"Whether the conditions have to hold anew after an execution was started."`
	Window         string                 `json:"window" static:"true" deprecated:"timeWindow" doc:"How long the window is, as an ISO-8601 duration."`
	WindowAdvance  string                 `json:"windowAdvance" static:"true" deprecated:"timeWindow" doc:"By how much the window is shifted, as an ISO-8601 duration."`
	Conditions     plugin.NamedConditions `json:"conditions" required:"true" doc:"The conditions by name."`
}
