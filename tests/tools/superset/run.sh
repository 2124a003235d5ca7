#!/usr/bin/env bash
# Apache Superset over its REST API, its own tables in SQLite.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$TOOLS_CACHE/superset
export SUPERSET_CONFIG_PATH=$here/superset_config.py FLASK_APP=superset
if ! cmp -s "$here/requirements.txt" "$place/installed.txt"; then
    rm -rf "$place"
    mkdir -p "$place/template"
    if ! { python3 -m venv "$place/venv" && "$place/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"; } >"$place/log" 2>&1; then
        tail -5 "$place/log" >&2
        echo "what superset/requirements.txt names cannot be installed" >&2
        exit 77
    fi
    # Its tables are made once and copied for each run.
    SUPERSET_STATE=$place/template
    export SUPERSET_STATE
    {
        "$place/venv/bin/superset" db upgrade
        "$place/venv/bin/superset" fab create-admin --username admin --firstname a --lastname b --email admin@tt.example --password admin
        "$place/venv/bin/superset" init
    } >>"$place/log" 2>&1 || {
        tail -5 "$place/log" >&2
        exit 1
    }
    cp "$here/requirements.txt" "$place/installed.txt"
fi

work=$(mktemp -d)
pid=
finish() {
    [[ -z $pid ]] || { kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; }
    rm -rf "$work"
}
trap finish EXIT

cp "$place/template/superset.db" "$work/"
export SUPERSET_STATE=$work
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$place/venv/bin/python" -m flask run --host 127.0.0.1 --port "$port" --with-threads --no-reload >"$work/out" 2>&1 &
pid=$!
deadline=$((SECONDS + 180))
until curl -sf "http://127.0.0.1:$port/health" >/dev/null; do
    kill -0 "$pid" 2>/dev/null && ((SECONDS < deadline)) || {
        tail -5 "$work/out" >&2
        echo "Superset did not start" >&2
        exit 1
    }
    sleep 0.2
done
"$place/venv/bin/python" "$here/client.py" "http://127.0.0.1:$port"
