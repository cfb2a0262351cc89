-- For how long the alert of a run had waited to be worked on, in microseconds. `NULL`: no alert opened it, or what waited
-- was put off on purpose; an earlier version opened it.
ALTER TABLE run ADD COLUMN alert_waited INTEGER;
