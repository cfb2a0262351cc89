-- Who streams from it, and how far behind each is in bytes; the furthest first. On a replica, those behind it.
select application_name as application, host(client_addr) as client, state, sync_state,
       pg_wal_lsn_diff(here.lsn, sent_lsn)::int8 as not_sent_bytes,
       pg_wal_lsn_diff(here.lsn, replay_lsn)::int8 as behind_bytes,
       extract(epoch from replay_lag)::float8 as replay_lag_seconds, backend_start
from pg_stat_replication,
     (select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as lsn) here
order by behind_bytes desc nulls first
