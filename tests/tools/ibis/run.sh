#!/usr/bin/env bash
# ibis with its PostgreSQL backend: schemas, table expressions, memtables, windows, nested rows, batches, temporary tables and views.
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
exec "$python" "$here/client.py"
