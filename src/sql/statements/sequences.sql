-- Sequences of the connected database of which a quarter or more is used up, by their share; those that cycle are left out.
select schemaname as schema, sequencename as sequence, last_value, max_value,
       (last_value::numeric / max_value)::float8 as share
from pg_sequences
where not cycle and increment_by > 0 and max_value > 0 and last_value::numeric / max_value >= 0.25
order by share desc
