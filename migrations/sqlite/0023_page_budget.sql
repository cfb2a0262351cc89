-- Over its team's budget, a page of less than S1 is told in another one of its shape, and none goes out for it.
ALTER TABLE page ADD COLUMN shape TEXT;
-- The page in which it is told. `NULL`: it is one of its own.
ALTER TABLE page ADD COLUMN folded_into INTEGER REFERENCES page (id);
-- When it was folded, how its team's budget was spent then, and until when it is: then it goes out, unless somebody acknowledges it before.
ALTER TABLE page ADD COLUMN folded_at INTEGER;
ALTER TABLE page ADD COLUMN folded_by TEXT;
ALTER TABLE page ADD COLUMN folded_until INTEGER;
CREATE INDEX page_folded ON page (folded_into) WHERE folded_into IS NOT NULL AND acknowledged_at IS NULL;
CREATE INDEX page_folded_at ON page (folded_at) WHERE folded_at IS NOT NULL;

-- When it was made, as today's clock would have told it: what budgets count.
ALTER TABLE page ADD COLUMN counted_at INTEGER NOT NULL DEFAULT 0;
UPDATE page SET counted_at = created_at;
CREATE INDEX page_counted ON page (team, counted_at);
