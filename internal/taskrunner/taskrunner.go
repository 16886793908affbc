// Package taskrunner is the port between tasks that run commands and the places where commands can run: a process on the
// worker, a container, a pod. Each place is an adapter in a package of its own, and a type of the category TaskRunner whose
// properties a flow sets; package script asks for one by this interface and knows none of them.
package taskrunner

import (
	"context"
	"errors"
	"io"

	"github.com/windhover-io/windhover/sdk"
)

// Runner runs commands. It is used by one task, once.
type Runner interface {
	// Seen is the path under which a command sees a directory of the worker, or a file in it. It is asked before anything
	// runs: what a flow writes with workingDir and outputDir is rendered with it.
	Seen(path string) string
	// Local tells whether commands run among the programs of the worker, rather than in an image.
	Local() bool
	// Run runs a command to its end. A command that ends with another exit code than 0 is a result; the error tells that it
	// could not be run, or that ctx ended first. In any case nothing of it runs any more when Run returns, and everything
	// that it wrote has been handed to Stdout and Stderr.
	Run(ctx context.Context, run sdk.Run, c *Command) (Result, error)
}

// Command is what is to be run.
type Command struct {
	// Args are the program and its arguments. The program is looked for where the command runs. They can be read by everybody
	// on the machine, so no secret is among them.
	Args []string
	// Env are the variables that the task sets; what else there is in the environment is the runner's matter.
	Env map[string]string
	// Dir is the working directory on the worker: its files are there for the command, and what OutputFiles matches is there
	// afterwards.
	Dir string
	// OutputDir is a directory below Dir whose files are all there afterwards, "" for none.
	OutputDir string
	// OutputFiles are patterns of files, as package files matches them.
	OutputFiles []string
	// Image is the container image, for runners that need one.
	Image string
	// Stdout and Stderr take what the command writes, as it writes it. They hold the command up while they block, and are
	// written to from two goroutines.
	Stdout, Stderr io.Writer
}

// Result is how a command ended.
type Result struct {
	ExitCode int
	// Reason says more than the exit code does, such as the signal that ended it; "" if there is nothing to say.
	Reason string
	// Details are put out as the task's output taskRunner, nil for none.
	Details any
}

// ErrUnavailable is what an error is where there is nothing that commands could run in, such as no Docker daemon that answers.
var ErrUnavailable = errors.New("it cannot be reached")
