-- Who keeps others waiting for a lock without waiting for one: how many wait behind it, directly or not, and for how long; the worst first.
with recursive waits as (
    select a.pid, unnest(pg_blocking_pids(a.pid)) as blocker, extract(epoch from now() - a.state_change)::float8 as seconds
    from pg_stat_activity a
    where a.wait_event_type = 'Lock'
), chain as (
    select pid, blocker, seconds from waits
    union
    select c.pid, w.blocker, c.seconds from chain c join waits w on w.pid = c.blocker
)
select a.pid, a.backend_start, a.usename as "user", a.datname as database, a.application_name as application, a.state,
       extract(epoch from now() - a.xact_start)::float8 as transaction_seconds,
       extract(epoch from now() - a.state_change)::float8 as state_seconds,
       count(distinct c.pid) as blocked, max(c.seconds) as longest_wait_seconds,
       left(regexp_replace(a.query, '''(?:[^'']|'''')*''|\m\d+\M', '?', 'g'), 300) as query
from chain c join pg_stat_activity a on a.pid = c.blocker
where not exists (select 1 from waits w where w.pid = c.blocker)
group by a.pid, a.backend_start, a.usename, a.datname, a.application_name, a.state, a.xact_start, a.state_change, a.query
order by blocked desc
