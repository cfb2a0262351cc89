-- Why a signal was set aside that could not be worked on. Its body is kept then, for whoever looks into it.
ALTER TABLE signal ADD COLUMN set_aside TEXT;
CREATE INDEX signal_set_aside ON signal (id) WHERE set_aside IS NOT NULL;
