#!/usr/bin/env bash
# sqlacodegen: the models it writes of the tables, and queries by them.
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
exec "$python" "$here/client.py"
