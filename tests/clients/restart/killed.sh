#!/usr/bin/env bash
# A server killed at any moment of its first collection starts again on the same directory with every table whole.
source "$(dirname "$0")/../lib.sh"

# Names of all tables and views of the schemas, and a count of each.
count_all() {
    local table
    sql "select table_schema || '.' || table_name from information_schema.tables where table_schema in ('public', 'system')" \
        >"$work/tables"
    at_least "tables of a restarted server" 25 "$(wc -l <"$work/tables")"
    while read -r table; do
        sql "select count(*) from $table" >/dev/null || fail "$table cannot be read after a kill at $1"
    done <"$work/tables"
    equal "symbols after a kill at $1" 503 "$(sql "select count(*) from symbols where 'sp500' = any(lists)")"
    at_least "symbols with bars after a kill at $1" 503 "$(sql 'select count(distinct symbol) from eod')"
    equal "twice-held bars after a kill at $1" 0 \
        "$(sql 'select count(*) from (select 1 from eod group by symbol, date having count(*) > 1) as twice')"
    equal "failed refreshes after a kill at $1" "" "$(sql 'select dataset, error from system.refreshes where error is not null')"
}

# Each moment has a directory of its own; the server is killed there twice.
for moment in 0.3 0.8 1.5 2.5 3.5 ready; do
    data=$(mktemp -d -p "$work")
    if [[ $moment == ready ]]; then
        serve first demo --data "$data"
    else
        launch first demo --data "$data" --pg 127.0.0.1:0 --flight 127.0.0.1:0 --http 127.0.0.1:0
        sleep "$moment"
    fi
    stop KILL
    serve again demo --data "$data"
    count_all "$moment"
    stop KILL
    serve third demo --data "$data"
    equal "symbols after a second kill" 521 "$(sql 'select count(*) from symbols')"
    stop TERM
    rm -rf "$data"
done
