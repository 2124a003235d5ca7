#!/usr/bin/env bash
# A full disk and a read-only one: what only reads goes on, what is collected waits and is told, and goes on by itself
# once there is room. Mounts a small disk of memory, which takes root's rights.
source "$(dirname "$0")/../lib.sh"

disk=$(mktemp -d)
leave() {
    finish
    umount "$disk" 2>/dev/null || umount -l "$disk" 2>/dev/null || true
    rmdir "$disk"
}
trap leave EXIT
if ! mount -t tmpfs -o size=96m tmpfs "$disk" 2>/dev/null; then
    echo "no disk can be mounted here"
    exit 77
fi

data=$disk/data
fill() { cat /dev/zero 2>/dev/null >>"$disk/fill" || true; }
# What a command changed would be among these.
names() { find "$data" -printf '%p %s\n' | sort; }
# ready_answer: what the server launched last says of itself over HTTP.
ready_answer() {
    local web
    web=$(address http)
    exec 3<>"/dev/tcp/${web%:*}/${web##*:}"
    printf 'GET /readyz HTTP/1.0\r\nHost: tt\r\n\r\n' >&3
    cat <&3
    exec 3>&-
}
is_ready() { [[ $(ready_answer) == *" 200 "* ]]; }
is_unready() { [[ $(ready_answer) == *" 503 "* ]]; }

# What only reads, on the disk as it is now.
read_all() {
    local before command
    before=$(names)
    contains "tt status on a $1 disk" "$("$TT" status --data "$data")" eod quotes_history
    equal "tt query on a $1 disk" "[{\"count\":$bars}]" \
        "$("$TT" query --data "$data" --format json 'select count(*) from eod' | tr -d ' \n')"
    contains "tt lake history on a $1 disk" "$("$TT" lake history eod --data "$data")" "$bars"
    at_least "tt lake export-csv on a $1 disk" 521 "$("$TT" lake export-csv symbols - --data "$data" | wc -l)"
    serve reader serve --read-only --data "$data"
    equal "tt serve --read-only on a $1 disk" "$bars" "$(sql 'select count(*) from eod')"
    is_ready || fail "a reader on a $1 disk is not ready: $(ready_answer)"
    stop TERM
    equal "files after reading a $1 disk" "$before" "$(names)"
}

# Without a data directory none is made.
refused 1 status --data "$disk/none"
contains "a status of nothing" "$said" "there is no lake there"
[[ ! -e $disk/none ]] || fail "tt status made a directory"

serve first demo --data "$data"
# How many sessions there are depends on the day.
bars=$(sql 'select count(*) from eod')
stop TERM
# A file that was never committed, which vacuum removes.
head -c 2000000 /dev/zero >"$data/lake/eod/part-00000000-0000-0000-0000-000000000000.parquet"
touch -d '3 hours ago' "$data"/lake/eod/part-0000*
fill
read_all full

# Statements that need to spill end; the server goes on.
TMPDIR=$disk TT__LIMITS__QUERY_MEMORY=32MB serve spilling serve --read-only --data "$data"
# Ten times the rows: half of the bars alone would fit into memory, in some runs and not in others.
said=$(sqlstate 'select max(n) from (select *, row_number() over (order by close, volume, open) as n
    from eod, generate_series(1, 10)) as t')
contains "a sort that cannot spill" "$said" "53100: " "cannot spill"
equal "a count after it" "$bars" "$(sql 'select count(*) from eod')"
stop TERM

# A collector starts, serves, says what is wrong once for each cause, and mends itself.
serve collecting demo --data "$data"
equal "a collector on a full disk" "$bars" "$(sql 'select count(*) from eod')"
within 10 "a collector is told unready" is_unready
contains "why" "$(ready_answer)" "No space left on device" "cannot be written"
# The spools of the last run make a little room when they are opened.
failed() {
    fill
    [[ $(sql "select count(*) from system.freshness where dataset like '%s_history' and state = 'failed'") -ge 3 ]]
}
within 10 "histories have failed" failed
contains "their last error" "$(sql "select last_error from system.freshness where dataset = 'quotes_history'")" "No space left"
sleep 4
told=$(grep -c ERROR "$work/collecting.err" || true)
((told > 0 && told <= 8)) || fail "a full disk is told $told times: $(grep ERROR "$work/collecting.err" | head -20)"
# Vacuum needs no room, and makes some.
contains "vacuum on a full disk" "$("$TT" lake vacuum eod --data "$data")" "eod: 1 files of"
rm "$disk/fill"
within 90 "a collector is ready again" is_ready
stop TERM
serve again serve --read-only --data "$data"
for history in quotes_history trades_history time_and_sales_history; do
    equal "events missing in $history" 0 "$(sql "select max(sequence) - count(*) from $history")"
done
stop TERM

# Read-only: the same for what reads; what would write is told in a line.
mount -o remount,ro "$disk"
read_all read-only
refused 1 import metastock "$TT_ROOT/tests/data/metastock" --data "$data"
one_line "an import on a read-only disk" "$said"
contains "an import on a read-only disk" "$said" "cannot be written: Read-only file system"
serve unwritable demo --data "$data"
equal "a collector on a read-only disk" "$bars" "$(sql 'select count(*) from eod')"
within 10 "a collector on a read-only disk is unready" is_unready
contains "why" "$(ready_answer)" "Read-only file system"
mount -o remount,rw "$disk"
within 90 "a collector is ready once it can write" is_ready
stop TERM
