-- What makes alerts one incident is a document; its key stays in `grouping`. `NULL`: an earlier version wrote it.
ALTER TABLE incident ADD COLUMN grouped_by TEXT;
-- The incident that this one was put into, and the one in which all is told: the end of that way.
ALTER TABLE incident ADD COLUMN merged_into INTEGER REFERENCES incident (id);
ALTER TABLE incident ADD COLUMN merged_root INTEGER REFERENCES incident (id);
-- When something joined it last.
ALTER TABLE incident ADD COLUMN joined_at INTEGER;
-- A person has said that it is no part of another one.
ALTER TABLE incident ADD COLUMN apart INTEGER NOT NULL DEFAULT 0;
CREATE INDEX incident_merged ON incident (merged_root) WHERE merged_root IS NOT NULL;

-- By what alerts join an incident. `how`: 0 at any time, 1 within minutes, 2 if enough have it in common.
CREATE TABLE incident_cause (
    cause       TEXT    NOT NULL,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    how         INTEGER NOT NULL,
    grouping    TEXT    NOT NULL,
    PRIMARY KEY (cause, incident_id)
) WITHOUT ROWID;
CREATE INDEX incident_cause_incident ON incident_cause (incident_id);
INSERT INTO incident_cause (cause, incident_id, how, grouping)
    SELECT grouping, id, 0, json_object('by', 'other', 'text', grouping) FROM incident;
DROP INDEX incident_grouping;

-- What an episode is about, as a key; and the incident that it came from, where it was put into another one with that.
ALTER TABLE episode ADD COLUMN object TEXT;
ALTER TABLE episode ADD COLUMN came_from INTEGER REFERENCES incident (id);
ALTER TABLE run ADD COLUMN came_from INTEGER REFERENCES incident (id);
-- What it has in common with others that needed a person for the same reason.
ALTER TABLE run ADD COLUMN stopped TEXT;
CREATE INDEX run_stopped ON run (stopped) WHERE stopped IS NOT NULL;
CREATE INDEX episode_object ON episode (object, incident_id, closed_at) WHERE closed_at IS NULL;
CREATE INDEX episode_open ON episode (incident_id, object, closed_at) WHERE closed_at IS NULL;
CREATE INDEX episode_came_from ON episode (came_from) WHERE came_from IS NOT NULL;

-- When its receivers were told that more joined, and how many there were then.
ALTER TABLE page ADD COLUMN told_at INTEGER;
ALTER TABLE page ADD COLUMN told_of INTEGER NOT NULL DEFAULT 0;
