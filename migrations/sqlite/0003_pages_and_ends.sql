-- An incident that has become worse pages anew in the same spell, also when what it was before is acknowledged.
DROP INDEX page_once;
CREATE UNIQUE INDEX page_once ON page (incident_id, spell, level, severity);

-- When the end of an episode was told: what came in before that is older than the end.
ALTER TABLE episode ADD COLUMN end_told_at INTEGER;

-- A firing that may be an echo of what is over is decided about at its time.
ALTER TABLE signal ADD COLUMN not_before INTEGER;

-- When a page was given something new to say.
ALTER TABLE page ADD COLUMN updated_at INTEGER;

-- Where a page went: urgency 0 is what pages have.
CREATE INDEX outbox_page ON outbox (key) WHERE urgency = 0;
