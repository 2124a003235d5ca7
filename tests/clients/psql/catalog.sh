#!/usr/bin/env bash
# psql's backslash commands show our tables, and nothing that only another server would have.
source "$(dirname "$0")/../lib.sh"

show() { psql -XAt -c "$1"; }
# Names in the second column, sorted.
names() { show "$1" | cut -d'|' -f2 | sort | tr '\n' ' '; }

tables="calendar dividends earnings eod expirations greeks market_metrics market_metrics_history option_chains quotes"
tables+=" returns_stddev symbols trades"
views=$(cd "$TT_ROOT/sql/views" && printf '%s\n' *.sql | sed 's/\.sql$//' | sort | tr '\n' ' ')

for command in '\d' '\dt' '\dt+'; do
    listed=" $(names "$command")"
    for table in $tables; do contains "$command" "$listed" " $table "; done
    lacks "$command" "$listed" " pg_" " sql_"
done
equal '\dv' "$views" "$(names '\dv')"
contains '\dt+' "$(show '\dt+')" "One row per symbol and trading date: the daily bar."

equal '\dn' "live public system " "$(show '\dn' | cut -d'|' -f1 | sort | tr '\n' ' ')"
equal '\l' "$PGDATABASE" "$(show '\l' | cut -d'|' -f1)"

described=$(show '\d eod')
contains '\d eod' "$described" "symbol|text||not null|" "date|date||not null|" "close|double precision|||" \
    "volume|bigint|||" "fetched_at|timestamp with time zone||not null|"
equal 'columns of \d eod' 10 "$(wc -l <<<"$described")"
contains '\d symbols' "$(show '\d symbols')" "lists|text[]|" "active|boolean|"
contains '\d+ movers' "$(psql -XA -c '\d+ movers')" "View definition:" "WITH session AS" "change_ratio|double precision"
contains '\d live.quotes' "$(show '\d live.quotes')" "bid|double precision" "missed|bigint"
contains '\dt system.*' "$(names '\dt system.*')" "freshness " "queries " "refreshes " "settings "
contains '\conninfo' "$(show '\conninfo')" "database \"$PGDATABASE\" as user \"$PGUSER\""
for command in '\df' '\di' '\ds' '\du' '\dx' '\dp' '\dT' '\db' '\des' '\dm' '\dd'; do
    show "$command" >"$work/shown" 2>&1 || true
    lacks "$command" "$(cat "$work/shown")" "ERROR"
done
