-- Vacuums that run: of which table, for how long, in which phase, whether it is one against wraparound, and how far.
select p.pid, p.datname as database, p.relid::regclass::text as "table", p.phase,
       extract(epoch from now() - a.xact_start)::float8 as seconds,
       a.query like '%to prevent wraparound%' as against_wraparound, a.backend_type = 'autovacuum worker' as automatic,
       p.heap_blks_total, p.heap_blks_scanned, p.index_vacuum_count,
       current_setting('autovacuum_max_workers')::int8 as most_workers
from pg_stat_progress_vacuum p join pg_stat_activity a on a.pid = p.pid
order by seconds desc
