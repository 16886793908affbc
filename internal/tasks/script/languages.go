package script

import (
	"regexp"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/plugin"
)

// language is a row of the table: what tells the tasks of one language from those of others.
type language struct {
	area      string // in the names of the types
	title     string
	image     string   // the container image
	program   []string // what runs a script, "" for the shell itself
	extension string   // of the file that a script is in
	example   string   // a script
	command   string   // a command

	interpreter []string          // of the commands; /bin/sh -c unless it is set
	before      []string          // what is run before everything else, where there is a script
	env         map[string]string // variables that are set
	run         func(d dialect, script string) string
	adapt       func(script string) string
	triggers    bool
}

var languages = []language{
	{area: "shell", title: "Shell", image: "ubuntu", extension: ".sh", example: "echo hello", command: "echo hello", triggers: true},
	{
		area: "python", title: "Python", image: "python:3.13-slim", program: []string{"python"}, extension: ".py",
		example: "print('hello')", command: "python main.py", triggers: true, run: runPython, adapt: jsonWords,
		env: map[string]string{"PYTHONUNBUFFERED": "true", "PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
	},
	{area: "node", title: "Node.js", image: "node", program: []string{"node"}, extension: ".js", example: "console.log('hello')", command: "node main.js", triggers: true},
	{area: "ruby", title: "Ruby", image: "ruby", program: []string{"ruby"}, extension: ".rb", example: "puts 'hello'", command: "ruby main.rb", triggers: true},
	{area: "perl", title: "Perl", image: "perl", program: []string{"perl"}, extension: ".pl", example: `print "hello\n";`, command: "perl main.pl"},
	{area: "php", title: "PHP", image: "php", program: []string{"php"}, extension: ".php", example: "<?php echo 'hello';", command: "php main.php"},
	{area: "lua", title: "Lua", image: "nickblah/lua", program: []string{"lua"}, extension: ".lua", example: "print('hello')", command: "lua main.lua"},
	{
		area: "go", title: "Go", image: "golang", program: []string{"go", "run"}, extension: ".go", command: "go run main.go", triggers: true,
		example: "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }",
	},
	{area: "deno", title: "Deno", image: "denoland/deno", program: []string{"deno", "run"}, extension: ".ts", example: "console.log('hello')", command: "deno run main.ts"},
	{area: "bun", title: "Bun", image: "oven/bun", program: []string{"bun", "run"}, extension: ".ts", example: "console.log('hello')", command: "bun run main.ts"},
	{
		area: "powershell", title: "PowerShell", image: "ghcr.io/kestra-io/powershell:latest", extension: ".ps1", program: []string{},
		example: "Write-Output 'hello'", command: "./main.ps1", interpreter: []string{"pwsh", "-NoProfile", "-NonInteractive", "-Command"},
	},
	{area: "r", title: "R", image: "r-base", program: []string{"Rscript"}, extension: ".R", example: "cat('hello\\n')", command: "Rscript main.R"},
	{area: "julia", title: "Julia", image: "julia", program: []string{"julia"}, extension: ".jl", example: "println(\"hello\")", command: "julia main.jl"},
	{area: "groovy", title: "Groovy", image: "groovy", program: []string{"groovy"}, extension: ".groovy", example: "println 'hello'", command: "groovy main.groovy"},
	{
		area: "jbang", title: "JBang", image: "jbangdev/jbang-action", program: []string{"jbang"}, extension: ".java", command: "jbang --quiet main.java",
		example: "class hello {\n  public static void main(String[] args) {\n    System.out.println(\"hello\");\n  }\n}",
	},
	{
		area: "dotnet", title: ".NET", image: "mcr.microsoft.com/dotnet/sdk:10.0", program: []string{"dotnet-script"}, extension: ".csx",
		example: "Console.WriteLine(\"hello\");", command: "dotnet --info",
		before: []string{"dotnet tool install -g dotnet-script --ignore-failed-sources || true", `export PATH="$PATH:$HOME/.dotnet/tools"`},
	},
}

// call is the command that runs a script.
func (l *language) call(d dialect, script string, options []string) string {
	if l.run != nil {
		return l.run(d, script)
	}
	return d.replace(append(append(slices.Clone(l.program), options...), script)...)
}

// prelude is a script as its file holds it.
func (l *language) prelude(script string) string {
	if l.adapt != nil {
		return l.adapt(script)
	}
	return script
}

// runPython runs a script with the Python of a virtual environment that is active, else with the one that is there: many
// systems have no python besides python3.
func runPython(d dialect, script string) string {
	if d != posix {
		return d.replace("python", script)
	}
	file := d.word(script)
	return `if [ -n "$VIRTUAL_ENV" ]; then exec "$VIRTUAL_ENV/bin/python" ` + file + "; fi\n" +
		"if command -v python3 >/dev/null; then exec python3 " + file + "; fi\n" +
		"exec python " + file
}

// jsonWord finds what expressions give for booleans and null, which Python calls otherwise.
var jsonWord = regexp.MustCompile(`\b(true|false|null)\b`)

// jsonWords lets a script of Python contain true, false and null, which expressions give. Scripts without them are left alone,
// for their lines move by one.
func jsonWords(script string) string {
	if !jsonWord.MatchString(script) || strings.Contains(script, "from __future__") {
		return script
	}
	return "true, false, null = True, False, None\n" + script
}

const area = "io.kestra.plugin.scripts."

// Types lists the types of this package.
func Types(deps Deps) []plugin.Type {
	var out []plugin.Type
	for i := range languages {
		l := &languages[i]
		out = append(out, l.scriptType(&deps), l.commandsType(&deps))
		if l.triggers {
			out = append(out, l.triggerTypes(&deps)...)
		}
	}
	return append(out, olderTypes(&deps)...)
}

const about = "The exit code decides how the task ends. Lines such as `::{\"outputs\":{\"count\":3}}::` on standard output give the output " +
	"`vars`, metrics and log lines; everything else is logged line by line, standard error as ERROR. `{{ workingDir }}` is the " +
	"directory that the commands run in; `outputFiles` says which of its files are stored."

func (l *language) scriptType(deps *Deps) plugin.Type {
	return plugin.Type{
		Name: area + l.area + ".Script", Category: plugin.Task, Title: "Run a script: " + l.title + ".", Description: about,
		Examples: []plugin.Example{{Title: "A script in a process of the worker", YAML: "id: hello\ntype: " + area + l.area + `.Script
taskRunner:
  type: io.kestra.plugin.core.runner.Process
script: |
  ` + strings.ReplaceAll(l.example, "\n", "\n  ")}},
		New: func() any { return l.newScript(Common{deps: deps, lang: l}) }, Outputs: Output{},
	}
}

func (l *language) commandsType(deps *Deps) plugin.Type {
	return plugin.Type{
		Name: area + l.area + ".Commands", Category: plugin.Task, Title: "Run commands: " + l.title + ".", Description: about,
		Examples: []plugin.Example{{Title: "Commands in a process of the worker", YAML: "id: hello\ntype: " + area + l.area + `.Commands
taskRunner:
  type: io.kestra.plugin.core.runner.Process
commands:
  - ` + l.command}},
		New: func() any { return l.newCommands(Common{deps: deps, lang: l}) }, Outputs: Output{},
	}
}

func (l *language) newScript(c Common) any {
	switch l.area {
	case "python":
		return &PythonScript{Common: c}
	case "jbang":
		return &JBang{Common: c}
	}
	return &Script{Common: c}
}

func (l *language) newCommands(c Common) any {
	if l.area == "python" {
		return &PythonCommands{Common: c}
	}
	return &Commands{Common: c}
}
