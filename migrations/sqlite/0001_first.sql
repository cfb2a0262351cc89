-- Times are microseconds since 1970 in UTC; documents are JSON texts.

-- The front door. A body is dropped once it was worked on: what followed from it is in the other tables.
CREATE TABLE signal (
    id           INTEGER PRIMARY KEY,
    source       TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    received_at  INTEGER NOT NULL,
    body         TEXT    NOT NULL,
    deliveries   INTEGER NOT NULL DEFAULT 1,
    last_at      INTEGER NOT NULL,
    processed_at INTEGER,
    reply        TEXT
);
CREATE UNIQUE INDEX signal_key ON signal (source, key);
CREATE INDEX signal_pending ON signal (id) WHERE processed_at IS NULL;

CREATE TABLE incident (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    grouping        TEXT    NOT NULL,
    title           TEXT    NOT NULL,
    severity        TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    target          TEXT,
    team            TEXT    NOT NULL,
    owner           TEXT,
    playbook        TEXT,
    opened_at       INTEGER NOT NULL,
    acknowledged_at INTEGER,
    mitigated_at    INTEGER,
    resolved_at     INTEGER,
    page_at         INTEGER,
    -- How often it was opened: each spell may page anew.
    spell           INTEGER NOT NULL DEFAULT 1,
    open_episodes   INTEGER NOT NULL DEFAULT 0,
    episodes        INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX incident_grouping ON incident (grouping, id);
CREATE INDEX incident_unresolved ON incident (id) WHERE state <> 'resolved';
CREATE INDEX incident_resolved ON incident (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX incident_page ON incident (page_at) WHERE page_at IS NOT NULL;

-- A rowid table: clustered on the random fingerprint, inserts are half as fast.
CREATE TABLE episode (
    id          INTEGER PRIMARY KEY,
    source      TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    alert       TEXT    NOT NULL,
    labels      TEXT    NOT NULL,
    annotations TEXT    NOT NULL,
    starts_at   INTEGER NOT NULL,
    opened_at   INTEGER NOT NULL,
    closed_at   INTEGER
);
CREATE UNIQUE INDEX episode_key ON episode (fingerprint, source, starts_at);
CREATE INDEX episode_incident ON episode (incident_id, closed_at);
CREATE INDEX episode_closed ON episode (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX episode_opened ON episode (opened_at);

CREATE TABLE incident_event (
    id          INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    at          INTEGER NOT NULL,
    event       TEXT    NOT NULL
);
CREATE INDEX incident_event_incident ON incident_event (incident_id, id);

CREATE TABLE playbook (
    digest     TEXT PRIMARY KEY,
    name       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    first_seen INTEGER NOT NULL
);

CREATE TABLE run (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id     INTEGER NOT NULL REFERENCES incident (id),
    playbook        TEXT    NOT NULL,
    version         TEXT    NOT NULL,
    digest          TEXT    NOT NULL REFERENCES playbook (digest),
    target          TEXT    NOT NULL,
    target_key      TEXT    NOT NULL,
    inputs          TEXT    NOT NULL,
    alert           TEXT    NOT NULL,
    autonomy        TEXT    NOT NULL,
    requested_by    TEXT,
    outcome         TEXT,
    because         TEXT,
    created_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    -- The lease: who may append, and until when nobody else may claim.
    epoch           INTEGER NOT NULL DEFAULT 0,
    worker          TEXT,
    lease_until     INTEGER,
    wake_at         INTEGER NOT NULL,
    length          INTEGER NOT NULL DEFAULT 0,
    fruitless       INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX run_due ON run (wake_at) WHERE outcome IS NULL;
CREATE INDEX run_incident ON run (incident_id);
CREATE INDEX run_history ON run (playbook, target_key, created_at);
CREATE INDEX run_ended ON run (ended_at) WHERE ended_at IS NOT NULL;

-- The run log: append-only, and only by the holder of the lease.
CREATE TABLE run_event (
    run_id INTEGER NOT NULL REFERENCES run (id),
    seq    INTEGER NOT NULL,
    epoch  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    event  TEXT    NOT NULL,
    PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;

-- What everybody else has to tell a run.
CREATE TABLE run_inbox (
    id     INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES run (id),
    at     INTEGER NOT NULL,
    item   TEXT    NOT NULL
);
CREATE INDEX run_inbox_run ON run_inbox (run_id, id);

CREATE TABLE target_lock (
    target_key TEXT PRIMARY KEY,
    run_id     INTEGER NOT NULL REFERENCES run (id),
    since      INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE approval (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id      INTEGER NOT NULL REFERENCES run (id),
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    preview     TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    asked_at    INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    answered_by TEXT
);
CREATE INDEX approval_run ON approval (run_id);
CREATE INDEX approval_open ON approval (id) WHERE state = 'open';

CREATE TABLE vote (
    approval_id INTEGER NOT NULL REFERENCES approval (id),
    person      TEXT    NOT NULL,
    verdict     TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (approval_id, person)
) WITHOUT ROWID;

CREATE TABLE page (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id     INTEGER NOT NULL REFERENCES incident (id),
    spell           INTEGER NOT NULL,
    level           INTEGER NOT NULL,
    team            TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    text            TEXT,
    severity        TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    acknowledged_at INTEGER
);
CREATE UNIQUE INDEX page_once ON page (incident_id, spell, level);
CREATE INDEX page_created ON page (created_at);

-- The outbox. `version` grows when the subject changes while it waits or is on its way.
CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY,
    sink        TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    urgency     INTEGER NOT NULL,
    version     INTEGER NOT NULL DEFAULT 1,
    taken       INTEGER NOT NULL DEFAULT 0,
    due_at      INTEGER,
    attempts    INTEGER NOT NULL DEFAULT 0,
    error       TEXT,
    external_id TEXT,
    delivered_at INTEGER
);
CREATE UNIQUE INDEX outbox_key ON outbox (sink, key);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE handoff (
    team       TEXT    NOT NULL,
    shift_from INTEGER NOT NULL,
    shift_to   INTEGER NOT NULL,
    path       TEXT    NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (team, shift_from, shift_to)
) WITHOUT ROWID;
