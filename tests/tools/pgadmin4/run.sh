#!/usr/bin/env bash
# pgAdmin 4 in desktop mode, driven over HTTP as its page does.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$TOOLS_CACHE/pgadmin4
if ! cmp -s "$here/requirements.txt" "$place/installed.txt"; then
    rm -rf "$place"
    mkdir -p "$place"
    if ! { python3 -m venv "$place/venv" && "$place/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"; } >"$place/log" 2>&1; then
        tail -5 "$place/log" >&2
        echo "what pgadmin4/requirements.txt names cannot be installed" >&2
        exit 77
    fi
    cp "$here/requirements.txt" "$place/installed.txt"
fi

work=$(mktemp -d)
pid=
finish() {
    [[ -z $pid ]] || { kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; }
    rm -rf "$work"
}
trap finish EXIT

program=$(echo "$place"/venv/lib/python3*/site-packages/pgadmin4)
cp "$here/config_local.py" "$program/"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(cd "$program" && PGADMIN_DATA=$work PGADMIN_PORT=$port exec "$place/venv/bin/python" pgAdmin4.py) >"$work/out" 2>&1 &
pid=$!
deadline=$((SECONDS + 120))
until curl -sf "http://127.0.0.1:$port/misc/ping" >/dev/null; do
    kill -0 "$pid" 2>/dev/null && ((SECONDS < deadline)) || {
        tail -5 "$work/out" >&2
        echo "pgAdmin did not start" >&2
        exit 1
    }
    sleep 0.2
done
"$place/venv/bin/python" "$here/client.py" "http://127.0.0.1:$port"
