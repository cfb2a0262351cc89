-- Whether it is a replica, and how it follows (in one row): timeline, replay, whether the receiver streams and from whom.
select pg_is_in_recovery() as in_recovery,
       case when pg_is_in_recovery() then pg_is_wal_replay_paused() else false end as replay_paused,
       (select timeline_id from pg_control_checkpoint()) as timeline,
       extract(epoch from now() - pg_last_xact_replay_timestamp())::float8 as seconds_since_replayed,
       case when pg_last_wal_receive_lsn() < pg_last_wal_replay_lsn() then 0
            else pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::int8 end as not_replayed_bytes,
       r.status as receiver, r.sender_host, r.slot_name as slot,
       extract(epoch from now() - r.last_msg_receipt_time)::float8 as seconds_since_message,
       extract(epoch from now() - pg_postmaster_start_time())::float8 as running_seconds,
       current_setting('server_version') as version
from (select 1) one left join pg_stat_wal_receiver r on true
