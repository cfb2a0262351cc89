-- An incident that has become worse pages anew in the same spell, also when what it was before is acknowledged.
DROP INDEX page_once;
CREATE UNIQUE INDEX page_once ON page (incident_id, spell, level, severity);
