#!/bin/sh
# Restores the newest backup of $STANZA into $SCRATCH, starts PostgreSQL on a socket in there, and looks for the marker row. Its last line is
# `drill: ok ...` or `drill: failed CAUSE ...`: the playbook restore-drill goes by it.
set -eu
: "${STANZA:?}" "${SCRATCH:?}"
DATABASE=${DRILL_DATABASE:-postgres} ROLE=${DRILL_USER:-postgres}
MARKER_WITHIN=${MARKER_WITHIN:-7200} START_WITHIN=${START_WITHIN:-21600}
began=$(date +%s) pid=
[ -n "${PGBIN:-}" ] || PGBIN=$(dirname "$(command -v pg_controldata || ls -d /usr/lib/postgresql/*/bin/pg_controldata /usr/pgsql-*/bin/pg_controldata 2>/dev/null | tail -1)")
data=$SCRATCH/data log=$SCRATCH/postgresql.log out=$SCRATCH/pgbackrest.log
export PGBACKREST_LOCK_PATH="$SCRATCH/lock" PGBACKREST_SPOOL_PATH="$SCRATCH/spool" PGBACKREST_LOG_LEVEL_FILE=off
export PGBACKREST_LOG_LEVEL_CONSOLE=info PGBACKREST_ARCHIVE_ASYNC=n

# No copy of anybody's data stays behind, however it ends; the volume itself goes with the pod.
clean() {
  if [ -n "$pid" ]; then kill -INT "$pid" 2>/dev/null || :; wait "$pid" 2>/dev/null || :; fi
  rm -rf "$data" "$SCRATCH/tablespaces" "$SCRATCH/spool" "$SCRATCH/lock" "$SCRATCH/run"
}
trap clean EXIT
trap 'exit 143' TERM INT
failed() {
  cause=$1; shift
  for f in "$out" "$log"; do [ ! -s "$f" ] || tail -n 15 "$f"; done
  echo "drill: failed $cause stanza=$STANZA $*"
  exit 1
}
# What pgBackRest and PostgreSQL call it.
why() {
  if grep -qiE 'No space left on device|could not extend file|Disk quota exceeded' "$@"; then echo no_room
  elif grep -qE 'invalid checksum|checksum mismatch|does not match (expected|manifest)|ChecksumError|zlib threw error|missing file .*pg_data|invalid page in block|raised error.*checksum|ERROR: \[0(28|26|29)\]|error restoring .*: (actual|expected) checksum' "$@"; then echo corrupt
  elif grep -qE 'HostConnectError|unable to (connect|get address)|timeout (connecting|waiting)|HTTP request failed|\[(027|039|041|042|049|056|057|068|095|101|102|103|104|105|106)\]' "$@"; then echo repository
  elif grep -qE 'no backup set found|missing stanza|does not exist.*backup\.info|backup\.info|ERROR: \[0(55|75)\]' "$@"; then echo no_backup
  elif grep -qE 'before configured recovery target was reached|WAL ends before|could not locate required checkpoint record|has already been removed|unable to find .* in the archive' "$@"; then echo wal_missing
  else echo "$1_" | grep -q postgresql && echo no_start || echo other; fi
}

[ -z "$(ls -A "$SCRATCH" 2>/dev/null | grep -v '^lost+found$' || :)" ] || { echo "drill: failed not_scratch stanza=$STANZA $SCRATCH is not empty: it is not a scratch volume"; trap - EXIT; exit 1; }
mkdir -p "$SCRATCH/lock" "$SCRATCH/spool" "$SCRATCH/run"
mkdir -m 0700 "$data"

pgbackrest --stanza="$STANZA" --output=json --log-level-console=off --log-level-stderr=warn info > "$SCRATCH/info.json" 2> "$out" || failed "$(why "$out")" "pgbackrest info does not answer"
newest() { grep -oE "\"$1\":\"?[^,\"}]+" "$SCRATCH/info.json" | tail -n 1 | sed 's/.*:"*//' || :; }
# What a repository cannot say: stanza by stanza, by its status.
if ! grep -q '"label":' "$SCRATCH/info.json"; then
  said=$(grep -oE '"message":"[^"]*"' "$SCRATCH/info.json" | grep -v '"ok"' | head -n 1 || :)
  case $said in *ChecksumError*) failed corrupt "$said";; *"missing stanza"*|*"no valid backup"*|'') failed no_backup "$said";; *) failed repository "$said";; esac
