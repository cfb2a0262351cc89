-- How many connections there are, by database, user, application and state, the most first; beside how many there may be.
select datname as database, usename as "user", application_name as application, state, count(*) as connections,
       extract(epoch from max(now() - state_change))::float8 as longest_seconds,
       (sum(count(*)) over ())::int8 as all_connections,
       current_setting('max_connections')::int8 as max_connections,
       current_setting('superuser_reserved_connections')::int8 as reserved
from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid()
group by 1, 2, 3, 4
order by connections desc
