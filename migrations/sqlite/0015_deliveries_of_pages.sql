-- Which page a delivery is of: a column of its own, and no part of a text.
ALTER TABLE outbox ADD COLUMN page_id INTEGER REFERENCES page (id);
UPDATE outbox SET page_id = CAST(substr(key, 6) AS INTEGER)
WHERE urgency = 0 AND EXISTS (SELECT 1 FROM page WHERE id = CAST(substr(outbox.key, 6) AS INTEGER));
DROP INDEX outbox_page;
CREATE INDEX outbox_page ON outbox (page_id) WHERE page_id IS NOT NULL;

-- An incident's message shows its open questions.
CREATE INDEX approval_incident ON approval (incident_id) WHERE state = 'open';
