-- What no run may change, by a person's word, and until when. No end: until somebody ends it. A row changes but by its end.
CREATE TABLE freeze (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    scope    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    by       TEXT    NOT NULL,
    via      TEXT    NOT NULL,
    made_at  INTEGER NOT NULL,
    until_at INTEGER,
    -- When somebody ended it before its time.
    ended_at INTEGER,
    ended_by TEXT
);
CREATE INDEX freeze_lasting ON freeze (id) WHERE ended_at IS NULL;

-- Who works on an incident by hand: no run is begun for it until they give it back or it is over.
CREATE TABLE incident_taken (
    incident_id INTEGER PRIMARY KEY REFERENCES incident (id),
    by          TEXT    NOT NULL,
    at          INTEGER NOT NULL
);
