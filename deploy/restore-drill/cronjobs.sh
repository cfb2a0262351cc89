#!/bin/sh
# Writes the CronJob of each database: a line of standard input is `STANZA SIZE IMAGE`. Each has its own minute of 28 days, by a hash of its name, so that
# it stays where it is when others come and go.
#
#   sh cronjobs.sh < databases.txt | kubectl apply --server-side -f -
set -eu
template=$(dirname "$0")/cronjob.yaml
while read -r stanza size image rest; do
  case $stanza in ''|'#'*) continue;; esac
  # A CronJob's name has 52 characters, and what stands here becomes YAML.
  case $stanza in *[!a-z0-9-]*|-*|*-|??????????????????????????????????????????????*) echo "$stanza: not a name for drill-$stanza (a-z, 0-9 and -, 45 characters)" >&2; exit 1;; esac
  case $size in *[!0-9]Gi|Gi|*[!0-9GiT]*|'') echo "$stanza: $size is no size such as 120Gi" >&2; exit 1;; esac
  case $image in ''|*[!A-Za-z0-9./:@_-]*) echo "$stanza: $image is no image" >&2; exit 1;; esac
  [ -z "$rest" ] || { echo "$stanza: too much on its line" >&2; exit 1; }
  # 40320 minutes: 28 days, which each month has.
  at=$(($(printf %s "$stanza" | cksum | cut -d ' ' -f 1) % 40320))
  schedule="$((at % 60)) $((at / 60 % 24)) $((at / 1440 + 1)) * *"
  echo ---
  sed -e '/^#/d' -e "s|STANZA|$stanza|g; s|SCHEDULE|$schedule|; s|IMAGE|$image|; s|SIZE|$size|" -e "s|name: $stanza, value|name: STANZA, value|" "$template"
done
