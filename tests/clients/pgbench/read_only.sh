#!/usr/bin/env bash
# pgbench with a read-only script, in each of its protocols, several clients at once.
source "$(dirname "$0")/../lib.sh"

cat >"$work/script.sql" <<'SQL'
\set days random(1, 250)
select symbol, bid, ask from quotes where symbol = 'SPY';
select count(*), max(close) from eod where symbol = 'AAPL' and date > current_date - :days::int;
begin;
select close from eod where symbol = 'SPY' order by date desc limit 1;
commit;
SQL
for protocol in simple extended prepared; do
    # pgbench belongs to the server's package, which keeps it off the path.
    pgbench=$(command -v pgbench || ls /usr/lib/postgresql/*/bin/pgbench | tail -1)
    said=$("$pgbench" -n -M "$protocol" -f "$work/script.sql" -c 4 -j 2 -t 25 2>&1) || fail "pgbench -M $protocol: $said"
    contains "pgbench -M $protocol" "$said" "transactions actually processed: 100/100" "failed transactions: 0 "
done
