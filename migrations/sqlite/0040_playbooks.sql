-- How a playbook did, and what it was, are found by its name.
CREATE INDEX run_playbook ON run (playbook, digest);
CREATE INDEX playbook_name ON playbook (name, first_seen);
