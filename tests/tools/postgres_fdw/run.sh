#!/usr/bin/env bash
# postgres_fdw of a PostgreSQL of our own: its schemas imported, its tables copied, the same queries asked of both.
source "$TT_ROOT/tests/clients/lib.sh"
source "$TT_ROOT/tests/tools/lib/tool.sh"
source "$lib/private.sh"
start_own

# One version of every table, once they are fetched, so that a copy stays equal.
tables=(eod symbols market_metrics option_chains dividends)
for table in "${tables[@]}"; do sql "SELECT count(*) FROM $table" >/dev/null; done
moment=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
own <<SQL
CREATE EXTENSION postgres_fdw;
CREATE SERVER tt FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '$PGHOST', port '$PGPORT', dbname '$PGDATABASE', fetch_size '5000', options '-c as_of=$moment', use_remote_estimate 'false');
CREATE SERVER live FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$PGHOST', port '$PGPORT', dbname '$PGDATABASE', application_name 'fdw-%p');
CREATE USER MAPPING FOR owner SERVER tt OPTIONS (user '$PGUSER');
CREATE USER MAPPING FOR owner SERVER live OPTIONS (user '$PGUSER');
CREATE SCHEMA remote; CREATE SCHEMA copy; CREATE SCHEMA live; CREATE SCHEMA system; CREATE SCHEMA few;
IMPORT FOREIGN SCHEMA public FROM SERVER tt INTO remote;
IMPORT FOREIGN SCHEMA live FROM SERVER live INTO live OPTIONS (import_default 'true');
IMPORT FOREIGN SCHEMA system FROM SERVER live INTO system;
IMPORT FOREIGN SCHEMA public LIMIT TO (eod, symbols, nosuch) FROM SERVER live INTO few;
IMPORT FOREIGN SCHEMA pg_catalog LIMIT TO (pg_class) FROM SERVER live INTO few;
SQL
columns='SELECT attname, atttypid::regtype, attnotnull FROM pg_attribute'
equal "columns of eod" "$(sql "$columns WHERE attrelid = 'eod'::regclass AND attnum > 0 ORDER BY attnum")" \
    "$(own -c "$columns WHERE attrelid = 'remote.eod'::regclass AND attnum > 0 ORDER BY attnum")"
equal "columns of all tables" "$(sql "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'")" \
    "$(own -c "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'remote'")"
equal "tables of LIMIT TO" $'eod\npg_class\nsymbols' "$(own -c "SELECT foreign_table_name FROM information_schema.foreign_tables WHERE foreign_table_schema = 'few' ORDER BY 1")"
said=$(own -c 'IMPORT FOREIGN SCHEMA nosuch FROM SERVER tt INTO few' 2>&1 || true)
contains "a schema that is not there" "$said" 'schema "nosuch" is not present on foreign server "tt"'

# Many rows by a cursor, and the statistics that ANALYZE draws from them.
for table in "${tables[@]}"; do
    own -c "CREATE TABLE copy.$table AS SELECT * FROM remote.$table" -c "ANALYZE copy.$table" -c "ANALYZE remote.$table"
    equal "rows of $table" "$(PGOPTIONS="-c as_of=$moment" sql "SELECT count(*) FROM $table")" "$(own -c "SELECT count(*) FROM copy.$table")"
done
mapfile -t queries < <(grep -v '^--' "$here/queries.sql")
# answers SCHEMA: rows and errors of all queries, each under its number.
answers() {
    local place
    {
        echo "SET search_path = $1;"
        for place in "${!queries[@]}"; do printf '\\echo =%s\n%s\n' "$place" "${queries[$place]}"; done
    } | PGOPTIONS='' psql -XAtq -h 127.0.0.1 -p "$own_port" -U owner -d postgres 2>&1
}
answers copy >"$work/copy.txt"
for estimate in false true; do
    own -c "ALTER SERVER tt OPTIONS (SET use_remote_estimate '$estimate')"
    answers remote >"$work/remote.txt"
    for place in "${!queries[@]}"; do
        part="/^=$place\$/,/^=$((place + 1))\$/p"
        got=$(sed -n "$part" "$work/remote.txt") wanted=$(sed -n "$part" "$work/copy.txt")
        [[ $got == "$wanted" ]] || note "use_remote_estimate=$estimate, ${queries[$place]}"$'\n'"wanted ${wanted:0:300}"$'\n'"got ${got:0:600}"
    done
done

