#!/usr/bin/env bash
# Errors carry PostgreSQL's SQLSTATE and name what is wrong; statements that would touch the server's files are refused.
source "$(dirname "$0")/../lib.sh"

# wrong SQLSTATE PART STATEMENT...
wrong() {
    local said
    said=$(sqlstate "${@:3}")
    [[ "$said" == "$1: "*"$2"* ]] || fail "$3: wanted $1 with \"$2\", got \"$said\""
}

wrong 42601 '"selec"' 'selec 1'
wrong 42601 'end of input' 'select 1 +'
wrong 42P01 '"nosuch"' 'select * from nosuch'
wrong 42703 '"nosuch"' 'select nosuch from eod'
wrong 42883 'nosuch' 'select nosuch(1)'
wrong 22P02 '"abc"' "select 'abc'::int"
wrong 22012 'zero' 'select 1 / 0'
wrong 57014 'statement timeout' "set statement_timeout = '300ms'" 'select * from live.quotes'
wrong 42501 'COPY' "copy (select 1) to '$work/stolen.csv'"
wrong 42501 'COPY' "copy (select 1) to program 'cat'"
wrong 42501 'EXTERNAL' "create external table stolen stored as csv location '/etc/passwd'"
wrong 25006 'INSERT' 'insert into eod (symbol) values (1)'
wrong 25006 'DROP' 'drop table eod'
[[ ! -e "$work/stolen.csv" ]] || fail "COPY wrote a file of the server"

echo 'select * from nosuch; \echo :SQLSTATE' >"$work/script.sql"
contains ':SQLSTATE' "$(psql -XAtq -f "$work/script.sql" 2>&1)" "42P01"
contains "the place of an error" "$(psql -XAtq -c 'select * from nosuch' 2>&1)" "LINE 1: select * from nosuch" "              ^"
equal "a connection after errors" 1 "$(psql -XAtq -c 'selec' -c 'select 1' 2>/dev/null)"
