#!/usr/bin/env bash
# Sequelize: models, sync, descriptions of tables, transactions, errors.
source "$TT_ROOT/tests/tools/lib/tool.sh"

node_packages
exec timeout 120 node client.mjs
