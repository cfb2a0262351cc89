-- Who goes first: 0 people and the ends of runs, 1 alerts of the worst severity, 2 the others. What waited before there were lanes
-- goes before all of it, in its order.
ALTER TABLE signal ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
DROP INDEX signal_pending;
CREATE INDEX signal_pending ON signal (id) WHERE processed_at IS NULL;
CREATE INDEX signal_lane ON signal (lane, id) WHERE processed_at IS NULL;

-- How often work on it was begun, and not ended: counted before it begins, so that the death of the process counts.
ALTER TABLE signal ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;

-- What a command said, by digest: its key alone does not tell that it is the same.
ALTER TABLE signal ADD COLUMN said TEXT;

-- The rest of a signal that is worked on piece by piece: the row in `signal` holds the piece whose turn it is.
CREATE TABLE signal_piece (
    signal_id INTEGER NOT NULL REFERENCES signal (id),
    n         INTEGER NOT NULL,
    body      TEXT    NOT NULL,
    PRIMARY KEY (signal_id, n)
);

-- How often episodes were closed. A signal keeps what this was when it was worked on: by that, and by no clock, it is known
-- whether an end came after it.
CREATE TABLE tally (ends INTEGER NOT NULL);
INSERT INTO tally (ends) VALUES (1);
ALTER TABLE signal ADD COLUMN ends_seen INTEGER NOT NULL DEFAULT 0;

-- The signal that told the end, and the start that it told with it. Signals are numbered as they come in.
ALTER TABLE episode ADD COLUMN ended_by INTEGER;
ALTER TABLE episode ADD COLUMN ended_start INTEGER;
