-- A sink's turn looks at what is due for that sink: with the time alone, the planner took the key's index instead, and
-- read the sink's whole history.
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (sink, due_at) WHERE due_at IS NOT NULL;

-- What is asked for at every look at the numbers, and is little beside what has been.
CREATE INDEX run_under_way ON run (id) WHERE outcome IS NULL;
CREATE INDEX page_unacknowledged ON page (incident_id) WHERE acknowledged_at IS NULL;
