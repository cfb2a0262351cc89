-- What came first is told by what happened, as the wall clock may be set between any two moments.

-- Whether a page says more than it did when somebody acknowledged it. The earlier version compared these times.
ALTER TABLE page ADD COLUMN has_news INTEGER NOT NULL DEFAULT 0;
UPDATE page SET has_news = 1 WHERE updated_at > acknowledged_at;

-- Whether a person acknowledged the page: the end of what it is about closes it too. A person's acknowledgement is on the
-- timeline, written in the same transaction, unless the incident was theirs already: there it is as the earlier version took it.
ALTER TABLE page ADD COLUMN answered INTEGER NOT NULL DEFAULT 0;
UPDATE page SET answered = 1 WHERE acknowledged_at IS NOT NULL AND (
    EXISTS (SELECT 1 FROM incident_event WHERE incident_id = page.incident_id AND at = page.acknowledged_at
            AND CASE WHEN json_valid(event) THEN json_extract(event, '$.kind') = 'acknowledged' END)
    OR EXISTS (SELECT 1 FROM incident WHERE id = page.incident_id AND acknowledged_at <= page.acknowledged_at
               AND resolved_at IS NOT page.acknowledged_at));

-- The latest start that lies before the incident's mitigation, by each source's own clock: {"source": microseconds}.
ALTER TABLE incident ADD COLUMN mitigated_starts TEXT;
UPDATE incident SET mitigated_starts =
    (SELECT json_group_object(source, latest) FROM
        (SELECT source, MAX(starts_at + incident.mitigated_at - opened_at) AS latest
         FROM episode WHERE incident_id = incident.id GROUP BY source))
WHERE state = 'mitigated';

-- The last episode of before the clock was set.
ALTER TABLE clock_move ADD COLUMN last_episode INTEGER NOT NULL DEFAULT 0;
CREATE INDEX clock_move_episode ON clock_move (last_episode, by);

-- The last signal that may end something: what was told before it is told once more when it comes again. It was counted
-- when an end was worked on, and knew nothing of those that wait.
ALTER TABLE tally RENAME COLUMN ends TO last_end;
UPDATE tally SET last_end = (SELECT COALESCE(MAX(id), 0) FROM signal);
ALTER TABLE signal DROP COLUMN ends_seen;
