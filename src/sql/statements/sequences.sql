-- Sequences of the connected database of which a quarter or more is used up, by their share, but those that cycle; and those that the role may not read (it needs pg_read_all_data), of which nobody knows.
select s.schemaname as schema, s.sequencename as sequence, s.last_value, s.max_value,
       (s.last_value::numeric / s.max_value)::float8 as share,
       has_sequence_privilege(c.oid, 'SELECT, USAGE') as readable
from pg_sequences s
join pg_namespace n on n.nspname = s.schemaname
join pg_class c on c.relnamespace = n.oid and c.relname = s.sequencename and c.relkind = 'S'
where not s.cycle and s.increment_by > 0 and s.max_value > 0
  and (s.last_value::numeric / s.max_value >= 0.25 or not has_sequence_privilege(c.oid, 'SELECT, USAGE'))
order by share desc nulls last
