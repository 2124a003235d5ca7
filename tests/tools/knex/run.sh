#!/usr/bin/env bash
# knex: its builder, columnInfo, streams, transactions, temporary tables, errors.
source "$TT_ROOT/tests/tools/lib/tool.sh"

node_packages
exec timeout 120 node client.mjs
