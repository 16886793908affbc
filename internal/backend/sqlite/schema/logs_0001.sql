-- Times are microseconds since 1970, UTC.

CREATE TABLE logs (
    seq          INTEGER PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    namespace    TEXT    NOT NULL,
    flow_id      TEXT    NOT NULL,
    execution_id TEXT    NOT NULL,
    task_id      TEXT    NOT NULL,
    task_run_id  TEXT    NOT NULL,
    attempt      INTEGER NOT NULL, -- -1 for none
    line         INTEGER,          -- the line's number in its attempt, NULL without a task run
    trigger_id   TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    level        INTEGER NOT NULL, -- 1 TRACE, 2 DEBUG, 3 INFO, 4 WARN, 5 ERROR
    thread       TEXT    NOT NULL,
    message      TEXT    NOT NULL,
    kind         TEXT    NOT NULL
);
-- It finds an execution's lines, and keeps one that is delivered twice from being stored twice.
CREATE UNIQUE INDEX logs_line ON logs (execution_id, task_run_id, attempt, line);
CREATE INDEX logs_at ON logs (tenant, at);
CREATE INDEX logs_flow ON logs (tenant, namespace, flow_id, at);
-- The few lines that are looked for among the many.
CREATE INDEX logs_severe ON logs (tenant, at) WHERE level >= 4;

CREATE TABLE metrics (
    seq          INTEGER PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    namespace    TEXT    NOT NULL,
    flow_id      TEXT    NOT NULL,
    execution_id TEXT    NOT NULL,
    task_id      TEXT    NOT NULL,
    task_run_id  TEXT    NOT NULL,
    type         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    value        REAL,             -- NULL is not a number
    at           INTEGER NOT NULL,
    tags         TEXT    NOT NULL, -- a JSON object
    kind         TEXT    NOT NULL
);
CREATE INDEX metrics_execution ON metrics (execution_id);
CREATE INDEX metrics_flow ON metrics (tenant, namespace, flow_id, at);
