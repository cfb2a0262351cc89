-- Replication slots: whether somebody reads, and how much WAL each keeps in bytes; the most first.
select slot_name as slot, slot_type as type, plugin, database, active, temporary, wal_status, safe_wal_size as safe_bytes,
       pg_wal_lsn_diff(here.lsn, restart_lsn)::int8 as keeps_bytes, age(xmin) as xmin_age, age(catalog_xmin) as catalog_xmin_age
from pg_replication_slots,
     (select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as lsn) here
order by keeps_bytes desc nulls last
