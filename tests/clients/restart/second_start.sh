#!/usr/bin/env bash
# A second start on the same directory is quick, keeps the ages, and refreshes nothing that is still fresh.
source "$(dirname "$0")/../lib.sh"

data=$(mktemp -d -p "$work")
serve first demo --data "$data"
refreshed() { [[ -z $(sql "select dataset from system.freshness where ttl is not null and state <> 'fresh'") ]]; }
within 20 "every dataset is fresh" refreshed
# The histories of live events grow on by themselves.
collected="dataset not in ('quotes_history', 'time_and_sales_history', 'trades_history')"
runs() { sql "select dataset, cause, started_at, version from system.refreshes where $collected order by 1, 3"; }
loaded() { sql "select dataset, loaded_at, version from system.freshness where $collected order by 1"; }
runs_before=$(runs)
loaded_before=$(loaded)
stop TERM

started_at=$(now_ms)
serve second demo --data "$data"
took=$(($(now_ms) - started_at))
((took <= 2000)) || fail "the second start took $took ms"
equal "every dataset after a restart" "$loaded_before" "$(loaded)"
sleep 2
equal "refreshes after a restart" "$runs_before" "$(runs)"
within 10 "live quotes after a restart" test "$(sql 'select count(*) > 500 from quotes')" = t
stop TERM

# Without a source the same rows are served as they are.
serve reader serve --read-only --data "$data"
equal "what a reader serves" "$loaded_before" "$(loaded)"
equal "what a reader refreshes" "$runs_before" "$(runs)"
