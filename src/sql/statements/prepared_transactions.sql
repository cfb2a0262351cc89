-- Transactions that somebody has prepared (two-phase commit) and not ended, the oldest first: each keeps locks, and vacuum from cleaning up.
select gid, owner, database, prepared, extract(epoch from now() - prepared)::float8 as seconds, age(transaction) as xid_age
from pg_prepared_xacts
order by prepared
