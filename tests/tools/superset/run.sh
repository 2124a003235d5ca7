#!/usr/bin/env bash
# Apache Superset over its REST API, its own tables in SQLite.
source "$TT_ROOT/tests/clients/lib.sh"
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
export SUPERSET_CONFIG_PATH=$here/superset_config.py FLASK_APP=superset SUPERSET_STATE=$work
# Its tables are made once and copied for each run.
if [[ ! -e $place/template/superset.db ]]; then
    {
        "$place/venv/bin/superset" db upgrade
        "$place/venv/bin/superset" fab create-admin --username admin --firstname a --lastname b --email admin@tt.example --password admin
        "$place/venv/bin/superset" init
    } >>"$place/log" 2>&1 || fail "superset: $(tail -5 "$place/log")"
    mkdir -p "$place/template"
    cp "$work/superset.db" "$place/template/"
fi
cp "$place/template/superset.db" "$work/"
port=$(free_port)
"$python" -m flask run --host 127.0.0.1 --port "$port" --with-threads --no-reload >"$work/out" 2>&1 &
pid=$!
started+=("$pid")
await_page 180 Superset "http://127.0.0.1:$port/health"
"$python" "$here/client.py" "http://127.0.0.1:$port"
