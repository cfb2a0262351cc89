-- What must keep coming: an alert that always fires, or a source. Its absence is the news.
CREATE TABLE heartbeat (
    source  TEXT    NOT NULL,
    -- The alert's fingerprint; empty for the source itself.
    key     TEXT    NOT NULL,
    alert   TEXT,
    name    TEXT    NOT NULL,
    beats   INTEGER NOT NULL DEFAULT 1,
    last_at INTEGER NOT NULL,
    is_over INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source, key)
) WITHOUT ROWID;
