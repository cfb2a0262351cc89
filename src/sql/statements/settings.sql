-- Settings that wait for a restart: each in a row.
select name, setting, 'waits for a restart' as because from pg_settings where pending_restart
order by name
