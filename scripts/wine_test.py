"""Looks at the Windows build under Wine; test-wine.sh prepares and calls it with the directory that holds windhover.exe."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

PATIENCE = 90  # seconds that anything may take on a busy machine

tmp = pathlib.Path(sys.argv[1])
# A name that cmd.exe takes apart where it is not told otherwise; relative, as the default is.
DATA = "data (x86) & more"
log = tmp / "server.log"

FILES = """
id: files
namespace: windows
inputs:
  - {id: name, type: STRING, defaults: Windhover}
tasks:
  - id: commands
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
    env: {GREETING: "hello {{ inputs.name }}"}
    inputFiles: {in.txt: "from the flow"}
    outputFiles: [out.txt, "sub/*.txt"]
    beforeCommands: ["set BEFORE=set before"]
    commands:
      - 'echo ::{"outputs":{"greeting":"%GREETING%","before":"%BEFORE%"}}::'
      - 'if exist "%WORKING_DIR%\\in.txt" copy in.txt out.txt >nul'
      - mkdir sub
      - 'echo deep>sub\\deep.txt'
  - id: script
    type: io.kestra.plugin.scripts.shell.Script
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
    script: |
      @echo off
      set X=one
      echo ::{"outputs":{"x":"%X%"}}::
outputs:
  - {id: greeting, type: STRING, value: "{{ outputs.commands.vars.greeting }}"}
  - {id: before, type: STRING, value: "{{ outputs.commands.vars.before }}"}
  - {id: in, type: STRING, value: "{{ read(outputs.commands.outputFiles['out.txt']) }}"}
  - {id: deep, type: STRING, value: "{{ read(outputs.commands.outputFiles['sub/deep.txt']) | trim }}"}
  - {id: x, type: STRING, value: "{{ outputs.script.vars.x }}"}
  - {id: code, type: STRING, value: "{{ outputs.commands.exitCode }}"}
