#!/usr/bin/env bash
# lib/pq through database/sql: statements, types, arrays, COPY, transactions, errors, cancel by context.
source "$TT_ROOT/tests/tools/lib/tool.sh"

go_client
exec timeout 120 ./client
