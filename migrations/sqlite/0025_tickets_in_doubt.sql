-- Since when something may have been written in the tracker of which nobody heard: set before it is sent, gone once it is known
-- what became of it. It is looked for only where this is set.
ALTER TABLE ticket ADD COLUMN tried_at INTEGER;
-- How many answers were lost since.
ALTER TABLE ticket ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
-- Since when each attempt was in vain, and whether what the timeline was told of it is a refusal.
ALTER TABLE ticket ADD COLUMN failing_since INTEGER;
ALTER TABLE ticket ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
-- When the timeline was told that it lies where its tracker makes none any more.
ALTER TABLE ticket ADD COLUMN left_at INTEGER;
-- An earlier version noted no attempt: whatever waits may have been one.
UPDATE ticket SET tried_at = created_at
WHERE EXISTS (SELECT 1 FROM outbox WHERE outbox.sink = ticket.sink AND outbox.key = 'TKT-' || ticket.id
              AND (external_id IS NULL OR due_at IS NOT NULL));

-- Until when nothing is sent to a sink, as its receiver wants to be left alone, and why.
CREATE TABLE sink_hold (
    sink    TEXT PRIMARY KEY,
    until   INTEGER NOT NULL,
    because TEXT NOT NULL
) WITHOUT ROWID;
