#!/usr/bin/env bash
# More statements of DataGrip, DBeaver, Grafana, Metabase, Power BI and Tableau than those they send when they start.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$TOOLS_CACHE/bi_queries
if ! cmp -s "$here/requirements.txt" "$place/installed.txt"; then
    rm -rf "$place"
    mkdir -p "$place"
    if ! { python3 -m venv "$place/venv" && "$place/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"; } >"$place/log" 2>&1; then
        tail -5 "$place/log" >&2
        echo "what bi_queries/requirements.txt names cannot be installed" >&2
        exit 77
    fi
    cp "$here/requirements.txt" "$place/installed.txt"
fi
PYTHONDONTWRITEBYTECODE=1 exec "$place/venv/bin/python" "$here/main.py"
