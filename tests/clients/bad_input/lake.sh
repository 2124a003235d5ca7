#!/usr/bin/env bash
# A damaged file of the lake takes its own table away and nothing else; the message names the file.
source "$(dirname "$0")/../lib.sh"

whole=$work/whole data=$work/lake
serve collector demo --data "$whole"
# How many sessions there are depends on the day.
rows=$(sql 'select count(*) from eod')
stop TERM
damage() { rm -rf "$data" && cp -r "$whole" "$data"; }
eod() { sql 'select count(*) from eod'; }
state() { sql "select state from system.freshness where dataset = '$1'"; }
last_error() { sql "select last_error from system.freshness where dataset = '$1'"; }

# A data file that is no Parquet file, that is cut short, that is gone.
for how in junk cut gone; do
    damage
    file=$(echo "$data"/lake/symbols/*.parquet)
    case $how in
        junk) head -c 5000 "$TT" >"$file" ;;
        cut) truncate -s 2000 "$file" ;;
        gone) rm "$file" ;;
    esac
    serve "$how" serve --read-only --data "$data"
    said=$(sqlstate 'select max(description) from symbols')
    one_line "a $how file" "$said"
    contains "a $how file" "$said" "XX001: " "${file##*/}"
    at_least "bars beside a $how file" "$rows" "$(eod)"
    stop TERM
done

# A log that cannot be read.
damage
for log in "$data"/lake/symbols/_delta_log/*.json; do echo '{junk' >"$log"; done
serve log serve --read-only --data "$data"
said=$(sqlstate 'select count(*) from symbols')
one_line "a broken log" "$said"
contains "a broken log" "$said" "58030: lake table symbols: cannot read its log"
at_least "bars beside a broken log" "$rows" "$(eod)"
equal "state of a table with a broken log" failed "$(state symbols)"
contains "its last error" "$(last_error symbols)" "lake table symbols: cannot read its log"
equal "other tables" "" "$(sql "select dataset from system.freshness where state = 'failed' and dataset <> 'symbols'")"
(($(wc -l <"$work/log.err") < 5)) || fail "a broken log is told again and again: $(head -20 "$work/log.err")"
contains "tt status" "$("$TT" status --data "$data")" "cannot read its log"
stop TERM
serve collecting demo --data "$data"
equal "state of a broken log under a collector" failed "$(state symbols)"
at_least "bars under a collector" "$rows" "$(eod)"
stop TERM

# What is remembered beside the rows cannot be read: the rows are served, and a collector mends it.
damage
echo '{"loaded_at' >"$data/state/symbols.json"
serve state serve --read-only --data "$data"
equal "rows whose state is broken" 521 "$(sql 'select count(*) from symbols')"
contains "their last error" "$(last_error symbols)" "$data/state/symbols.json"
stop TERM
serve mended demo --data "$data"
equal "rows after it" 521 "$(sql 'select count(*) from symbols')"
mended() { [[ $(state symbols) == fresh && -z $(last_error symbols) ]]; }
within 10 "the state is mended" mended
stop TERM
