#!/usr/bin/env bash
# ibis with its PostgreSQL backend: schemas, table expressions, memtables, windows, nested rows, batches, temporary tables and views.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$TOOLS_CACHE/ibis
if ! cmp -s "$here/requirements.txt" "$place/installed.txt"; then
    rm -rf "$place"
    mkdir -p "$place"
    if ! { python3 -m venv "$place/venv" && "$place/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"; } >"$place/log" 2>&1; then
        tail -5 "$place/log" >&2
        echo "what ibis/requirements.txt names cannot be installed" >&2
        exit 77
    fi
    cp "$here/requirements.txt" "$place/installed.txt"
fi
exec "$place/venv/bin/python" "$here/client.py"
