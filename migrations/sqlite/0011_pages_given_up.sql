-- Pages were given up after six hours; now they are tried until somebody has them. Those that were given up are tried again.
UPDATE outbox SET due_at = 0
WHERE urgency = 0 AND due_at IS NULL AND delivered_at IS NULL
    AND EXISTS (SELECT 1 FROM page JOIN incident ON incident.id = page.incident_id
                WHERE 'PAGE-' || page.id = outbox.key AND page.acknowledged_at IS NULL AND incident.state <> 'resolved');

-- An alert whose name was empty stood there with no name at all.
UPDATE episode SET alert = '(unnamed alert)' WHERE trim(alert) = '';
