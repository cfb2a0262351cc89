-- What is to be added to a run's times before the wall clock was set, to have them as today's clock would have told them:
-- its limits count time that has passed.
ALTER TABLE run ADD COLUMN created_moved INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN ended_moved INTEGER NOT NULL DEFAULT 0;

-- When the wall clock was set under way, and by how much what waited was moved. The last signal and the last line of a
-- timeline of before it: only what came later tells what time it was last.
CREATE TABLE clock_move (
    id            INTEGER PRIMARY KEY,
    at            INTEGER NOT NULL,
    by            INTEGER NOT NULL,
    last_signal   INTEGER NOT NULL,
    last_incident_event INTEGER NOT NULL
);

DROP INDEX run_history;
CREATE INDEX run_history ON run (playbook, target_key, created_at + created_moved);

-- What came later is found without reading all of it.
CREATE INDEX clock_move_signal ON clock_move (last_signal, by);
CREATE INDEX clock_move_note ON clock_move (last_incident_event, by);
