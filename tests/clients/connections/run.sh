#!/usr/bin/env bash
# A server with all its connections taken, some by clients that do not read, serves the others.
source "$(dirname "$0")/../lib.sh"

mkdir "$work/lake"
TT__LIMITS__CONNECTIONS=500 serve server serve --read-only --data "$work/lake"
python3 "$(dirname "$0")/client.py" 127.0.0.1 "$PGPORT" 500
grep -E 'VmHWM' "/proc/$pid/status"
