#!/usr/bin/env bash
# TypeORM: entities over the tables, QueryBuilder, synchronisation refused, streams, transactions.
source "$TT_ROOT/tests/tools/lib/tool.sh"

node_packages
exec timeout 120 node client.mjs
