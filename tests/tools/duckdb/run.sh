#!/usr/bin/env bash
# DuckDB and its extension for PostgreSQL: ATTACH, tables, scans, postgres_query, transactions, what it may not write.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$TOOLS_CACHE/duckdb
if ! cmp -s "$here/requirements.txt" "$place/installed.txt"; then
    rm -rf "$place"
    mkdir -p "$place"
    if ! { python3 -m venv "$place/venv" && "$place/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"; } >"$place/log" 2>&1; then
        tail -5 "$place/log" >&2
        echo "what duckdb/requirements.txt names cannot be installed" >&2
        exit 77
    fi
    cp "$here/requirements.txt" "$place/installed.txt"
fi
timeout 300 "$place/venv/bin/python" "$here/client.py"
