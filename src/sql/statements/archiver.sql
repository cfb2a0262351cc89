-- Whether archiving works: the last success and failure, whether the last attempt failed, and how many files wait (in one row).
select archived_count, failed_count, last_archived_wal, last_failed_wal,
       extract(epoch from now() - last_archived_time)::float8 as seconds_since_archived,
       extract(epoch from now() - last_failed_time)::float8 as seconds_since_failed,
       coalesce(last_failed_time > last_archived_time, last_failed_time is not null) as failing,
       current_setting('archive_mode') as archive_mode,
       (select count(*) from pg_ls_archive_statusdir() where name like '%.ready') as waiting
from pg_stat_archiver
