-- Who is called next about an incident, and when: one row while somebody is to be. `page_id`: what was sent last; `step`: which
-- step of the team's policy that was, over all its rounds. `why`, as JSON: nobody has acknowledged it, nobody touches what somebody
-- has, or somebody asks for it. Without `due_at`, the policy is at its end: nobody else is called. Without
-- `step`, its first one is next. `held`: a window holds the call back until then. `before`, as JSON: what was to be called before
-- somebody asked.
CREATE TABLE escalation (
    incident_id INTEGER PRIMARY KEY REFERENCES incident (id),
    page_id     INTEGER REFERENCES page (id),
    step        INTEGER,
    why         TEXT    NOT NULL,
    due_at      INTEGER,
    held        INTEGER NOT NULL DEFAULT 0,
    before      TEXT
);
CREATE INDEX escalation_due ON escalation (due_at);
-- The names of those who are called by it; empty: whoever is on call.
ALTER TABLE page ADD COLUMN called TEXT NOT NULL DEFAULT '[]';
-- When it first came to somebody who does not look by himself.
ALTER TABLE page ADD COLUMN arrived_at INTEGER;
UPDATE page SET arrived_at = (SELECT MIN(delivered_at) FROM outbox WHERE page_id = page.id) WHERE acknowledged_at IS NULL;
