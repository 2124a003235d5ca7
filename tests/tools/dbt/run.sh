#!/usr/bin/env bash
# dbt with its PostgreSQL adapter: debug, show, sources and their freshness, list, the catalog; a run, which is refused.
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
exec "$python" "$here/client.py"
