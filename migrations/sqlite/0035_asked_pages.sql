-- Whether a person asked for a page, which stays so when another reason is added to it; of those that are there, by their reason. And whether it calls
-- people by name whom the policy of a receiver that escalates by itself does not know.
ALTER TABLE page ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE page ADD COLUMN by_name INTEGER NOT NULL DEFAULT 0;
UPDATE page SET asked = 1, by_name = COALESCE(called, '[]') <> '[]' WHERE CASE WHEN json_valid(reason) THEN
    json_extract(reason, '$.reason') IN ('asked', 'assigned')
    OR json_extract(reason, '$.reason') = 'unanswered' AND json_extract(reason, '$.of.reason') IN ('asked', 'assigned') END;
-- Attempts that stand for all between the first and the last of their delivery.
ALTER TABLE page_attempt ADD COLUMN others INTEGER NOT NULL DEFAULT 0;
