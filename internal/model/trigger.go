package model

import (
	"encoding/json"
	"time"
)

// TriggerState is what is remembered of a trigger between its evaluations.
type TriggerState struct {
	Tenant        string     `json:"tenantId"`
	Namespace     string     `json:"namespace"`
	FlowID        string     `json:"flowId"`
	TriggerID     string     `json:"triggerId"`
	Type          string     `json:"type,omitempty"`
	Date          *time.Time `json:"date,omitempty"` // last evaluated
	Next          *time.Time `json:"nextExecutionDate,omitempty"`
	Backfill      *Backfill  `json:"backfill,omitempty"`
	StopAfter     []State    `json:"stopAfter,omitempty"`
	Disabled      bool       `json:"disabled"`
	ExecutionID   string     `json:"executionId,omitempty"`
	Updated       *time.Time `json:"updatedDate,omitempty"`
	EvaluateSince *time.Time `json:"evaluateRunningDate,omitempty"`
	WorkerID      string     `json:"workerId,omitempty"`
}

// Backfill runs a schedule for dates that have passed.
type Backfill struct {
	Start        time.Time       `json:"start"`
	End          *time.Time      `json:"end,omitempty"`
	Current      *time.Time      `json:"currentDate,omitempty"`
	Paused       bool            `json:"paused"`
	Inputs       json.RawMessage `json:"inputs,omitempty"`
	Labels       []Label         `json:"labels,omitempty"`
	PreviousNext *time.Time      `json:"previousNextExecutionDate,omitempty"`
}
