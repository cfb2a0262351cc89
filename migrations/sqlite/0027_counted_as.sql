-- By what the object of an alert is counted, where it is told how much is affected. `NULL`: its labels say it; an
-- earlier version took it in, or labels were called otherwise then.
ALTER TABLE episode ADD COLUMN counted_as TEXT;
CREATE INDEX episode_counted ON episode (incident_id, counted_as, severity, held_by, closed_at) WHERE closed_at IS NULL;
-- By which words those were counted.
CREATE TABLE counted_by (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    words    TEXT NOT NULL
);
