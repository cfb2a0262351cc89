-- A ticket may stand for work that outlives its incident, which a playbook files once for a key: then it has a key, and `text` is what is to
-- be done. Those without stand for their incident.
ALTER TABLE ticket ADD COLUMN title TEXT;
ALTER TABLE ticket ADD COLUMN work_key TEXT;
-- By which run.
ALTER TABLE ticket ADD COLUMN run_id INTEGER REFERENCES run (id);
-- For so many seconds since it was filed the same is not filed again, though somebody has closed it.
ALTER TABLE ticket ADD COLUMN again INTEGER;
-- It was asked for while this one of another incident, of the same key, was on its way: they are one.
ALTER TABLE ticket ADD COLUMN same_as INTEGER REFERENCES ticket (id);

DROP INDEX ticket_of;
CREATE UNIQUE INDEX ticket_of ON ticket (incident_id, sink) WHERE work_key IS NULL;
CREATE INDEX ticket_incident ON ticket (incident_id);
CREATE INDEX ticket_work ON ticket (work_key, sink) WHERE work_key IS NOT NULL;
CREATE INDEX ticket_filed ON ticket (sink, created_at) WHERE work_key IS NOT NULL;
CREATE INDEX ticket_same ON ticket (same_as) WHERE same_as IS NOT NULL;
