-- What runs have changed, by what was done for which object: whether the same was done lately. The change itself
-- stands on the run's log.
CREATE TABLE remedy (
    run_id  INTEGER NOT NULL REFERENCES run (id),
    -- Of its `started` on the log.
    seq     INTEGER NOT NULL,
    step    TEXT    NOT NULL,
    attempt INTEGER NOT NULL,
    action  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    -- It had no effect.
    failed  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
CREATE INDEX remedy_object ON remedy (object, action, run_id) WHERE NOT failed;
