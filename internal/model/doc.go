// Package model holds Windhover's data: flows, tasks, executions, task runs, states and ids.
// It is data and its JSON forms only: nothing here decides, waits, reads a clock or does I/O.
package model
