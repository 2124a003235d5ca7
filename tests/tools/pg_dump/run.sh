#!/usr/bin/env bash
# pg_dump 16: schemas, tables, keys, comments and views, the rows of a table, restored into a PostgreSQL of our own; \copy both ways.
source "$TT_ROOT/tests/clients/lib.sh"
source "$TT_ROOT/tests/tools/lib/tool.sh"
source "$lib/private.sh"
# A pg_dump that is older than the server refuses; the package brings one of version 16.
PIP_NO_DEPS=1 python_packages
pg_dump=$(ls "$place"/venv/lib/python3*/site-packages/pgserver/pginstall/bin/pg_dump)
start_own
own -c "CREATE ROLE \"$PGUSER\"" -c 'CREATE DATABASE restored'
own_database=restored
cd "$work"
# dump FILE OPTION...
dump() {
    local file=$1
    shift
    timeout 300 "$pg_dump" "$@" -f "$file" 2>"$file.err" || {
        note "pg_dump $*: $(head -c 600 "$file.err")"
        return 1
    }
}

# COPY both ways, before and after: rows that leave come back the same.
query="SELECT symbol, type, description, market, lists, active, streamer_symbol FROM symbols ORDER BY symbol"
definition="(symbol text PRIMARY KEY, type text, description text, market text, lists text[], active boolean, streamer_symbol text)"
for form in text csv binary; do
    sql "\\copy ($query) TO '$work/rows.$form' (FORMAT $form)"
    own -c "CREATE TABLE symbols $definition" -c "\\copy symbols FROM '$work/rows.$form' (FORMAT $form)"
    equal "rows of \\copy as $form" "$(sql "$query" | sha256sum)" "$(own -c "$query" | sha256sum)"
    own -c "\\copy ($query) TO '$work/own.$form' (FORMAT $form)" -c 'DROP TABLE symbols'
    cmp "rows.$form" "own.$form" || note "\\copy as $form: other bytes than PostgreSQL's"
    sql "$query" >"$work/there.txt"
    sql "CREATE TEMP TABLE back $definition" "\\copy back FROM '$work/own.$form' (FORMAT $form)" "${query/FROM symbols/FROM back}" >"$work/back.txt"
    cmp -s there.txt back.txt || note "\\copy back as $form: wanted $(diff there.txt back.txt | sed -n 's/^< //p' | head -1), got $(diff there.txt back.txt | sed -n 's/^> //p' | head -1)"
done
sql "\\copy (SELECT 1, NULL, 'a,b', '') TO '$work/one.csv' WITH (FORMAT csv, HEADER, NULL 'none', FORCE_QUOTE *)"
equal "options of \\copy" $'?column?,?column?,?column?,?column?\n"1",none,"a,b",""' "$(<one.csv)"

if dump symbols.sql -t symbols; then
    own -f symbols.sql -o /dev/null || note "the dump of symbols is not restored"
    equal "restored rows of symbols" "$(sql "$query" | sha256sum)" "$(own -c "$query" | sha256sum)"
    for asked in "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'symbols'::regclass AND contype = 'p'" \
        "SELECT obj_description('symbols'::regclass), col_description('symbols'::regclass, 1)" \
        "SELECT string_agg(attname || ' ' || atttypid::regtype || attnotnull, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'symbols'::regclass AND attnum > 0"; do
        equal "$asked" "$(sql "$asked")" "$(own -c "$asked")"
    done
    own -c 'DROP TABLE symbols'
fi
if dump eod.sql -t eod --data-only; then
    equal "rows of eod" "$(sql 'SELECT count(*) FROM eod')" "$(sed -n '/^COPY /,/^\\\.$/p' eod.sql | sed '1d;$d' | wc -l)"
fi
if dump schema.sql --schema-only; then
    equal "tables and views" "$(sql "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'v') AND nspname IN ('public', 'live', 'system')")" \
        "$(grep -cE '^CREATE (TABLE|VIEW) ' schema.sql)"
    equal "what else is made" "" "$(grep -E '^CREATE ' schema.sql | grep -vE '^CREATE (TABLE|VIEW|SCHEMA) ' | head -3)"
    # Views use functions that PostgreSQL does not have: their text is cut behind its end if it has no semicolon.
    contains "a view" "$(sed -n '/^CREATE VIEW public.bars_monthly /,/;$/p' schema.sql)" "FROM public.eod" $'AS date);'
fi
exit "$failed"
