-- Checksum failures of each database since its statistics began, the last one's age; and whether checksums are on.
select datname as database, checksum_failures as failures,
       extract(epoch from now() - checksum_last_failure)::float8 as seconds_since_failure,
       current_setting('data_checksums') = 'on' as enabled
from pg_stat_database
where datname is not null or checksum_failures > 0
order by checksum_failures desc nulls last
