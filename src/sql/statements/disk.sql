-- What fills the volume, in bytes (in one row): databases, WAL, logs, temporary files; and what WAL is kept for.
select (select sum(pg_database_size(oid)) from pg_database)::int8 as database_bytes,
       (select coalesce(sum(size), 0) from pg_ls_waldir())::int8 as wal_bytes,
       (select count(*) from pg_ls_waldir()) as wal_files,
       (select coalesce(sum(size), 0) from pg_ls_tmpdir())::int8 as temporary_bytes,
       (select count(*) from pg_ls_archive_statusdir() where name like '%.ready') as wal_not_archived,
       (select count(*) from pg_replication_slots where not active) as inactive_slots,
       (select coalesce(max(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn)), 0)
        from pg_replication_slots)::int8 as slots_keep_bytes,
       pg_size_bytes(current_setting('max_wal_size')) as max_wal_bytes,
       pg_is_in_recovery() as in_recovery
