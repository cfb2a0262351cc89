-- Each database: its size in bytes, how far its oldest transaction id and multixact are from wraparound (1 is the end), deadlocks and temporary bytes since its statistics began.
select d.datname as database, pg_database_size(d.oid) as bytes,
       age(d.datfrozenxid) as xid_age, (age(d.datfrozenxid) / 2147483648.0)::float8 as xid_share,
       mxid_age(d.datminmxid) as mxid_age, (mxid_age(d.datminmxid) / 2147483648.0)::float8 as mxid_share,
       s.deadlocks, s.temp_bytes, s.numbackends as connections
from pg_database d left join pg_stat_database s on s.datid = d.oid
where d.datallowconn
order by bytes desc
