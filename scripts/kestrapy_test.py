"""Uses a running server through the published Python client, as people do.

Usage: kestrapy_test.py URL. It prints one line for each check and fails if any of them does.
"""

import io
import sys
import time
import traceback
import zipfile

import kestrapy

TENANT = "main"
NS = "company.python"
ENDED = {"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED"}

HELLO = f"""id: hello
namespace: {NS}
labels:
  team: data
inputs:
  - id: name
    type: STRING
    defaults: world
  - id: file
    type: FILE
    required: false
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "hello {{{{ inputs.name }}}}"
  - id: give
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ inputs.name }}}}{{{{ inputs.file is defined ? read(inputs.file) : '' }}}}"
outputs:
  - id: given
    type: STRING
    value: "{{{{ outputs.give.value }}}}"
"""

FAILS = f"""id: fails
namespace: {NS}
tasks:
  - id: fail
    type: io.kestra.plugin.core.execution.Fail
"""

SLEEPS = f"""id: sleeps
namespace: {NS}
tasks:
  - id: sleep
    type: io.kestra.plugin.core.flow.Sleep
    duration: PT1H
"""

PAUSES = f"""id: pauses
namespace: {NS}
tasks:
  - id: wait
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - id: reason
        type: STRING
  - id: after
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ outputs.wait.onResume.reason }}}}"
"""

SCHEDULED = f"""id: scheduled
namespace: {NS}
concurrency:
  limit: 2
tasks:
  - id: child
    type: io.kestra.plugin.core.flow.Subflow
    namespace: {NS}
    flowId: hello
triggers:
  - id: yearly
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 0 1 1 *"
"""


def state(execution):
    return execution.state.current.value


def where(field, operation, value):
    value = value if isinstance(value, dict) else {"value": value}
    return kestrapy.QueryFilter(
        field=kestrapy.QueryFilterField(field), operation=kestrapy.QueryFilterOp(operation), value=value
    )


IN_NAMESPACE = [where("NAMESPACE", "EQUALS", NS)]


