# Sourced after lib.sh and tool.sh: a PostgreSQL of our own, on a free port, which `own` asks and which is $own_port.

programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
if [[ ! -x $programs/initdb ]]; then
    debian_packages postgresql
    programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
fi

own() {
    PGOPTIONS='' psql -XAtq -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$own_port" -U owner -d "${own_database:-postgres}" "$@"
}

start_own() {
    local as=()
    # It does not run as root.
    [[ $(id -u) != 0 ]] || as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    chmod a+rx "$work"
    mkdir "$work/own"
    [[ $(id -u) != 0 ]] || chown postgres: "$work/own"
    own_port=$(free_port)
    (cd / && "${as[@]}" "$programs/initdb" -D "$work/own/data" -A trust -U owner --encoding UTF8 --locale C) >"$work/initdb.log" 2>&1 ||
        fail "initdb: $(tail -3 "$work/initdb.log")"
    (cd / && exec "${as[@]}" "$programs/postgres" -D "$work/own/data" -p "$own_port" -k "$work/own" -c listen_addresses=127.0.0.1 \
        -c fsync=off) >"$work/own.log" 2>&1 &
    started+=("$!")
    within 30 "the private PostgreSQL" own -c 'SELECT 1' -o /dev/null 2>/dev/null
}