fi
backup=$(newest label) size=$(newest size) started=$(newest start)
free=$(($(df -Pk "$SCRATCH" | awk 'NR == 2 { print $4 }') * 1024))
# A tenth more: WAL, and what replay writes.
[ "$free" -gt $((size + size / 10)) ] || failed no_room "backup=$backup needs=$((size + size / 10)) free=$free"

# `immediate` with `pause` replays until the backup is consistent, and stays there: nothing is promoted, and no timeline begins.
pgbackrest --stanza="$STANZA" --pg1-path="$data" --set="$backup" --type=immediate --target-action=pause --archive-mode=off \
  --tablespace-map-all="$SCRATCH/tablespaces" restore > "$out" 2>&1 || failed "$(why "$out")" "backup=$backup restore failed"

# Of the settings of the primary none counts (its port, memory, libraries, archive_command, primary_conninfo): only what the restore needs, and what
# hot standby must have as large as the primary.
grep -E '^(restore_command|recovery_target|recovery_target_action)' "$data/postgresql.auto.conf" > "$SCRATCH/auto.conf"
cp "$SCRATCH/auto.conf" "$data/postgresql.auto.conf"
rm -f "$data/standby.signal" "$data/postmaster.pid"
was() { "$PGBIN/pg_controldata" "$data" | sed -n "s/^$1 setting: *//p"; }
cat > "$SCRATCH/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$SCRATCH/run'
unix_socket_permissions = 0700
port = 5432
archive_mode = off
archive_command = ''
primary_conninfo = ''
primary_slot_name = ''
hot_standby = on
hot_standby_feedback = off
shared_preload_libraries = ''
shared_buffers = ${SHARED_BUFFERS:-256MB}
fsync = off
logging_collector = off
log_destination = stderr
lc_messages = 'C'
jit = off
max_connections = $(was max_connections)
max_worker_processes = $(was max_worker_processes)
max_wal_senders = $(was max_wal_senders)
max_prepared_transactions = $(was max_prepared_xacts)
max_locks_per_transaction = $(was max_locks_per_xact)
END
echo 'local all all trust' > "$SCRATCH/hba.conf"
: > "$SCRATCH/ident.conf"
"$PGBIN/postgres" -D "$data" -c config_file="$SCRATCH/postgresql.conf" -c hba_file="$SCRATCH/hba.conf" -c ident_file="$SCRATCH/ident.conf" \
  -c data_directory="$data" > "$log" 2>&1 &
pid=$!
ask() { "$PGBIN/psql" -XAtq -h "$SCRATCH/run" -U "$ROLE" -d "$DATABASE" -c "$1" 2> "$SCRATCH/psql.log"; }
until ask 'select 1' > /dev/null; do
  kill -0 "$pid" 2>/dev/null || { wait "$pid" 2>/dev/null || :; pid=; failed "$(why "$log")" "backup=$backup PostgreSQL has stopped"; }
  ! grep -q 'does not exist' "$SCRATCH/psql.log" || { cat "$SCRATCH/psql.log"; failed no_marker "backup=$backup"; }
  [ $(($(date +%s) - began)) -lt "$START_WITHIN" ] || failed no_start "backup=$backup PostgreSQL has not become consistent in time"
  sleep 1
done

row=$(ask "select to_char(max(at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') || ' ' || floor(extract(epoch from max(at))) from dogwatch_drill.marker") || {
  cat "$SCRATCH/psql.log"
  case $(cat "$SCRATCH/psql.log") in *'does not exist'*) failed no_marker "backup=$backup";; *) failed "$(why "$SCRATCH/psql.log" "$log")" "backup=$backup the marker cannot be read";; esac
}
[ -n "$row" ] || failed no_marker "backup=$backup the table is empty"
marker=${row% *} at=${row#* }
[ "$at" -ge $((started - MARKER_WITHIN)) ] || failed marker_old "marker=$marker backup=$backup older than ${MARKER_WITHIN}s when the backup began"
now=$(date +%s)
echo "drill: ok marker=$marker backup=$backup age=$((now - at)) restored_bytes=$size seconds=$((now - began))"
