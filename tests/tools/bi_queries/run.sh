#!/usr/bin/env bash
# More statements of DataGrip, DBeaver, Grafana, Metabase, Power BI and Tableau than those they send when they start.
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
exec "$python" "$here/main.py"
