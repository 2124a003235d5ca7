#!/usr/bin/env bash
# Numbers fail where PostgreSQL's do, and count with PostgreSQL's types.
source "$(dirname "$0")/../lib.sh"

# wrong SQLSTATE PART STATEMENT
wrong() {
    local said
    said=$(sqlstate "$3")
    [[ "$said" == "$1: "*"$2"* ]] || fail "$3: wanted $1 with \"$2\", got \"$said\""
}

wrong 22003 'bigint out of range' 'select 9223372036854775807 + 1'
wrong 22003 'bigint out of range' 'select -9223372036854775807 - 2'
wrong 22003 'bigint out of range' 'select volume * 9000000000000000000 from eod where volume > 1 limit 1'
wrong 22003 'integer out of range' 'select 2147483647::int + 1::int'
wrong 22003 'out of range' 'select 3000000000::int'
wrong 22012 'division by zero' 'select 1 / 0'
wrong 22012 'division by zero' 'select 1 % 0'
wrong 22012 'division by zero' 'select 1.5::float8 / 0'
wrong 22012 'division by zero' 'select close / (close - close) from eod limit 1'
equal "division where it is guarded" "|" "$(sql "select 1 / nullif(0, 0), case when 0 = 1 then 1 / 0 end")"
equal "sums in range" 9223372036854775807 "$(sql 'select 9223372036854775806 + 1')"

types="select pg_typeof(row_number() over ()), pg_typeof(rank() over (order by 1)), pg_typeof(dense_rank() over (order by 1)),
    pg_typeof(ntile(2) over ()), pg_typeof(count(*) over ()), pg_typeof(percent_rank() over (order by 1))"
equal "types of window functions" "bigint|bigint|bigint|integer|bigint|double precision" "$(sql "$types")"
equal "types of array functions" "integer|integer" "$(sql 'select pg_typeof(array_length(array[1, 2], 1)), pg_typeof(cardinality(array[1, 2]))')"
