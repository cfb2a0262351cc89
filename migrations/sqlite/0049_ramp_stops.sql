-- Until when a run that did not help stops the ramp of its playbook: as it was told when it ended, also where the limit was
-- changed since. It moves with the clock, as all that limits count.
ALTER TABLE mitigation ADD COLUMN stops_until INTEGER;

-- An hour is what the limit is where nobody has written another one.
UPDATE mitigation SET stops_until = ended_at + 3600000000 WHERE helped = 0 AND ended_at IS NOT NULL;

CREATE INDEX mitigation_stops ON mitigation (stops_until) WHERE stops_until IS NOT NULL;