# What is sent: conditions, order, limit; joins and groups where the estimate is the server's.
remote() { own -c "SET search_path = remote" -c "EXPLAIN (VERBOSE) $1" | sed -n 's/.*Remote SQL: //p'; }
equal "a condition, an order and a limit" \
    "SELECT date, close FROM public.eod WHERE ((date > '2026-01-01')) AND ((symbol = 'AAPL')) ORDER BY date DESC NULLS FIRST LIMIT 5::bigint" \
    "$(remote "SELECT close FROM eod WHERE symbol = 'AAPL' AND date > '2026-01-01' ORDER BY date DESC LIMIT 5")"
contains "groups over a join" "$(remote 'SELECT s.market, count(*), sum(e.volume) FROM eod e JOIN symbols s ON s.symbol = e.symbol GROUP BY s.market')" \
    'SELECT r2.market, count(*), sum(r1.volume) FROM (public.eod r1 INNER JOIN public.symbols r2' 'GROUP BY 1'
for estimate in false true; do
    equal "prepared, use_remote_estimate=$estimate" $'3\n3' "$(own -c "ALTER SERVER tt OPTIONS (SET use_remote_estimate '$estimate')" \
        -c "PREPARE found(text[], date) AS SELECT count(DISTINCT symbol) FROM remote.eod WHERE symbol = ANY(\$1) AND date >= \$2" \
        -c "SET plan_cache_mode = force_generic_plan" -c "EXECUTE found('{A,AAPL,SPY,nosuch}', '2026-11-01')" -c "EXECUTE found('{A,AAPL,SPY,nosuch}', '2026-11-01')")"
done

# Transactions: a cursor goes on, a savepoint is taken and given back, levels are taken.
equal "a cursor" $'A|2024\n521\n521\nAPP|2025' "$(own -c "BEGIN; DECLARE c CURSOR FOR SELECT symbol, left(date::text, 4) FROM remote.eod ORDER BY symbol, date" \
    -c 'FETCH 1 FROM c; MOVE 20000 FROM c' -c 'SAVEPOINT a; SELECT count(*) FROM remote.symbols' -c 'ROLLBACK TO a; SELECT count(*) FROM remote.symbols' \
    -c 'FETCH 1 FROM c' -c COMMIT)"
for level in 'ISOLATION LEVEL SERIALIZABLE' 'READ ONLY'; do
    equal "$level" 521 "$(own -c "BEGIN $level" -c 'SELECT count(*) FROM remote.symbols' -c COMMIT)"
done
own -c "ALTER SERVER live OPTIONS (ADD async_capable 'true')"
equal "two scans at once" $'A\nAAPL' "$(own -c "SELECT symbol FROM few.symbols WHERE symbol = 'A' UNION ALL (SELECT symbol FROM few.eod WHERE symbol = 'AAPL' LIMIT 1)" | sort)"
equal "live rows" $'t\nt\nt' "$(own -c 'SELECT bid < ask FROM live.quotes LIMIT 3')"

# Errors keep their SQLSTATE; a running statement is ended from here.
own -c "CREATE FOREIGN TABLE gone (symbol text) SERVER tt OPTIONS (schema_name 'public', table_name 'gone')" \
    -c "CREATE FOREIGN TABLE mistaken (symbol int) SERVER tt OPTIONS (schema_name 'public', table_name 'symbols')"
while IFS='|' read -r code statement; do
    got=$(own -v VERBOSITY=verbose -c "$statement" 2>&1 >/dev/null | sed -n 's/^ERROR:  \([0-9A-Z]*\):.*/\1/p' || true)
    [[ $got == "$code" ]] || note "$statement: wanted $code, got $got"
done <<'ERRORS'
42P01|SELECT * FROM gone
22P02|SELECT * FROM mistaken
22012|SELECT count(*) FROM remote.eod WHERE volume / (volume - volume) > 1
25006|INSERT INTO remote.symbols (symbol) VALUES ('x')
25006|UPDATE remote.symbols SET type = 'x' WHERE symbol = 'A'
25006|DELETE FROM remote.symbols WHERE symbol = 'A'
25006|TRUNCATE remote.symbols
57014|SET statement_timeout = '300ms'; SELECT * FROM live.quotes WHERE symbol = 'nosuch'
ERRORS
ended() { [[ $(sql "SELECT count(*) FROM system.queries WHERE sql LIKE 'FETCH%'") == 0 ]]; }
within 10 "the statement that was ended here ends there" ended
exit "$failed"
