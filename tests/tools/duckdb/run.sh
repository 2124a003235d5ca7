#!/usr/bin/env bash
# DuckDB and its extension for PostgreSQL: ATTACH, tables, scans, postgres_query, transactions, what it may not write.
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
exec "$python" "$here/client.py"
