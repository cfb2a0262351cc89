-- Changes that runs began, a row for each step whatever it took: what limits count. The times move with the clock, as what
-- they are compared with does.
CREATE TABLE mutation (
    run_id    INTEGER NOT NULL REFERENCES run (id),
    step      TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    -- Of the object that is changed.
    namespace TEXT    NOT NULL,
    PRIMARY KEY (run_id, step)
) WITHOUT ROWID;
CREATE INDEX mutation_at ON mutation (at);
CREATE INDEX mutation_namespace ON mutation (namespace, at);

-- Runs that began to change something, from their first change to their end.
CREATE TABLE mitigation (
    run_id    INTEGER PRIMARY KEY REFERENCES run (id),
    playbook  TEXT    NOT NULL,
    -- Of the run's target.
    namespace TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    ended_at  INTEGER,
    -- 1: a verify proved it; 0: it escalated; -1: neither.
    helped    INTEGER
);
CREATE INDEX mitigation_playbook ON mitigation (playbook, at);
CREATE INDEX mitigation_failed ON mitigation (playbook, ended_at) WHERE helped = 0;
CREATE INDEX mitigation_open ON mitigation (playbook) WHERE ended_at IS NULL;

-- Playbooks of which no run changes anything until a person says so.
CREATE TABLE breaker (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    playbook  TEXT    NOT NULL,
    opened_at INTEGER NOT NULL,
    because   TEXT    NOT NULL,
    closed_at INTEGER,
    closed_by TEXT,
    reason    TEXT
);
CREATE UNIQUE INDEX breaker_open ON breaker (playbook) WHERE closed_at IS NULL;
CREATE INDEX breaker_closed ON breaker (playbook, closed_at);
