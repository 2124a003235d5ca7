#!/usr/bin/env bash
# pgx: a pool, every way to send a statement, COPY both ways, batches and pipelines, types of pgtype, cancel by context.
source "$TT_ROOT/tests/tools/lib/tool.sh"

go_client
exec timeout 120 ./client "$TT_ROOT/tests/clients/types.sql"
