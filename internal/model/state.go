package model

import (
	"fmt"
	"time"
)

// State is where an execution or a task run stands. The zero State is not a state.
type State uint8

// The states, named as in the API.
const (
	_ State = iota
	Created
	Submitted
	Running
	Paused
	Restarted
	Queued
	Killing
	Retrying
	Retried
	Success
	Warning
	Failed
	Killed
	Cancelled
	Skipped
	Breakpoint
	Resubmitted
	numStates
)

var stateNames = [numStates]string{
	Created: "CREATED", Submitted: "SUBMITTED", Running: "RUNNING", Paused: "PAUSED", Restarted: "RESTARTED",
	Queued: "QUEUED", Killing: "KILLING", Retrying: "RETRYING", Retried: "RETRIED", Success: "SUCCESS",
	Warning: "WARNING", Failed: "FAILED", Killed: "KILLED", Cancelled: "CANCELLED", Skipped: "SKIPPED",
	Breakpoint: "BREAKPOINT", Resubmitted: "RESUBMITTED",
}

// States lists every state in the order of the API's documentation.
func States() []State {
	all := make([]State, 0, numStates-1)
	for s := Created; s < numStates; s++ {
		all = append(all, s)
	}
	return all
}

// String returns the state's name in the API, or "" for the zero State.
func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// ParseState returns the state of that name.
func ParseState(name string) (State, error) {
	for s := Created; s < numStates; s++ {
		if stateNames[s] == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown state %q", name)
}

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a state's name.
func (s *State) UnmarshalText(b []byte) (err error) {
	*s, err = ParseState(string(b))
	return err
}

// Terminated tells whether nothing follows by itself. RETRIED counts: another execution took over.
func (s State) Terminated() bool {
	switch s {
	case Success, Warning, Failed, Killed, Cancelled, Retried, Skipped:
		return true
	}
	return false
}

// IsCreated tells whether a task run in this state has still to be started.
func (s State) IsCreated() bool { return s == Created || s == Restarted }

// IsRunning tells whether work is under way.
func (s State) IsRunning() bool { return s == Running || s == Killing }

// IsPaused tells whether a person or a timer has to act first.
func (s State) IsPaused() bool { return s == Paused || s == Breakpoint }

// IsRetrying tells whether the work is between two tries, or was handed to another execution.
func (s State) IsRetrying() bool { return s == Retrying || s == Retried }

// Change is one entry of a state history.
type Change struct {
	State State     `json:"state"`
	Date  time.Time `json:"date"`
}

// History is a state with all that came before it, oldest first. Its entries are never edited in place, so that
// snapshots of a history may share memory; With appends.
type History []Change

// NewHistory begins a history.
func NewHistory(s State, at time.Time) History { return History{{s, at}} }

// Current returns the newest state, or the zero State of an empty history.
func (h History) Current() State {
	if len(h) == 0 {
		return 0
	}
	return h[len(h)-1].State
}

// With returns the history moved to s; moving to the current state changes nothing.
func (h History) With(s State, at time.Time) History {
	if h.Current() == s {
		return h
	}
	return append(h, Change{s, at})
}

// Start returns the date of the first entry.
func (h History) Start() time.Time {
	if len(h) == 0 {
		return time.Time{}
	}
	return h[0].Date
}

// End returns the date of the last entry if it is an end or a pause.
func (h History) End() (time.Time, bool) {
	if c := h.Current(); c.Terminated() || c.IsPaused() {
		return h[len(h)-1].Date, true
	}
	return time.Time{}, false
}

// Duration returns the time from start to end, or to now if there is no end yet.
func (h History) Duration(now time.Time) time.Duration {
	if len(h) == 0 {
		return 0
	}
	if end, ok := h.End(); ok {
		now = end
	}
	return now.Sub(h[0].Date)
}

// Has tells whether the history ever was in s.
func (h History) Has(s State) bool {
	for _, c := range h {
		if c.State == s {
			return true
		}
	}
	return false
}
