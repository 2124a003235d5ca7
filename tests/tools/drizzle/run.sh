#!/usr/bin/env bash
# drizzle-kit pull and selects of drizzle-orm.
source "$TT_ROOT/tests/tools/lib/tool.sh"

node_packages
exec timeout 120 node client.mjs
