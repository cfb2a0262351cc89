-- The tickets of incidents, one for each incident and sink; where each lies, its delivery says.
CREATE TABLE ticket (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER NOT NULL REFERENCES incident (id),
    sink        TEXT    NOT NULL,
    team        TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    text        TEXT,
    -- What its marks are made of. It is published nowhere, so that nobody makes one before us.
    secret      TEXT    NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    created_at  INTEGER NOT NULL,
    -- When the timeline was told that it cannot be brought there.
    trouble_at  INTEGER
);
CREATE UNIQUE INDEX ticket_of ON ticket (incident_id, sink);

-- How bad it was found to be when it was told: by its word or its playbook, and by the tier of what it is about.
ALTER TABLE episode ADD COLUMN severity TEXT;
