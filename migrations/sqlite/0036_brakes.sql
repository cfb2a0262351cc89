-- That a freeze has come to its end was told, which it does by itself: it is over from then on, whatever the clock says.
ALTER TABLE freeze ADD COLUMN told_at INTEGER;
DROP INDEX freeze_lasting;
CREATE INDEX freeze_lasting ON freeze (until_at) WHERE ended_at IS NULL AND told_at IS NULL;

-- A brake held the run before it began any change: it counts for no limit.
ALTER TABLE run ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
