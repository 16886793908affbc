package script

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
)

// dialect is how an interpreter reads commands.
type dialect int

const (
	unknown dialect = iota // commands are handed over as they are
	posix
	powershell
	batch
)

var dialects = map[string]dialect{
	"sh": posix, "bash": posix, "dash": posix, "ash": posix, "zsh": posix, "ksh": posix, "mksh": posix, "busybox": posix,
	"pwsh": powershell, "powershell": powershell, "cmd": batch,
}

// dialectOf tells by the last program that the interpreter names, which may stand behind others: env bash -c.
func dialectOf(interpreter []string) dialect {
	for i := len(interpreter) - 1; i >= 0; i-- {
		word := interpreter[i]
		if strings.HasPrefix(word, "-") || i > 0 && len(word) < 4 && strings.HasPrefix(word, "/") {
			continue // an option, /c on Windows
		}
		name := strings.TrimSuffix(strings.ToLower(path.Base(strings.ReplaceAll(word, `\`, "/"))), ".exe")
		if d, ok := dialects[name]; ok {
			return d
		}
	}
	return unknown
}

// windows tells whether the commands are for Windows.
func (s *session) windows() bool {
	return s.TargetOS == "WINDOWS" || s.TargetOS == "AUTO" && runtime.GOOS == "windows" && s.runner.Local()
}

// arguments are the program that runs the commands, and its arguments. The commands themselves are not among them: everybody on
// the machine can read arguments, and commands may hold secrets; nor are they bounded in their length.
func (s *session) arguments(commands []string) ([]string, error) {
	before, err := s.renderAll(s.BeforeCommands)
	if err != nil {
		return nil, fmt.Errorf("beforeCommands: %w", err)
	}
	interpreter := s.lang.interpreter
	if interpreter == nil {
		interpreter = []string{"/bin/sh", "-c"}
		if s.windows() {
			interpreter = []string{"cmd.exe", "/d", "/c"}
		}
	}
	if s.Interpreter != nil {
		if interpreter, err = s.renderAll(s.Interpreter); err != nil {
			return nil, fmt.Errorf("interpreter: %w", err)
		}
	}
	if len(interpreter) == 0 {
		if len(before) > 0 || len(commands) == 0 && s.runner.Local() {
			return nil, fmt.Errorf("interpreter: without one, commands are a program with its arguments, and nothing else can be run")
		}
		return commands, nil
	}
	d := dialectOf(interpreter)
	first := s.first
	if s.script != "" {
		first = append(slices.Clone(s.lang.before), first...)
		commands = []string{s.lang.call(d, s.script, s.options)}
	}
	text := d.text(append(first, before...), commands, s.FailFast)
	if d == unknown {
		return append(interpreter, text), nil
	}
	byOption := strings.HasPrefix(interpreter[len(interpreter)-1], "-")
	if d == posix && byOption && len(text) < longestVariable && dialectOf(interpreter[:1]) == posix {
		s.env[textVariable] = text
		return append(interpreter, fromVariable), nil
	}
	file, err := s.write("commands-", d.extension(), text)
	if err != nil {
		return nil, err
	}
	if d == posix && !byOption {
		return append(interpreter, file), nil
	}
	return append(interpreter, d.source(file)), nil
}

// Commands for a shell come in a variable, which the shell takes out of the environment before it runs them: a file would cost
// more than a small command does, and a container into which it has to be copied a seventh more. What is long, and what other
// programs stand before, comes in a file.
const (
	textVariable = "WINDHOVER_COMMANDS"
	fromVariable = `eval "unset ` + textVariable + `; ${` + textVariable + `?}"`
	// longestVariable is less than what Linux takes for one variable, in bytes.
	longestVariable = 100 << 10
)

func (d dialect) extension() string {
	return map[dialect]string{posix: ".sh", powershell: ".ps1", batch: ".cmd"}[d]
}

// source is the command that runs the commands in a file of the working directory, in the same shell. cmd.exe splits a path that
// holds an ampersand or parentheses whatever quotes there are, so it gets one without directories.
func (d dialect) source(file string) string {
	if d == batch {
		return `.\` + path.Base(strings.ReplaceAll(file, `\`, "/"))
	}
	return ". " + d.quote(file)
}

// quote makes one word of a text.
func (d dialect) quote(text string) string {
	switch d {
	case powershell:
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case batch:
		return `"` + strings.ReplaceAll(text, "%", "%%") + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// text is what the interpreter runs: what comes before, which is logged as DEBUG, and the commands.
func (d dialect) text(before, commands []string, failFast bool) string {
	var out []string
	if len(before) > 0 {
		out = append(out, d.echo(quiet))
	}
	if failFast && d == posix {
		out = append(out, "set -e")
	}
	if failFast && d == powershell {
		out = append(out, "$ErrorActionPreference = 'Stop'")
	}
	out = append(out, before...)
	if len(before) > 0 {
		out = append(out, d.echo(loud))
	}
	out = append(out, commands...)
	if d == batch {
		return batchFile(out, failFast)
	}
	return strings.Join(out, "\n")
}

func (d dialect) echo(word string) string {
	if d == batch {
		return "echo " + word
	}
	return "echo '" + word + "'"
}

// word is a text as a word of a command, in quotes where it needs them.
func (d dialect) word(text string) string {
	if strings.ContainsAny(text, " '\"$&;<>|*?()[]{}`\\\t\n#~%") {
		return d.quote(text)
	}
	return text
}

// replace is a command that takes the place of the shell where it can, so that signals reach it.
func (d dialect) replace(words ...string) string {
	for i, w := range words {
		words[i] = d.word(w)
	}
	switch d {
	case posix:
		return "exec " + strings.Join(words, " ")
	case powershell:
		return "& " + strings.Join(words, " ")
	}
	return strings.Join(words, " ")
}

// batchFile are lines for cmd.exe, which does not stop at the first that fails by itself.
func batchFile(lines []string, failFast bool) string {
	out := []string{"@echo off"}
	for _, l := range lines {
		out = append(out, l)
		if failFast {
			out = append(out, "if not %errorlevel%==0 exit /b %errorlevel%")
		}
	}
	return strings.Join(out, "\r\n") + "\r\n"
}
