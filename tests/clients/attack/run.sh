#!/usr/bin/env bash
# Hostile clients against a server with 1 GB: it lives, answers others, and stays within its memory. --all takes every
# statement, not those alone that once ended a server or its memory, and longer attacks over Flight.
source "$(dirname "$0")/../lib.sh"

python=$1 all=${2:-}
here=$(dirname "$0")
export TT__LIMITS__MEMORY=1GB TT__LIMITS__QUERY_MEMORY=800MB
mkdir "$work/lake"
serve server serve --read-only --data "$work/lake"
"$python" "$here/strangers.py" 127.0.0.1 "$PGPORT" "$pid"
"$python" "$here/clients.py" 127.0.0.1 "$PGPORT" "$pid"
"$python" "$here/statements.py" 127.0.0.1 "$PGPORT" "$pid" $all
stop TERM

for user in ada:pencil mallory:crayon; do
    "$TT" user add "${user%:*}" --users "$work/users.toml" --role reader <<<"${user#*:}" >/dev/null
done
TT__AUTH__USERS="$work/users.toml" serve users serve --read-only --data "$work/lake"
flight=$(address flight)
"$python" "$here/flight.py" 127.0.0.1 "$PGPORT" "${flight##*:}" "$pid" $all
