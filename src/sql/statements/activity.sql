-- What clients are doing that are not idle, the oldest transaction first: who, since when, what they wait for. Literals in queries are replaced.
select pid, backend_start, usename as "user", datname as database, application_name as application, host(client_addr) as client,
       state, wait_event_type, wait_event,
       extract(epoch from now() - xact_start)::float8 as transaction_seconds,
       extract(epoch from now() - state_change)::float8 as state_seconds,
       left(regexp_replace(query, '''(?:[^'']|'''')*''|\m\d+\M', '?', 'g'), 300) as query
from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'idle'
order by xact_start nulls last
