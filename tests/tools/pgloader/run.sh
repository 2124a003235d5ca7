#!/usr/bin/env bash
# pgloader from the server into a PostgreSQL of our own: tables with their types and keys, all rows; a table that is not there.
source "$TT_ROOT/tests/clients/lib.sh"
source "$TT_ROOT/tests/tools/lib/tool.sh"
source "$lib/private.sh"
command -v pgloader >/dev/null || debian_packages pgloader
start_own
own -c 'CREATE DATABASE target'
own_database=target

cat >"$work/tables.load" <<LOAD
LOAD DATABASE FROM postgresql://$PGUSER@$PGHOST:$PGPORT/$PGDATABASE INTO postgresql://owner@127.0.0.1:$own_port/target
WITH include drop, create tables, create indexes, reset no sequences
INCLUDING ONLY TABLE NAMES MATCHING 'symbols', 'dividends', 'calendar' IN SCHEMA 'public';
LOAD
cd "$work"
timeout 100 pgloader --on-error-stop tables.load >pgloader.log 2>&1 || fail "pgloader: $(tail -5 pgloader.log)"
lacks "what pgloader says" "$(<pgloader.log)" ERROR FATAL

for table in symbols dividends calendar; do
    columns="SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'public.$table'::regclass AND attnum > 0"
    equal "columns of $table" "$(sql "$columns")" "$(own -c "$columns")"
    keys="SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'public.$table'::regclass AND contype = 'p'"
    equal "the key of $table" "$(sql "$keys")" "$(own -c "$keys")"
    # The moment of the last fetch may have changed since.
    rows=$(sql "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'public.$table'::regclass AND attnum > 0 AND attname <> 'fetched_at'")
    equal "rows of $table" "$(sql "SELECT $rows FROM $table" | LC_ALL=C sort | sha256sum)" "$(own -c "SELECT $rows FROM $table" | LC_ALL=C sort | sha256sum)"
done
equal "a row with an array" "SPY|{etf}|t" "$(own -c "SELECT symbol, lists, active FROM symbols WHERE symbol = 'SPY'")"

sed -i "s/'symbols', 'dividends', 'calendar'/'nosuch'/" tables.load
timeout 100 pgloader tables.load >nosuch.log 2>&1 || true
equal "tables after one that is not there" 3 "$(own -c "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")"
