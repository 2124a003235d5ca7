#!/usr/bin/env bash
# The first questions of a new user, asked with psql.
source "$(dirname "$0")/../lib.sh"

contains "version()" "$(sql 'select version()')" "PostgreSQL 16"
equal "members of the S&P 500" 503 "$(sql "select count(*) from symbols where 'sp500' = any(lists)")"
at_least "symbols with daily bars" 503 "$(sql 'select count(distinct symbol) from eod')"
equal "bars whose high is below their low" 0 "$(sql 'select count(*) from eod where high < low')"

equal "ten movers" 10 "$(sql 'select symbol, close, change_ratio from movers order by rank limit 10' | wc -l)"
equal "sessions of Christmas week" "2026-12-24 early, 2026-12-28" "$(sql "
    select string_agg(date::text || case when early_close then ' early' else '' end, ', ' order by date)
    from calendar where date between '2026-12-24' and '2026-12-28' and session <> 'holiday'")"

bids() { sql "select symbol, bid from quotes order by symbol"; }
first_at=$(sql 'select max(received_at) from quotes')
first_bids=$(bids)
sleep 1
[[ "$first_at" != "$(sql 'select max(received_at) from quotes')" ]] || fail "received_at does not move"
[[ "$first_bids" != "$(bids)" ]] || fail "no bid moves within a second"
equal "quotes whose ask is below their bid" 0 "$(sql 'select count(*) from quotes where ask < bid')"

refreshed() {
    [[ -z $(sql "select dataset from system.freshness where ttl is not null and (state <> 'fresh' or age is null)") ]]
}
within 20 "every dataset with a TTL is fresh" refreshed
