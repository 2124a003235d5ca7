#!/usr/bin/env bash
# kysely: its introspection, kysely-codegen, statements, streams, transactions.
source "$TT_ROOT/tests/tools/lib/tool.sh"

node_packages
exec timeout 120 node client.mjs