"""


def expected(name):
    return {"greeting": "hello " + name, "before": "set before", "in": "from the flow", "deep": "deep", "x": "one", "code": "0"}


def commands(flow, *lines, more=""):
    """A flow of one task."""
    listed = "".join(f"      - {json.dumps(line)}\n" for line in lines)
    return (f"id: {flow}\nnamespace: windows\ntasks:\n  - id: one\n    type: io.kestra.plugin.scripts.shell.Commands\n"
            f"    taskRunner: {{type: io.kestra.plugin.core.runner.Process}}\n{more}    commands:\n{listed}")


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def until(what, condition):
    """Waits until a condition holds and returns what it gave."""
    end = time.monotonic() + PATIENCE
    while not (got := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.1)
    return got


def windhover(*args, **kwargs):
    return subprocess.run(["wine", "windhover.exe", *args], cwd=tmp, capture_output=True, text=True, timeout=PATIENCE, **kwargs)


def processes(*words):
    """The processes of this Wine whose command lines hold the words."""
    found = []
    for p in pathlib.Path("/proc").iterdir():
        try:
            line = (p / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            ours = b"WINEPREFIX=" + os.fsencode(os.environ["WINEPREFIX"]) in (p / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if ours and all(w in line for w in words):
            found.append(line)
    return found


class Server:
    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        with log.open("ab") as out:
            self.process = subprocess.Popen(["wine", "windhover.exe", "server", "local", "--port", str(self.port), "--data", DATA],
                                            cwd=tmp, stdout=out, stderr=out)
        until("the server answers", self.healthy)

    def healthy(self):
        if self.process.poll() is not None:
            raise AssertionError("the server has ended")
        try:
            return urllib.request.urlopen(self.url + "/health", timeout=5).status == 200
        except (OSError, urllib.error.URLError):
            return False

    def send(self, method, path, body=None, kind=None):
        request = urllib.request.Request(self.url + "/api/v1/main" + path, body, {"Content-Type": kind} if kind else {}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def save(self, flow):
        self.send("POST", "/flows", flow.encode(), "application/x-yaml")

    def start(self, flow, wait=True, **inputs):
        boundary = uuid.uuid4().hex
        parts = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in inputs.items())
        return self.send("POST", f"/executions/windows/{flow}?wait={str(wait).lower()}", f"{parts}--{boundary}--\r\n".encode(),
                         f"multipart/form-data; boundary={boundary}")

    def run(self, flow_id, *lines, more=""):
        self.save(commands(flow_id, *lines, more=more))
        execution = self.start(flow_id)
        return execution["state"]["current"], execution["taskRunList"][0].get("outputs") or {}, self.logs(execution["id"])

    def logs(self, execution):
        return [line["message"] for line in self.send("GET", f"/logs/{execution}")]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)


def check_help():
    got = windhover("--help")
    equal(got.returncode, 0, "exit code of --help")
    equal("Usage:" in got.stdout, True, "--help tells the usage")


def check_run():
    (tmp / "files.yaml").write_text(FILES)
    got = windhover("run", "files.yaml", "--input", "name=Wine")
    equal((got.returncode, got.stdout and json.loads(got.stdout)), (0, expected("Wine")), "outputs of `run`, which logs " + got.stderr)


def check_files(server):
    server.save(FILES)
    execution = server.start("files", name="REST")
    equal((execution["state"]["current"], execution.get("outputs")), ("SUCCESS", expected("REST")), f"outputs, with logs {server.logs(execution['id'])}")


def check_lock(_):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    got = windhover("server", "local", "--port", str(port), "--data", DATA)
    equal((got.returncode, "another process uses" in got.stderr), (1, True), "a second server on the same data, which says " + got.stderr)


def check_exit_code(server):
    state, outputs, logs = server.run("code", "echo first", "cmd /c exit 7", "echo second")
    equal((state, outputs.get("exitCode"), "first" in logs, "second" in logs), ("FAILED", 7, True, False), "a command that fails")
    state, outputs, logs = server.run("on", "cmd /c exit 7", "echo second", "cmd /c exit 0", more="    failFast: false\n")
    equal((state, outputs.get("exitCode"), "second" in logs), ("SUCCESS", 0, True), "failFast: false")


def check_environment(server):
    _, _, logs = server.run("environment", 'echo "%SERVERS_OWN%" "%SYSTEMROOT%"')
    equal([line.lower() for line in logs], ['"" "c:\\windows"'], "variables of the server that a command sees")


def check_timeout(server):
    state, _, _ = server.run("timeout", "ping -n 611 127.0.0.1", more="    timeout: PT2S\n")
    equal(state, "FAILED", "a task that takes too long")
    until("the command of a task that took too long ends", lambda: not processes("ping", "611"))


def check_kill(server):
    server.save(commands("kill", "start ping -n 612 127.0.0.1", "ping -n 613 127.0.0.1"))
    execution = server.start("kill", wait=False)["id"]
    until("the commands run", lambda: processes("ping", "612") and processes("ping", "613"))
    server.send("DELETE", f"/executions/{execution}/kill")
    until("the execution is killed", lambda: server.send("GET", f"/executions/{execution}")["state"]["current"] == "KILLED")
    until("the commands end, with their children", lambda: not processes("ping", "612") and not processes("ping", "613"))


def check_left_behind(server):
    state, _, logs = server.run("behind", "start ping -n 614 127.0.0.1")
    equal((state, any("left processes behind" in line for line in logs)), ("SUCCESS", True), f"a command that leaves a process behind, which logs {logs}")
    until("what a command has left behind ends", lambda: not processes("ping", "614"))


def check_crash(server):
    """Ends the server while a command runs. The caller goes on with the one that is returned."""
    server.save(commands("crash", "ping -n 615 127.0.0.1"))
    before = server.start("files", name="before")["id"]
    server.start("crash", wait=False)
    until("the command runs", lambda: processes("ping", "615"))
    server.kill()
    until("the command ends with the server", lambda: not processes("ping", "615"))
    after = Server()
    equal(after.send("GET", f"/executions/{before}")["outputs"], expected("before"), "an execution of the server before")
    until("the task is run again", lambda: processes("ping", "615"))
    return after


def problems():
    """What the server has complained of, besides the directories that Wine does not remove."""
    known = "Invalid function."
    return [line for line in log.read_text(errors="replace").splitlines()
            if any(w in line for w in ("level=ERROR", "level=WARN", "panic", "fatal error")) and known not in line]


def main():
    check_help()
    print("--help: passed")
    check_run()
    print("run: passed")
    os.environ["SERVERS_OWN"] = "hidden"
    server = Server()
    print("server local: passed")
    for name, check in {
        "a second server on the same data is refused": check_lock,
        "env, inputFiles, outputFiles, outputs, beforeCommands, Script": check_files,
        "exit codes and failFast": check_exit_code,
        "variables of the server are kept from commands": check_environment,
        "timeout": check_timeout,
        "kill, with children": check_kill,
        "what is left behind is ended": check_left_behind,
        "kill of the server, which ends its commands, and a new start": check_crash,
    }.items():
        server = check(server) or server
        print(f"{name}: passed", flush=True)
    equal(problems(), [], "what the server complains of")
    print("the server's log: passed")
    server.kill()


try:
    main()
except Exception as err:
    tail = log.read_text(errors="replace")[-4000:] if log.exists() else ""
    sys.exit(f"FAILED: {type(err).__name__}: {err}\nthe server's log:\n{tail}")
