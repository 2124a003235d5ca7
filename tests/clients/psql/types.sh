#!/usr/bin/env bash
# The text form of every column type, in the session's zone, as psql shows it; and COPY of the same rows.
source "$(dirname "$0")/../lib.sh"

statement=$(cat "$(dirname "$0")/../types.sql")
wanted="t|-32768|-2147483648|9223372036854775807|1.5|0.1|NaN|-Infinity|12345.6789"
wanted+="|-12345678901234567890123456789012345678901234567890.1234567890|é \"x\" 'y'||\\x00ff10|2024-02-29|13:14:15.123456"
wanted+="|2023-12-31 23:59:59.999999|2024-02-29 13:14:15.123456+00|1 mon 2 days 03:04:05.678"
wanted+='|{1,2,NULL}|{a,"b\"c",NULL,""}|{2024-02-29,NULL}'
nulls=$(printf '~|%.0s' {1..20})'~'
equal "values and NULLs" "$wanted"$'\n'"$nulls" "$(psql -XAtq -P null='~' -c "$statement")"

shown() { psql -XAtq -c "set time zone '$1'" -c "select timestamptz '2024-07-01 12:00:00+00', timestamptz '2024-01-01 12:00:00+00'"; }
equal "instants in New York" "2024-07-01 08:00:00-04|2024-01-01 07:00:00-05" "$(shown America/New_York)"
equal "instants in Kolkata" "2024-07-01 17:30:00+05:30|2024-01-01 17:30:00+05:30" "$(shown asia/kolkata)"
equal "the zone's own spelling" "Asia/Kolkata" "$(psql -XAtq -c "set time zone 'asia/kolkata'" -c 'show timezone')"
equal "an offset" "2024-07-01 07:00:00-05|2024-01-01 07:00:00-05" "$(shown -5)"
contains "a zone that is none" "$(psql -XAtq -c "set time zone 'Mars'" 2>&1)" 'invalid value for parameter "TimeZone": "Mars"'

record="select named_struct('a', 1, 'b', 'x') as record, map(make_array('k'), make_array(1.5)) as entries"
equal "structs are records, maps json" '(1,x)|{"k":1.5}' "$(sql "$record")"
equal "their types" $'record|record\nentries|json' "$(psql -XAtq <<<"$record \\gdesc")"

equal "COPY as text" "$(tr '~' 'N' <<<"$nulls" | sed 's/N/\\N/g; s/|/\t/g')" "$(sql "copy ($statement) to stdout" | tail -1)"
equal "COPY as CSV" "$(sed 's/~//g; s/|/,/g' <<<"$nulls")" "$(sql "copy ($statement) to stdout (format csv)" | tail -1)"
contains "COPY as CSV" "$(sql "copy ($statement) to stdout (format csv)" | head -1)" ',"é ""x"" '"'y'"'","",\x00ff10,' '"{1,2,NULL}"'
