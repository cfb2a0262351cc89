-- What was done about one object, by whatever playbook.
CREATE INDEX run_about ON run (target_key, created_at + created_moved);
