#!/usr/bin/env bash
# Prisma with its engines of WebAssembly: db pull, the client it generates, raw statements, transactions, errors.
source "$TT_ROOT/tests/tools/lib/tool.sh"

node_packages
cp "$here"/*.prisma .
# Nothing is sent home, and no engine is fetched.
export CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1 PRISMA_SKIP_POSTINSTALL_GENERATE=1
exec timeout 200 node client.mjs
