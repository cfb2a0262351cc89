-- Indexes of the connected database that no query may use: what a failed CREATE INDEX CONCURRENTLY has left. One that is being built is none.
select n.nspname as schema, t.relname as "table", c.relname as index, i.indisready as written_to, pg_relation_size(c.oid) as bytes
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid and not exists (select 1 from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)
order by bytes desc
