#!/usr/bin/env bash
# Backups beside a running collector, killed at any moment, and restores killed at any moment: what is listed comes back
# whole, and what is restored in part is no lake.
source "$(dirname "$0")/../lib.sh"

target=$work/backups data=$work/data
tt() { "$TT" "$@" 2>"$work/tt.err" || fail "tt $1 $2: $(grep '^tt: ' "$work/tt.err")"; }
listed() { tt lake restore "$target" --list --format csv | tail -n +2 | cut -d, -f1; }
# killed SECONDS ARGUMENT...: runs `tt` and kills it after a while.
killed() {
    local after=$1
    shift
    "$TT" "$@" >/dev/null 2>&1 &
    local one=$!
    sleep "$after"
    kill -KILL "$one" 2>/dev/null || true
    wait "$one" 2>/dev/null || true
}
# whole DIR: what was restored is a lake, with its rows and its live events.
whole() {
    serve restored serve --read-only --data "$1"
    equal "bars in $1" "$bars" "$(sql 'select count(*) from eod')"
    equal "symbols in $1" 521 "$(sql 'select count(*) from symbols')"
    stop TERM
}

serve collector demo --data "$data"
collector=$pid
# How many sessions there are depends on the day.
bars=$(sql 'select count(*) from eod')
contains "a first backup" "$(tt lake backup "$target" --data "$data")" "tables as of"
equal "backups after the first" 1 "$(listed | wc -l)"
before=$(listed)
for after in 0.1 0.2 0.3 0.4 0.6 0.8; do
    killed "$after" lake backup "$target" --data "$data"
    contains "backups after a kill at $after s" "$(listed)" "$before"
done
# What is listed comes back, whenever the others were killed.
for backup in $(listed); do
    tt lake restore "$target" --backup "$backup" --data "$work/each" >/dev/null
    whole "$work/each"
    rm -r "$work/each"
done
# Nothing that stands in the target is copied again.
tt lake backup "$target" --data "$data" >/dev/null
kill -TERM "$collector"
wait "$collector" || true
contains "a backup after the last event" "$(tt lake backup "$target" --data "$data")" "files of"
contains "a backup of the same again" "$(tt lake backup "$target" --keep 2 --data "$data")" "; 0 files of 0 B were copied" "removed"
equal "backups that are kept" 2 "$(listed | wc -l)"

refused 1 lake restore "$target" --data "$data"
contains "a restore over a lake" "$said" "it holds a lake already"
for after in 0.1 0.15 0.2 0.25 0.3 0.4 0.5; do
    killed "$after" lake restore "$target" --data "$work/half"
    if "$TT" query --data "$work/half" 'select 1' >/dev/null 2>"$work/half.err"; then
        # Not begun, or ended.
        [[ -e $work/half/lake ]] || continue
    else
        grep -qE 'has not ended|there is no lake' "$work/half.err" || fail "after a kill at $after s: $(cat "$work/half.err")"
        tt lake restore "$target" --data "$work/half" >/dev/null
    fi
    whole "$work/half"
    rm -r "$work/half"
done

# The events that the last collector left are there, and the next one goes on behind them.
rm -rf "$work/half"
tt lake restore "$target" --data "$work/half" >/dev/null
serve reader serve --read-only --data "$data"
events=$(sql 'select max(sequence) from trades_history')
stop TERM
serve next demo --data "$work/half"
more() { (($(sql 'select max(sequence) from trades_history') > events)); }
within 10 "events after a restore" more
equal "events missing after a restore" 0 "$(sql 'select max(sequence) - count(*) from trades_history')"
stop TERM
