#!/usr/bin/env bash
# Django: inspectdb, unmanaged models, the query builder, server-side cursors, explain, check, what a migration is told.
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
exec "$python" "$here/client.py"
