#!/usr/bin/env bash
# Endless results arrive row by row and end when the client does; cursors and COPY carry the same rows.
source "$(dirname "$0")/../lib.sh"

# Each stream has a user of its own, for psql words the fetches of its cursor itself.
running() { sql "select count(*) from system.queries where \"user\" = '$1'"; }
is_running() { (($(running "$1") > 0)); }
is_over() { (($(running "$1") == 0)); }
has_lines() { (($(wc -l <"$1") >= $2)); }

# One row at a time; a killed client leaves nothing running.
psql -XAtq -U killed -v FETCH_COUNT=1 -c 'select symbol, bid from live.quotes' >"$work/rows" 2>/dev/null &
client=$!
within 5 "rows of live.quotes" has_lines "$work/rows" 20
is_running killed || fail "system.queries does not list the stream"
kill -KILL "$client"
wait "$client" 2>/dev/null || true
within 2 "the end of a killed client's query" is_over killed

# The same without a cursor: rows arrive while the statement runs.
(trap - INT; exec psql -XAtq -U cancelled -c 'select symbol, bid from live.quotes' >"$work/rows" 2>"$work/said") &
client=$!
within 5 "the second stream" is_running cancelled
cancelled_at=$(now_ms)
kill -INT "$client"
wait "$client" && fail "a cancelled statement succeeds"
took=$(($(now_ms) - cancelled_at))
((took < 1000)) || fail "Ctrl-C took $took ms"
contains "Ctrl-C" "$(cat "$work/said")" "canceling statement due to user request"
within 2 "the end of a cancelled query" is_over cancelled

equal "a limit on a live table" 3 "$(sql "select symbol from live.quotes where symbol = 'SPY' limit 3" | wc -l)"

equal "COPY as CSV" $'symbol,lists\nSPY,{etf}' \
    "$(sql "copy (select symbol, lists from symbols where symbol = 'SPY') to stdout (format csv, header)")"
rows=$(sql 'select count(*) from eod')
equal "COPY of a table" "$rows" "$(sql 'copy eod to stdout (format csv)' | wc -l)"
psql -XAtq -c "\\copy (select symbol, date, close from eod where symbol = 'AAPL') to '$work/aapl.csv' csv"
equal "\\copy to a client's file" "$(sql "select count(*) from eod where symbol = 'AAPL'")" "$(wc -l <"$work/aapl.csv")"

fetched=$(sql 'begin' 'declare c cursor for select symbol from symbols order by symbol' 'fetch 2 from c' 'fetch all from c' \
    'close c' 'commit')
equal "rows of a cursor" "$(sql 'select symbol from symbols order by symbol')" "$fetched"
equal "FETCH_COUNT" "$rows" "$(psql -XAtq -v FETCH_COUNT=10000 -c 'select symbol from eod' | wc -l)"
