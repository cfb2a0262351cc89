-- Who covers for whoever is on call by the rotation, and when. A row changes but by its end, so that who was on call can be told of
-- any time. `team`, `member` and `whom` are names of the on-call file, which may not name them any more.
CREATE TABLE oncall_override (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    team     TEXT    NOT NULL,
    layer    TEXT    NOT NULL,
    member   TEXT    NOT NULL,
    whom     TEXT,
    from_at  INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    by       TEXT    NOT NULL,
    via      TEXT    NOT NULL,
    made_at  INTEGER NOT NULL,
    -- When somebody ended it before its time.
    ended_at INTEGER,
    ended_by TEXT
);
CREATE INDEX oncall_override_until ON oncall_override (until_at);
