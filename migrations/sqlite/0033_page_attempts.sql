-- What was told of a page, to whom by the schedule of that moment, and what the receiver answered. Attempts of one delivery that follow each other
-- and are alike are one row. No error: it was taken.
CREATE TABLE page_attempt (
    id INTEGER PRIMARY KEY,
    outbox_id INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    called TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 1,
    error TEXT
);
CREATE INDEX page_attempt_of ON page_attempt (outbox_id, id);
