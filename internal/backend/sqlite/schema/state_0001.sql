-- Times are microseconds since 1970, UTC. Texts are compared byte by byte, SQLite's own way.

-- seq grows with each execution; a task run's seq is its execution's, shifted by 24 bits, plus its place there.
CREATE TABLE executions (
    seq               INTEGER PRIMARY KEY,
    id                TEXT    NOT NULL,
    tenant            TEXT    NOT NULL,
    namespace         TEXT    NOT NULL,
    flow_id           TEXT    NOT NULL,
    revision          INTEGER NOT NULL,
    state             TEXT    NOT NULL,
    started           INTEGER NOT NULL,
    ended             INTEGER,
    duration          INTEGER,
    kind              TEXT    NOT NULL,
    parent_id         TEXT    NOT NULL, -- '' for none, as below
    trigger_id        TEXT    NOT NULL,
    trigger_execution TEXT    NOT NULL,
    correlation       TEXT,             -- '' is the execution's own id, NULL none
    labels            INTEGER NOT NULL, -- a hash of those in the table of labels, 0 for none
    finished          INTEGER NOT NULL,
    shard             INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    body              TEXT    NOT NULL
);
CREATE UNIQUE INDEX executions_id ON executions (id);
CREATE INDEX executions_started ON executions (tenant, started);
CREATE INDEX executions_namespace ON executions (tenant, namespace, started);
CREATE INDEX executions_flow ON executions (tenant, namespace, flow_id, started);
CREATE INDEX executions_state ON executions (tenant, state, started);
-- These hold few rows, and cost nothing for all others.
CREATE INDEX executions_active ON executions (shard, id) WHERE finished = 0;
CREATE INDEX executions_parent ON executions (parent_id) WHERE parent_id <> '';
CREATE INDEX executions_trigger_execution ON executions (trigger_execution) WHERE trigger_execution <> '';
CREATE INDEX executions_correlation ON executions (correlation) WHERE correlation <> '';

-- Labels that Windhover did not set itself.
CREATE TABLE labels (
    tenant TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    value  TEXT    NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (tenant, key, value, seq)
) WITHOUT ROWID;

CREATE TABLE task_runs (
    seq       INTEGER PRIMARY KEY,
    id        TEXT    NOT NULL,
    tenant    TEXT    NOT NULL,
    task_id   TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    started   INTEGER NOT NULL,
    ended     INTEGER,
    duration  INTEGER,
    body      TEXT    NOT NULL
);
CREATE INDEX task_runs_started ON task_runs (tenant, started);

-- How many executions there are, kept by the commits that change them.
CREATE TABLE quarter_counts (
    tenant    TEXT    NOT NULL,
    bucket    INTEGER NOT NULL, -- the start of the quarter of an hour
    namespace TEXT    NOT NULL,
    flow_id   TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    child     TEXT    NOT NULL, -- '' for one that no execution started
    n         INTEGER NOT NULL,
    ended     INTEGER NOT NULL, -- how many of them have ended; the rest is about those
    sum       INTEGER NOT NULL,
    min       INTEGER NOT NULL,
    max       INTEGER NOT NULL,
    PRIMARY KEY (tenant, bucket, namespace, flow_id, state, kind, child)
) WITHOUT ROWID;
CREATE TABLE day_counts (
    tenant    TEXT    NOT NULL,
    bucket    INTEGER NOT NULL, -- the start of the day, UTC
    namespace TEXT    NOT NULL,
    flow_id   TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    child     TEXT    NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (tenant, bucket, namespace, flow_id, state, kind, child)
) WITHOUT ROWID;
CREATE TABLE total_counts (
    tenant    TEXT    NOT NULL,
    namespace TEXT    NOT NULL,
    flow_id   TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    child     TEXT    NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (tenant, namespace, flow_id, state, kind, child)
) WITHOUT ROWID;

-- Gates, and triggers in so far as they are entities.
CREATE TABLE entities (
    kind     INTEGER NOT NULL,
    id       TEXT    NOT NULL,
    shard    INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    quota    INTEGER NOT NULL, -- of a gate: how many may be in it
    behavior TEXT    NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE gate_members (
    gate         TEXT    NOT NULL,
    execution_id TEXT    NOT NULL,
    visit        INTEGER NOT NULL,
    since        INTEGER NOT NULL,
    running      INTEGER NOT NULL,
    forced       INTEGER NOT NULL,
    PRIMARY KEY (gate, execution_id)
) WITHOUT ROWID;

CREATE TABLE timers (
    of_id   TEXT    NOT NULL,
    of_kind INTEGER NOT NULL,
    id      TEXT    NOT NULL,
    shard   INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (of_id, of_kind, id)
) WITHOUT ROWID;
CREATE INDEX timers_due ON timers (shard, due);

-- Entities that were deleted, with the version of their deletion.
CREATE TABLE tombstones (
    id      TEXT    NOT NULL,
    kind    INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (id, kind)
) WITHOUT ROWID;
CREATE INDEX tombstones_at ON tombstones (at);

-- What is in flight: events that are not acknowledged, and jobs that have not ended.
CREATE TABLE inbox (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    to_id   TEXT    NOT NULL,
    to_kind INTEGER NOT NULL,
    id      TEXT    NOT NULL,
    body    TEXT    NOT NULL
);
CREATE UNIQUE INDEX inbox_event ON inbox (to_id, to_kind, id);
CREATE TABLE jobs (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL,
    execution_id TEXT    NOT NULL,
    worker       TEXT    NOT NULL, -- '' while it waits
    cancelled    INTEGER NOT NULL,
    body         TEXT    NOT NULL
);
CREATE UNIQUE INDEX jobs_id ON jobs (id);

CREATE TABLE flows (
    seq         INTEGER PRIMARY KEY,
    tenant      TEXT    NOT NULL,
    namespace   TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    latest      INTEGER NOT NULL, -- whether no newer revision follows
    deleted     INTEGER NOT NULL,
    disabled    INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    description TEXT    NOT NULL,
    labels      TEXT    NOT NULL, -- a JSON list
    source      TEXT    NOT NULL
);
CREATE UNIQUE INDEX flows_revision ON flows (tenant, namespace, id, revision);
CREATE INDEX flows_latest ON flows (tenant, namespace, id) WHERE latest = 1 AND deleted = 0;

CREATE TABLE triggers (
    seq        INTEGER PRIMARY KEY,
    tenant     TEXT    NOT NULL,
    namespace  TEXT    NOT NULL,
    flow_id    TEXT    NOT NULL,
    trigger_id TEXT    NOT NULL,
    disabled   INTEGER NOT NULL,
    next       INTEGER,
    body       TEXT    NOT NULL
);
CREATE UNIQUE INDEX triggers_key ON triggers (tenant, namespace, flow_id, trigger_id);

CREATE TABLE documents (
    seq       INTEGER PRIMARY KEY,
    kind      TEXT    NOT NULL,
    tenant    TEXT    NOT NULL,
    namespace TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    body      TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    expires   INTEGER
);
CREATE UNIQUE INDEX documents_key ON documents (kind, tenant, namespace, id);
CREATE INDEX documents_expires ON documents (expires) WHERE expires IS NOT NULL;
