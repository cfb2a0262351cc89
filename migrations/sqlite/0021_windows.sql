-- Maintenance windows: what they cover pages nobody, and no run changes it. `key`: a file's window is known by it.
CREATE TABLE quiet_window (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    key       TEXT    NOT NULL UNIQUE,
    scope     TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    owner     TEXT    NOT NULL,
    via       TEXT    NOT NULL,
    made_at   INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    -- Whoever ends it early moves this.
    ends_at   INTEGER NOT NULL,
    ended_by  TEXT,
    -- When what it held back was looked at.
    told_at   INTEGER
);
CREATE INDEX quiet_window_untold ON quiet_window (ends_at) WHERE told_at IS NULL;

-- What a window holds back: so many alerts that joined an incident, and so many times a page of it.
CREATE TABLE quiet_hold (
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    window_id   INTEGER NOT NULL REFERENCES quiet_window (id),
    alerts      INTEGER NOT NULL DEFAULT 0,
    pages       INTEGER NOT NULL DEFAULT 0,
    -- It covers all of the incident: nobody is at it.
    is_whole    INTEGER NOT NULL,
    PRIMARY KEY (incident_id, window_id)
) WITHOUT ROWID;
CREATE INDEX quiet_hold_window ON quiet_hold (window_id);

-- The window that covered it when it was told: no run was opened for it.
ALTER TABLE episode ADD COLUMN held_by INTEGER REFERENCES quiet_window (id);
