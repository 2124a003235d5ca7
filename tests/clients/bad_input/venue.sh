#!/usr/bin/env bash
# A venue that misbehaves: what fails is reported and keeps its old rows, what works is collected, the exit code is 1.
source "$(dirname "$0")/../lib.sh"

data=$work/lake
export TT__SOURCE__TASTYTRADE__CLIENT_SECRET=sim-secret TT__SOURCE__TASTYTRADE__REFRESH_TOKEN=sim-refresh
export TT__SOURCE__TASTYTRADE__REQUESTS_PER_SECOND=0 TT__SOURCE__TASTYTRADE__TIMEOUT=5s

# venue FAULTS: a simulator that shows them, as the source of what follows.
venue() {
    printf '%b' "$1" >"$work/faults.toml"
    launch venue simulate --faults "$work/faults.toml"
    await_ready venue
    TT__SOURCE__TASTYTRADE__BASE_URL=http://$(address rest)
    export TT__SOURCE__TASTYTRADE__BASE_URL
}
# fault TARGET KIND [MORE]
fault() { printf '[[fault]]\ntarget = "%s"\nkind = "%s"\n%b\n' "$1" "$2" "${3:-}"; }
query() { "$TT" query --data "$data" --format csv "$1" 2>/dev/null | tail -1; }

venue ""
"$TT" collect --data "$data" >"$work/out" 2>&1 || fail "a good venue cannot be collected from: $(tail -3 "$work/out")"
equal "symbols" 521 "$(query 'select count(*) from symbols')"
metrics=$(query 'select count(*), sum(market_cap) from market_metrics')
stop TERM

for kind in status html truncated unauthorised bad-gateway drop; do
    venue "$(fault /market-metrics "$kind" "$([[ $kind != status ]] || echo 'status = 500')")"
    refused 1 collect --data "$data" market_metrics
    contains "market_metrics with $kind" "$said" "tt: market_metrics: "
    equal "rows after $kind" "$metrics" "$(query 'select count(*), sum(market_cap) from market_metrics')"
    stop TERM
done

# Some symbols fail: they are named and keep their rows, the others are new.
venue "$(fault /market-metrics/historic-corporate-events/dividends status 'symbol = "AAPL"\nstatus = 500')"
dividends=$(query "select count(*) from dividends where symbol = 'AAPL'")
refused 1 collect --data "$data" dividends
contains "one symbol that fails" "$said" "dividends: 1 items failed" "dividends: AAPL: "
equal "its old rows" "$dividends" "$(query "select count(*) from dividends where symbol = 'AAPL'")"
contains "the run" "$(query "select failed_items from system.refreshes where dataset = 'dividends' order by started_at desc limit 1")" AAPL
stop TERM

# One of 503 fails always: the other 502 are new, its old row stays, and a query that asks for it is told so.
venue "$(fault /market-metrics status 'symbol = "MSFT"\nstatus = 503')"
ages="select count(*), count(distinct fetched_at), min(fetched_at) = max(fetched_at) from market_metrics where symbol"
all=$(query "select count(*) from market_metrics")
refused 1 collect --data "$data" market_metrics
contains "one symbol of many" "$said" "market_metrics: 1 items failed" "market_metrics: MSFT: " "503"
equal "symbols after it" "$all" "$(query 'select count(*) from market_metrics')"
equal "the others" "$((all - 1)),1,true" "$(query "$ages <> 'MSFT'")"
equal "older rows" 1 "$(query "select count(*) from market_metrics where fetched_at < (select max(fetched_at) from market_metrics)")"
equal "who failed" "{MSFT}" "$(query "select failed_items from system.freshness where dataset = 'market_metrics'" | tr -d '[]"' | sed 's/^{*/{/; s/}*$/}/')"
stop TERM

# The feed: a frame that is no message is left out, and told of; a connection that breaks fails the run.
bars=$(query 'select count(*), sum(volume) from eod')
venue "$(fault Candle garbage)"
"$TT" collect --data "$data" eod >"$work/out" 2>&1 || fail "one frame of garbage fails the run: $(tail -3 "$work/out")"
contains "a frame of garbage" "$(cat "$work/out")" "unreadable message"
equal "bars after garbage" "$bars" "$(query 'select count(*), sum(volume) from eod')"
stop TERM
venue "$(fault Candle drop)"
refused 1 collect --data "$data" eod
contains "a feed that breaks" "$said" "tt: eod: 127.0.0.1:" "connection lost"
equal "bars after it" "$bars" "$(query 'select count(*), sum(volume) from eod')"
stop TERM

# Credentials that the venue refuses are told at once, and never shown.
venue ""
TT__SOURCE__TASTYTRADE__CLIENT_SECRET=hush-hush refused 1 collect --data "$data" symbols
contains "a wrong secret" "$said" "symbols: " "invalid_client"
lacks "a wrong secret" "$(cat "$work/refused.err")" "hush-hush"
stop TERM
refused 1 collect --data "$data" symbols
contains "a venue that is gone" "$said" "symbols: " "127.0.0.1"
contains "tt status" "$("$TT" status --data "$data")" "market_metrics"
equal "symbols at the end" 521 "$(query 'select count(*) from symbols')"
