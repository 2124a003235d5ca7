#!/usr/bin/env bash
# Ctrl-C at psql's prompt, in a server whose memory is small enough that a sort spills.
source "$(dirname "$0")/../lib.sh"

mkdir "$work/spill"
export TT__LIMITS__MEMORY=128MB TT__LIMITS__QUERY_MEMORY=128MB
TMPDIR="$work/spill" serve demo demo --data "$work/demo"
python3 "$(dirname "$0")/cancel.py" "$work/spill"
