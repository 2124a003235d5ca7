#!/usr/bin/env bash
# Hostile clients against a server with 1 GB: it lives, answers others, and stays within its memory. --all takes every
# statement, not those alone that once ended a server or its memory.
source "$(dirname "$0")/../lib.sh"

python=$1 all=${2:-}
here=$(dirname "$0")
mkdir "$work/lake"
TT__LIMITS__MEMORY=1GB TT__LIMITS__QUERY_MEMORY=800MB serve server serve --read-only --data "$work/lake"
"$python" "$here/strangers.py" 127.0.0.1 "$PGPORT" "$pid"
"$python" "$here/clients.py" 127.0.0.1 "$PGPORT" "$pid"
"$python" "$here/statements.py" 127.0.0.1 "$PGPORT" "$pid" $all
