#!/usr/bin/env bash
# postgres.js: tagged templates, types, cursors, describe, COPY, transactions with savepoints, errors, cancel.
source "$TT_ROOT/tests/tools/lib/tool.sh"

node_packages
exec timeout 120 node client.mjs "$TT_ROOT/tests/clients/types.sql"
