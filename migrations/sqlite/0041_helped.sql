-- What helped counts from its end: a verify may take longer than the ramp.
CREATE INDEX mitigation_helped ON mitigation (playbook, ended_at) WHERE helped = 1;
