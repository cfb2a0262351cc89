-- Whether the answer to a command is a no: nothing was done then, and whoever asked is told so by more than the text.
ALTER TABLE signal ADD COLUMN declined INTEGER NOT NULL DEFAULT 0;
