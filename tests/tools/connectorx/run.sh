#!/usr/bin/env bash
# connectorx, and polars through it: each protocol, partitions, types, errors.
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
exec "$python" "$here/client.py"
