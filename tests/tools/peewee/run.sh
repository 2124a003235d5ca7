#!/usr/bin/env bash
# peewee: pwiz, models, queries, windows, server-side cursors, transactions.
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
exec "$python" "$here/client.py"
