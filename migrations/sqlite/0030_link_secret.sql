-- What links are signed with by which somebody acknowledges a page. It is published nowhere, and no other database has it.
ALTER TABLE identity ADD COLUMN link_secret TEXT NOT NULL DEFAULT '';
UPDATE identity SET link_secret = lower(hex(randomblob(32)));
