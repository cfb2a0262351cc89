-- Tables of the connected database with the most dead rows: when they were vacuumed and analyzed, their age, and their size in bytes.
select s.schemaname as schema, s.relname as "table", n_live_tup as live, n_dead_tup as dead,
       extract(epoch from now() - greatest(last_vacuum, last_autovacuum))::float8 as seconds_since_vacuum,
       extract(epoch from now() - greatest(last_analyze, last_autoanalyze))::float8 as seconds_since_analyze,
       age(c.relfrozenxid) as xid_age, pg_total_relation_size(s.relid) as bytes
from pg_stat_user_tables s join pg_class c on c.oid = s.relid
order by n_dead_tup desc
