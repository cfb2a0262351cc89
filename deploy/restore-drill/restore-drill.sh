#!/bin/sh
# Restores the newest backup of $STANZA into $SCRATCH, starts PostgreSQL (12 or newer) on a socket in there, and looks for the marker row. Its last line is
# `drill: ok ...` or `drill: failed CAUSE ...`: the playbook restore-drill goes by it.
set -eu
: "${STANZA:?}" "${SCRATCH:?}"
DATABASE=${DRILL_DATABASE:-postgres} ROLE=${DRILL_USER:-postgres}
MARKER_WITHIN=${MARKER_WITHIN:-7200} START_WITHIN=${START_WITHIN:-21600}
began=$(date +%s) pid=
if [ -z "${PGBIN:-}" ]; then
  for tool in "$(command -v pg_controldata || :)" /usr/lib/postgresql/*/bin/pg_controldata /usr/pgsql-*/bin/pg_controldata; do
    [ ! -x "$tool" ] || PGBIN=$(dirname "$tool")
  done
fi
data=$SCRATCH/data log=$SCRATCH/postgresql.log out=$SCRATCH/pgbackrest.log
export PGBACKREST_LOCK_PATH="$SCRATCH/lock" PGBACKREST_SPOOL_PATH="$SCRATCH/spool" PGBACKREST_LOG_LEVEL_FILE=off
export PGBACKREST_LOG_LEVEL_CONSOLE=info PGBACKREST_ARCHIVE_ASYNC=n

failed() {
  cause=$1; shift
  for f in "$out" "$log"; do [ ! -s "$f" ] || tail -n 15 "$f"; done
  # One line, whatever was said: `echo` would make lines of what it takes for escapes.
  printf 'drill: failed %s stanza=%s %s\n' "$cause" "$STANZA" "$(printf '%s' "$*" | tr '\n' ' ')"
  exit 1
}
# What pgBackRest and PostgreSQL call it.
why() {
  # A write that was cut short has no name of its own in pgBackRest.
  if grep -qiE 'No space left on device|could not extend file|Disk quota exceeded|\[FileWriteError\]|\[064\]' "$@"; then echo no_room
  elif grep -qE 'invalid checksum|checksum mismatch|does not match (expected|manifest)|ChecksumError|zlib threw error|missing file .*pg_data|invalid page in block|raised error.*checksum|ERROR: \[0(28|26|29)\]|error restoring .*: (actual|expected) checksum' "$@"; then echo corrupt
  elif grep -qE 'HostConnectError|unable to (connect|get address)|timeout (connecting|waiting)|HTTP request failed|\[(027|039|041|042|049|056|057|068|095|101|102|103|104|105|106)\]' "$@"; then echo repository
  elif grep -qE 'no backup set found|missing stanza|does not exist.*backup\.info|backup\.info|ERROR: \[0(55|75)\]' "$@"; then echo no_backup
  elif grep -qE 'before configured recovery target was reached|WAL ends before|could not locate required checkpoint record|has already been removed|unable to find .* in the archive' "$@"; then echo wal_missing
  else case $1 in "$log") echo no_start;; *) echo other;; esac; fi
}

# Nothing is written, or taken away, where something is already.
for entry in "$SCRATCH"/* "$SCRATCH"/.[!.]*; do
  [ -e "$entry" ] || [ -L "$entry" ] || continue
  [ "${entry##*/}" = lost+found ] || { echo "drill: failed not_scratch stanza=$STANZA $SCRATCH has ${entry##*/} in it: it is not a scratch volume"; exit 1; }
done

# No copy of anybody's data stays behind, however it ends; the volume itself goes with the pod.
# shellcheck disable=SC2329,SC2317
clean() {
  if [ -n "$pid" ]; then kill -QUIT "$pid" 2>/dev/null || :; wait "$pid" 2>/dev/null || :; fi
  rm -rf "$data" "$SCRATCH/tablespaces" "$SCRATCH/spool" "$SCRATCH/lock" "$SCRATCH/run"
}
trap clean EXIT
trap 'exit 143' TERM INT
if ! { mkdir -p "$SCRATCH/lock" "$SCRATCH/spool" "$SCRATCH/run" && mkdir -m 0700 "$data"; }; then
  echo "drill: failed other stanza=$STANZA $SCRATCH cannot be written on: is fsGroup the user's?"; exit 1
fi
[ -n "${PGBIN:-}" ] || failed no_start "the image has no PostgreSQL (pg_controldata)"

pgbackrest --stanza="$STANZA" --output=json --log-level-console=off --log-level-stderr=warn info > "$SCRATCH/info.json" 2> "$out" || failed "$(why "$out")" "pgbackrest info does not answer"
newest() { grep -oE "\"$1\":\"?[^,\"}]+" "$SCRATCH/info.json" | tail -n 1 | sed 's/.*:"*//' || :; }
# What a repository cannot say: stanza by stanza, by its status.
if ! grep -q '"label":' "$SCRATCH/info.json"; then
  said=$(grep -oE '"message":"[^"]*"' "$SCRATCH/info.json" | grep -v '"ok"' | head -n 1 || :)
  case $said in *ChecksumError*|*FormatError*) failed corrupt "$said";; *"missing stanza"*|*"no valid backup"*|'') failed no_backup "$said";; *) failed repository "$said";; esac
