-- The playbooks that a run may be handed over to, as they were when it was opened, and how many runs
-- before it handed over to the next.
ALTER TABLE run ADD COLUMN pins TEXT NOT NULL DEFAULT '[]';
ALTER TABLE run ADD COLUMN handed_over INTEGER NOT NULL DEFAULT 0;
