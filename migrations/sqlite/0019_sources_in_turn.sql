-- In each lane the sources take turns.
DROP INDEX signal_lane;
CREATE INDEX signal_turn ON signal (lane, source, id) WHERE processed_at IS NULL;
