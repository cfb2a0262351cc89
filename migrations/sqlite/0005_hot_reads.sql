-- A sink's turn looks at what is due for that sink: with the time alone, the planner took the key's index instead, and
-- read the sink's whole history.
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (sink, due_at) WHERE due_at IS NOT NULL;

-- What is asked for at every look at the numbers, and is little beside what has been.
CREATE INDEX run_under_way ON run (id) WHERE outcome IS NULL;
CREATE INDEX page_unacknowledged ON page (incident_id) WHERE acknowledged_at IS NULL;

-- Numbers begin at 1 in each database, and what the bot made in the cluster outlives them: this tells its runs from those of
-- another.
CREATE TABLE identity (mark TEXT NOT NULL);
INSERT INTO identity (mark) VALUES (lower(hex(randomblob(4))));