def refuses(status, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kestrapy.ApiException as e:
        assert e.status == status, f"expected {status}: {e}"
        return e
    raise AssertionError(f"expected {status}, it succeeded")


class Checks:
    """The checks: every method is one, in the order in which they stand here."""

    def __init__(self, client):
        self.c = client
        self.seen = {}

    def run_of(self, flow, **kwargs):
        return self.c.executions.create_execution(TENANT, NS, flow, **kwargs)

    def until(self, id, *states):
        deadline = time.monotonic() + 20
        while True:
            x = self.c.executions.execution(id, TENANT)
            if state(x) in states:
                return x
            assert time.monotonic() < deadline, f"{id} stays {state(x)}, expected {states}"
            time.sleep(0.02)

    def flows_are_created_and_read(self):
        for source in (HELLO, FAILS, SLEEPS, PAUSES, SCHEDULED):
            assert self.c.flows.create_flow(TENANT, source).revision == 1
        f = self.c.flows.flow(NS, "hello", TENANT, source=True)
        assert f.source == HELLO and [t.id for t in f.tasks] == ["say", "give"]
        refuses(422, self.c.flows.create_flow, TENANT, HELLO)
        refuses(404, self.c.flows.flow, NS, "absent", TENANT)

    def flows_are_updated(self):
        assert self.c.flows.update_flow(NS, "hello", TENANT, HELLO + "description: new\n").revision == 2
        assert len(self.c.flows.list_flow_revisions(NS, "hello", TENANT)) == 2
        assert self.c.flows.flow(NS, "hello", TENANT, revision=1).description is None

    def flows_are_validated(self):
        good, bad = self.c.flows.validate_flows(TENANT, HELLO + "---\nid: x\nnamespace: y\n")
        assert good.constraints is None and "tasks" in bad.constraints

    def flows_are_searched(self):
        page = self.c.flows.search_flows(TENANT, page=1, size=10, filters=IN_NAMESPACE)
        assert page.total == 5, page.total
        page = self.c.flows.search_flows(TENANT, filters=[where("LABELS", "EQUALS", {"team": "data"})])
        assert [f.id for f in page.results] == ["hello"]
        assert len(self.c.flows.list_flows_by_namespace(NS, TENANT)) == 5
        assert NS in self.c.flows.list_distinct_namespaces(TENANT)

    def sources_are_searched(self):
        page = self.c.flows.search_flows_by_source_code(TENANT, q="PT1H", namespace=NS)
        assert "[mark]PT1H[/mark]" in page.results[0].fragments[0]

    def graphs_are_drawn(self):
        g = self.c.flows.generate_flow_graph(NS, "hello", TENANT)
        assert any(n.uid == "root.say" for n in g.nodes) and g.edges
        assert self.c.flows.generate_flow_graph_from_source(TENANT, HELLO).nodes
        d = self.c.flows.flow_dependencies(NS, "scheduled", TENANT)
        assert {n.id for n in d.nodes} == {"scheduled", "hello"}
        assert d.edges[0].relation.value == "FLOW_TASK"
        assert self.c.flows.flow_dependencies_from_namespace(NS, TENANT).nodes

    def tasks_of_flows_are_read(self):
        assert self.c.flows.task_from_flow(NS, "hello", "say", TENANT).type.endswith(".Log")
        refuses(404, self.c.flows.task_from_flow, NS, "hello", "absent", TENANT)

    def flows_are_exported_and_imported(self):
        archive = self.c.flows.export_flows_by_query(TENANT, filters=IN_NAMESPACE)
        names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
        assert len(names) == 5, names
        assert self.c.flows.import_flows(TENANT, fail_on_error=True, file_content=archive) == []

    def flows_are_disabled_and_enabled(self):
        ids = [kestrapy.IdWithNamespace(namespace=NS, id="fails")]
        assert self.c.flows.disable_flows_by_ids(TENANT, ids).count == 1
        assert self.c.flows.flow(NS, "fails", TENANT).disabled
        refuses(409, self.run_of, "fails")
        assert self.c.flows.enable_flows_by_ids(TENANT, ids).count == 1
        assert not self.c.flows.flow(NS, "fails", TENANT).disabled

    def executions_take_inputs_and_files(self):
        x = self.run_of("hello", wait=True, labels=["who:me"], inputs={"name": "bob", "file": ("f.txt", b"!")})
        assert state(x) == "SUCCESS", x
        assert x.outputs["given"] == "bob!", x.outputs
        assert any(l.key == "who" and l.value == "me" for l in x.labels)
        self.seen["hello"] = x.id
        uri = x.inputs["file"]
        assert self.c.executions.download_file_from_execution(x.id, uri, TENANT) == b"!"
        assert self.c.executions.file_metadatas_from_execution(x.id, uri, TENANT).size == 1

    def executions_are_read(self):
        x = self.c.executions.execution(self.seen["hello"], TENANT)
        assert [r.task_id for r in x.task_run_list] == ["say", "give"] and x.flow_revision >= 2
        refuses(404, self.c.executions.execution, "absent", TENANT)
        assert self.c.executions.flow_from_execution_by_id(x.id, TENANT).id == "hello"
        assert self.c.executions.flow_from_execution(TENANT, NS, "hello").id == "hello"
        assert self.c.executions.execution_flow_graph(x.id, TENANT).nodes

    def inputs_are_checked(self):
        x = self.run_of("pauses")
        self.until(x.id, "PAUSED")
        refuses(422, self.c.executions.resume_execution, x.id, TENANT)
        self.c.executions.resume_execution(x.id, TENANT, inputs={"reason": "ready"})
        x = self.until(x.id, "SUCCESS")
        assert x.task_run_list[-1].outputs["value"] == "ready"
        refuses(409, self.c.executions.resume_execution, x.id, TENANT)

    def expressions_are_evaluated(self):
        r = self.c.executions.eval_expression(self.seen["hello"], TENANT, "{{ inputs.name }} {{ outputs.give.value }}")
        assert r["result"] == "bob bob!", r
        assert "nope" in self.c.executions.eval_expression(self.seen["hello"], TENANT, "{{ nope }}")["error"]

    def executions_are_followed(self):
        x = self.run_of("hello")
        last = None
        for event in self.c.executions.follow_execution(x.id, TENANT):
            last = event
        assert state(last) == "SUCCESS"
        events = list(self.c.executions.follow_dependencies_execution(x.id, TENANT))
        assert events[-1].execution_id == x.id

    def executions_are_killed(self):
        x = self.run_of("sleeps")
        self.until(x.id, "RUNNING")
        self.c.executions.kill_execution(x.id, TENANT)
        self.until(x.id, "KILLED")
        refuses(409, self.c.executions.kill_execution, x.id, TENANT)

    def executions_are_killed_by_query(self):
        x = self.run_of("sleeps")
        self.until(x.id, "RUNNING")
        r = self.c.executions.kill_executions_by_query(
            TENANT, filters=[where("FLOW_ID", "EQUALS", "sleeps"), where("STATE", "IN", ["RUNNING"])]
        )
        assert r["count"] == 1, r
        self.until(x.id, "KILLED")

    def executions_are_restarted(self):
        x = self.run_of("fails", wait=True)
        assert state(x) == "FAILED"
        again = self.c.executions.restart_execution(x.id, TENANT)
        assert again.id == x.id
        x = self.until(x.id, "FAILED")
        assert len(x.task_run_list[0].attempts) == 2

    def executions_are_replayed(self):
        x = self.c.executions.replay_execution(self.seen["hello"], TENANT)
        assert x.id != self.seen["hello"]
        assert self.until(x.id, "SUCCESS").outputs["given"] == "bob!"
        x = self.c.executions.replay_execution_with_inputs(self.seen["hello"], TENANT, inputs={"name": "eve"})
        assert self.until(x.id, "SUCCESS").outputs["given"] == "eve"

    def executions_are_labelled(self):
        id = self.seen["hello"]
        x = self.c.executions.set_labels_on_terminated_execution(id, TENANT, [kestrapy.Label(key="a", value="b")])
        assert any(l.key == "a" for l in x.labels)
        system = [kestrapy.Label(key="system.x", value="b")]
        refuses(422, self.c.executions.set_labels_on_terminated_execution, id, TENANT, system)

    def states_are_changed(self):
        x = self.run_of("fails", wait=True)
        x = self.c.executions.update_execution_status(x.id, kestrapy.StateType("WARNING"), TENANT)
        assert state(x) == "WARNING"

    def executions_are_searched(self):
        def find(*filters, **kwargs):
            return self.c.executions.search_executions(TENANT, filters=list(filters), **kwargs)

        flow = where("FLOW_ID", "EQUALS", "hello")
        all_of_them = find(flow, size=100)
        assert all_of_them["total"] >= 4
        assert all(len(x["taskRunList"]) == 2 for x in all_of_them["results"])
        assert find(where("LABELS", "EQUALS", {"a": "b"}))["total"] == 1
        assert find(flow, where("STATE", "IN", ["FAILED"]))["total"] == 0
        assert find(where("NAMESPACE", "STARTS_WITH", "company"), size=1)["total"] > 4
        assert find(where("NAMESPACE", "PREFIX", "company"), size=1)["total"] > 4
        dates = [x["state"]["startDate"] for x in find(flow, sort=["state.startDate:asc"], size=100)["results"]]
        assert dates == sorted(dates)
        assert self.c.executions.search_executions_by_flow_id(TENANT, NS, "hello")["total"] >= 4
        latest = self.c.executions.latest_executions(
            TENANT, [kestrapy.ExecutionRepositoryInterfaceFlowFilter(namespace=NS, id="hello")]
        )
        assert latest[0].flow_id == "hello" and latest[0].status.value in ENDED

    def executions_are_deleted(self):
        x = self.run_of("hello", wait=True)
        self.c.executions.delete_execution(x.id, TENANT)
        refuses(404, self.c.executions.execution, x.id, TENANT)
        x = self.run_of("hello", wait=True)
        assert self.c.executions.delete_executions_by_ids(TENANT, [x.id]).count == 1

    def logs_are_read(self):
        id = self.seen["hello"]
        lines = self.c.logs.list_logs_from_execution(id, TENANT, min_level="INFO")
        assert [l.message for l in lines] == ["hello bob"], lines
        page = self.c.logs.search_logs(TENANT, filters=[where("QUERY", "EQUALS", "hello bob")])
        assert page.total >= 1
        assert "INFO hello bob" in self.c.logs.download_logs_from_execution(id, TENANT)
        assert any(l.message == "hello bob" for l in self.c.logs.follow_logs_from_execution(id, TENANT))
        self.c.logs.delete_logs_from_execution(id, TENANT)
        assert self.c.logs.list_logs_from_execution(id, TENANT) == []

    def values_are_kept(self):
        kv = self.c.kv
        kv.set_key_value(NS, "answer", TENANT, "42")
        entry = kv.key_value(NS, "answer", TENANT)
        assert entry.type.value == "NUMBER" and entry.value == 42
        kv.set_key_value(NS, "text", TENANT, '"words"')
        kv.set_key_value("company", "above", TENANT, "true")
        assert kv.list_all_keys(TENANT, filters=IN_NAMESPACE).total == 2
        assert {e.key for e in kv.list_keys_with_inheritance(NS, TENANT)} >= {"above"}
        refuses(404, kv.key_value, NS, "absent", TENANT)
        assert kv.delete_key_value(NS, "answer", TENANT) is True
        done = kv.delete_key_values(NS, TENANT, kestrapy.KVControllerApiDeleteBulkRequest(keys=["text"]))
        assert done.keys == ["text"]

    def namespaces_are_kept(self):
        ns = self.c.namespaces
        assert ns.create_namespace(TENANT, kestrapy.Namespace(id="company.made", deleted=False)).id == "company.made"
        assert ns.namespace("company.made", TENANT).id == "company.made"
        changed = kestrapy.Namespace(id="company.made", deleted=False, description="d")
        assert ns.update_namespace("company.made", TENANT, changed).description == "d"
        assert any(n.id == "company.made" for n in ns.search_namespaces(TENANT, q="made").results)
        assert "company.made" in ns.autocomplete_namespaces(TENANT, kestrapy.ApiAutocomplete(q="company"))
        ns.delete_namespace("company.made", TENANT)
        refuses(404, ns.namespace, "company.made", TENANT)

    def files_of_namespaces_are_kept(self):
        f = self.c.files
        f.create_namespace_directory(NS, TENANT, path="dir")
        f.create_namespace_file(NS, "dir/a.txt", TENANT, file_content=b"content")
        assert f.file_content(NS, "dir/a.txt", TENANT) == b"content"
        assert f.file_metadatas(NS, TENANT, path="dir/a.txt").size == 7
        assert [e.file_name for e in f.list_namespace_directory_files(NS, TENANT, path="dir")] == ["a.txt"]
        assert f.search_namespace_files(NS, "a.tx", TENANT) == ["/dir/a.txt"]
        f.move_file_directory(NS, "dir/a.txt", "dir/b.txt", TENANT)
        refuses(404, f.file_content, NS, "dir/a.txt", TENANT)
        archive = f.export_namespace_files(NS, TENANT)
        assert zipfile.ZipFile(io.BytesIO(archive)).read("dir/b.txt") == b"content"
        f.delete_file_directory(NS, "dir", TENANT)
        refuses(404, f.file_content, NS, "dir/b.txt", TENANT)

    def triggers_are_disabled(self):
        t = self.c.triggers
        page = t.search_triggers_for_flow(TENANT, NS, "scheduled")
        assert [one["triggerId"] for one in page["results"]] == ["yearly"], page
        assert t.search_triggers(TENANT, filters=IN_NAMESPACE)["total"] == 1
        assert t.disabled_triggers_by_query(TENANT, disabled=True, filters=IN_NAMESPACE)["count"] == 1
        assert t.search_triggers_for_flow(TENANT, NS, "scheduled")["results"][0]["disabled"]
        assert "yearly" in t.export_triggers(TENANT, filters=IN_NAMESPACE)

    def flows_are_updated_in_bulk(self):
        done = self.c.flows.bulk_update_flows(TENANT, body=FAILS + "description: bulk\n", delete=False)
        assert [f.id for f in done] == ["fails"] and done[0].description == "bulk"

    def flows_are_deleted(self):
        self.c.flows.delete_flow(NS, "fails", TENANT)
        refuses(404, self.c.flows.flow, NS, "fails", TENANT)
        assert self.c.flows.delete_flows_by_query(TENANT, filters=IN_NAMESPACE).count == 4


def main():
    client = kestrapy.KestraClient(host=sys.argv[1], timeout=30)
    checks = Checks(client)
    helpers = {"run_of", "until"}
    names = [n for n, f in vars(Checks).items() if callable(f) and not n.startswith("_") and n not in helpers]
    failed = 0
    for name in names:
        try:
            getattr(checks, name)()
            print("ok    ", name.replace("_", " "))
        except Exception:
            failed += 1
            print("FAILED", name.replace("_", " "))
            traceback.print_exc(limit=-4, file=sys.stdout)
    print(f"{len(names) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