fi
backup=$(newest label) size=$(newest size) started=$(newest start)
# pgBackRest has met pages without a right checksum when it made the backup.
[ "$(newest error)" != true ] || failed corrupt "backup=$backup has pages with a wrong checksum: pgbackrest --stanza=$STANZA --set=$backup info names them"
free=$(($(df -Pk "$SCRATCH" | awk 'NR == 2 { print $4 }') * 1024))
# A tenth more, and some segments of WAL: what replay reads and writes.
needs=$((size + size / 10 + 134217728))
[ "$free" -gt "$needs" ] || failed no_room "backup=$backup needs=$needs free=$free"

# `immediate` with `pause` replays until the backup is consistent, and stays there: nothing is promoted, and no timeline begins. Of what the configuration
# may say about a real restore (links out of here, tablespaces elsewhere) none counts.
pgbackrest --stanza="$STANZA" --pg1-path="$data" --set="$backup" --type=immediate --target-action=pause --archive-mode=off \
  --no-delta --no-link-all --reset-link-map --reset-tablespace-map --reset-recovery-option --reset-db-include --reset-db-exclude \
  --tablespace-map-all="$SCRATCH/tablespaces" restore > "$out" 2>&1 || failed "$(why "$out")" "backup=$backup restore failed"

# Of the settings of the primary none counts (its port, memory, libraries, archive_command, primary_conninfo): only what the restore needs, and what
# hot standby must have as large as the primary.
grep -E '^(restore_command|recovery_target)' "$data/postgresql.auto.conf" > "$SCRATCH/auto.conf" || failed other "backup=$backup the restore has written no restore_command (PostgreSQL before 12?)"
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
starts=$(date +%s)
ask() { "$PGBIN/psql" -XAtq -v ON_ERROR_STOP=1 -v stanza="$STANZA" -h "$SCRATCH/run" -U "$ROLE" -d "$DATABASE" 2> "$SCRATCH/psql.log"; }
until echo 'select 1' | ask > /dev/null; do
  kill -0 "$pid" 2>/dev/null || { wait "$pid" 2>/dev/null || :; pid=; failed "$(why "$log")" "backup=$backup PostgreSQL has stopped"; }
  ! grep -q 'does not exist' "$SCRATCH/psql.log" || { cat "$SCRATCH/psql.log"; failed no_marker "backup=$backup has no database $DATABASE or no role $ROLE"; }
  [ $(($(date +%s) - starts)) -lt "$START_WITHIN" ] || failed no_start "backup=$backup PostgreSQL has not become consistent in time"
  sleep 1
done

# Of this stanza, as another database has such a table, too.
row=$(ask <<'END'
select to_char(max(at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || ' ' || floor(extract(epoch from max(at)))::bigint
  from dogwatch_drill.marker where stanza = :'stanza';
END
) || {
  cat "$SCRATCH/psql.log"
  case $(cat "$SCRATCH/psql.log") in *'does not exist'*) failed no_marker "backup=$backup has no table dogwatch_drill.marker";; *) failed "$(why "$log" "$SCRATCH/psql.log")" "backup=$backup the marker cannot be read";; esac
}
[ -n "$row" ] || failed no_marker "backup=$backup has no row of this stanza"
marker=${row% *} at=${row#* } now=$(date +%s)
[ "$at" -ge $((started - MARKER_WITHIN)) ] || failed marker_old "marker=$marker backup=$backup older than ${MARKER_WITHIN}s when the backup began"
[ "$at" -le $((now + 60)) ] || failed marker_old "marker=$marker backup=$backup lies in the future: whose clock is wrong?"
[ "$at" -le "$now" ] || at=$now
echo "drill: ok stanza=$STANZA marker=$marker backup=$backup age=$((now - at)) restored_bytes=$size seconds=$((now - began))"
