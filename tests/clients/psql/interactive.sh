#!/usr/bin/env bash
# psql as a person uses it: \watch, \gset, \gexec, \gdesc, \crosstabview, \bind's absence, completion's queries, several
# statements in one string, and a search path.
source "$(dirname "$0")/../lib.sh"

watched=$(timeout 20 psql -XAtq 2>&1 <<'SQL' || true
select symbol from symbols where symbol = 'SPY' \watch i=0.2
SQL
)
# psql 15 knows the interval as a bare number only, and runs until it is interrupted.
if [[ "$watched" != *SPY* ]]; then
    (trap - INT; exec psql -XAtq -c "select symbol from symbols where symbol = 'SPY' \\watch 0.2" >"$work/watched" 2>&1) &
    client=$!
    watched_twice() { (($(grep -c '^SPY$' "$work/watched") >= 3)); }
    within 10 '\watch' watched_twice
    kill -INT "$client"
    wait "$client" 2>/dev/null || true
fi

equal '\gset' "SPY/etf" "$(psql -XAtq <<'SQL'
select symbol, type from symbols where symbol = 'SPY' \gset
\echo :symbol/:type
SQL
)"
equal '\gexec' $'1\n2' "$(psql -XAtq <<'SQL'
select format('select %s', n) from generate_series(1, 2) as n \gexec
SQL
)"
equal '\gdesc' $'symbol|text\ndate|date\nclose|double precision\nlists|text[]' "$(psql -XAtq <<'SQL'
select e.symbol, e.date, e.close, s.lists from eod e join symbols s on s.symbol = e.symbol \gdesc
SQL
)"
equal '\crosstabview' $'type|true\netf|1' "$(psql -XAq -P footer=off <<'SQL' | sed 's/|t$/|true/'
select type, active, 1 from symbols where symbol = 'SPY' \crosstabview
SQL
)"
equal "several statements in one string" $'1\n2' "$(psql -XAtq -c 'select 1; select 2')"
contains "an error in one of several" "$(psql -XAtq -c 'select 1; select nosuch; select 3' 2>&1)" 'column "nosuch" does not exist'
equal "two scalars of one name" "1|2" "$(sql 'select (select count(*) from symbols where symbol = '"'SPY'"'), (select count(*) from symbols where symbol in ('"'SPY', 'AAPL'"'))')"
equal "a subquery's column by PostgreSQL's name" 1 "$(sql "select count from (select count(*) from symbols where symbol = 'SPY') as one")"

live_columns="select count(*) from information_schema.columns where table_schema = 'live' and table_name = 'quotes'"
equal "the search path" "$(sql "$live_columns")" "$(psql -XAtq -c 'set search_path to live, public' -c '\d quotes' | grep -c '|')"
equal "current_schema along the path" "live|{pg_catalog,live,public}" "$(psql -XAtq -c 'set search_path to live, public' -c 'select current_schema(), current_schemas(true)')"
contains "a table off the path" "$(psql -XAtq -c 'set search_path to system' -c 'select 1 from eod limit 1' 2>&1)" "does not exist"
equal "the table in the path's schema" 1 "$(psql -XAtq -c 'set search_path to system' -c "select count(*) from freshness where dataset = 'eod'")"
equal "a relation's name along the path" "live.quotes quotes" "$(psql -XAtq -c "select 'live.quotes'::regclass" -c 'set search_path to live' -c "select 'live.quotes'::regclass" | tr '\n' ' ' | sed 's/ $//')"

# What completion asks when Tab is pressed after FROM.
completed=$(sql "SELECT c.relname, NULL::pg_catalog.text FROM pg_catalog.pg_class c
    WHERE c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p') AND (c.relname) LIKE 'mov%' AND pg_catalog.pg_table_is_visible(c.oid)
    UNION ALL SELECT NULL::pg_catalog.text, n.nspname FROM pg_catalog.pg_namespace n
    WHERE n.nspname LIKE 'mov%' AND n.nspname NOT LIKE E'pg\\\\_%' LIMIT 1000")
equal "completion after FROM mov" "movers|" "$completed"
