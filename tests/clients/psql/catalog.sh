#!/usr/bin/env bash
# psql's backslash commands show our tables, and nothing that only another server would have.
source "$(dirname "$0")/../lib.sh"

show() { psql -XAt -c "$1"; }
# Names in the second column, sorted.
names() { show "$1" | cut -d'|' -f2 | sort | tr '\n' ' '; }

tables="calendar dividends earnings eod expirations greeks market_metrics market_metrics_history option_chains quotes"
tables+=" returns_stddev splits symbols trades"
views=$(cd "$TT_ROOT/sql/views" && printf '%s\n' *.sql | sed 's/\.sql$//' | sort | tr '\n' ' ')

for command in '\d' '\dt' '\dt+' '\d+' '\dtv'; do
    listed=" $(names "$command")"
    for table in $tables; do contains "$command" "$listed" " $table "; done
    lacks "$command" "$listed" " pg_" " sql_"
done
equal '\dv' "$views" "$(names '\dv')"
contains '\dt+' "$(show '\dt+')" "One row per symbol and trading date: the daily bar"

equal '\dn' "live public system " "$(show '\dn' | cut -d'|' -f1 | sort | tr '\n' ' ')"
equal '\l' "$PGDATABASE" "$(show '\l' | cut -d'|' -f1)"
contains '\di' "$(show '\di')" "public|eod_pkey|index|tt|eod" "public|quotes_pkey|index|tt|quotes"
contains '\dT' "$(show '\dT')" ""
contains '\df now' "$(show '\df now')" "now|" "|func"
contains '\df array_upper' "$(show '\df array_upper')" "pg_catalog|array_upper|integer|"
contains '\da sum' "$(show '\da sum')" "sum"
contains '\du' "$(show '\du')" "$PGUSER"
contains '\dconfig search_path' "$(show '\dconfig search_path')" "search_path|\"\$user\", public"
contains '\dp eod' "$(show '\dp eod')" "public|eod|table"
contains '\sv movers' "$(show '\sv movers')" "CREATE OR REPLACE VIEW public.movers AS" "session AS ("
contains '\d pg_class' "$(show '\d pg_class')" "relname|name|" "relkind|\"char\"|"
contains '\d information_schema.tables' "$(psql -XA -c '\d information_schema.tables')" 'View "information_schema.tables"' "table_name|name|"

described=$(show '\d eod')
contains '\d eod' "$described" "symbol|text||not null|" "date|date||not null|" "close|double precision|||" \
    "volume|bigint|||" "fetched_at|timestamp with time zone||not null|"
equal 'columns of \d eod' 10 "$(grep -c '|' <<<"$described")"
contains 'the key in \d eod' "$(psql -XA -c '\d eod')" 'Indexes:' '"eod_pkey" PRIMARY KEY, btree (symbol, date)'
contains '\d eod_pkey' "$(psql -XA -c '\d eod_pkey')" 'Index "public.eod_pkey"' 'primary key, btree, for table "public.eod"'
lacks '\d of a history' "$(psql -XA -c '\d quotes_history')" "Indexes:"
contains '\d symbols' "$(show '\d symbols')" "lists|text[]|" "active|boolean|"
contains '\d+ movers' "$(psql -XA -c '\d+ movers')" "View definition:" "session AS (" "change_ratio|double precision" "rank|bigint"
contains '\d live.quotes' "$(show '\d live.quotes')" "bid|double precision" "missed|bigint"
contains '\dt system.*' "$(names '\dt system.*')" "freshness " "queries " "refreshes " "settings "
contains '\conninfo' "$(show '\conninfo')" "database \"$PGDATABASE\" as user \"$PGUSER\""

# The key is the truth: no two rows are alike in it.
for keyed in "eod symbol,date" "symbols symbol" "option_chains underlying,expiration,strike,side,symbol" "calendar date"; do
    read -r table key <<<"$keyed"
    equal "rows of $table that share a key" 0 "$(sql "select count(*) from (select 1 from $table group by $key having count(*) > 1) twice")"
    equal "columns of the key of $table" "$key" "$(sql "
        select string_agg(column_name, ',' order by ordinal_position) from information_schema.key_column_usage
        where table_name = '$table' and table_schema = 'public'")"
done

# Every form that `\?` lists, with each of its letters, with and without a pattern: an answer, and no error.
forms=()
# form NAME SUFFIX...: the form alone and with each suffix.
form() {
    local suffix
    for suffix in '' "${@:2}"; do forms+=("$1$suffix"); done
}
for name in '\d' '\da' '\dc' '\dD' '\dE' '\df' '\dg' '\di' '\dL' '\dm' '\dn' '\do' '\dO' '\ds' '\dt' '\dT' '\du' '\dv' '\dtvmsE'; do
    form "$name" S + S+
done
for name in '\dA' '\dAc' '\dAf' '\dAo' '\dAp' '\db' '\dconfig' '\dC' '\des' '\det' '\deu' '\dew' '\dF' '\dFd' '\dFp' '\dFt' '\dl' \
    '\dRp' '\dRs' '\dx' '\dy' '\l' '\lo_list'; do
    form "$name" +
done
for letter in a n p t w; do form "\df$letter" S + S+; done
form '\dP' + i i+ t t+ n n+ itn itn+
form '\dd' S
form '\dp'
form '\z'
form '\ddp'
form '\drds'
form '\dX'
for pattern in '' ' eod' ' e*' ' public.e*' ' a* s*' ' "Eod"' " $PGDATABASE.public.eod"; do
    for name in "${forms[@]}"; do echo "$name$pattern"; done >"$work/forms"
    # psql itself refuses some patterns with points, and says when there is nothing: those are no errors of the server.
    psql -XAt -f "$work/forms" >/dev/null 2>"$work/said" || true
    lacks "forms$pattern" "$(cat "$work/said")" "invalid command"
    if failed=$(grep -m1 'ERROR' "$work/said"); then
        line=$(cut -d: -f3 <<<"$failed")
        fail "$(sed -n "${line}p" "$work/forms"): $failed"
    fi
done
at_least 'forms' 155 "${#forms[@]}"
for name in eod movers live.quotes system.queries eod_pkey pg_catalog.pg_type; do
    for form in '\d' '\d+' '\dp' '\dd'; do
        psql -XAt -v ON_ERROR_STOP=1 -c "$form $name" >"$work/shown" 2>&1 || fail "$form $name: $(head -3 "$work/shown")"
    done
done
