#!/usr/bin/env bash
# pgAdmin 4 in desktop mode, driven over HTTP as its page does.
source "$TT_ROOT/tests/clients/lib.sh"
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
program=$(echo "$place"/venv/lib/python3*/site-packages/pgadmin4)
cp "$here/config_local.py" "$program/"
port=$(free_port)
(cd "$program" && PGADMIN_DATA=$work PGADMIN_PORT=$port exec "$python" pgAdmin4.py) >"$work/out" 2>&1 &
pid=$!
started+=("$pid")
await_page 120 pgAdmin "http://127.0.0.1:$port/misc/ping"
"$python" "$here/client.py" "http://127.0.0.1:$port"
