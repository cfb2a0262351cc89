-- What a receiver of a page knows of it. 'taken': it is about to be told for the first time; 'tried': it may have been; 'open', 'acknowledged'
-- or 'over': it was told so; 'closed': it was closed there. Null: it has heard nothing.
ALTER TABLE outbox ADD COLUMN told TEXT;
UPDATE outbox SET told = 'open'
WHERE page_id IS NOT NULL AND delivered_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM page WHERE page.id = outbox.page_id AND page.acknowledged_at IS NULL);
UPDATE outbox SET told = 'acknowledged'
WHERE page_id IS NOT NULL AND delivered_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM page JOIN incident ON incident.id = page.incident_id
                WHERE page.id = outbox.page_id AND page.acknowledged_at IS NOT NULL AND page.spell = incident.spell
                    AND incident.state IN ('acknowledged', 'mitigated'));
