#!/usr/bin/env bash
# pandas over psycopg 2 and 3, and polars by ADBC: typed frames, chunks, a write that is refused.
source "$TT_ROOT/tests/tools/lib/tool.sh"

python_packages
exec "$python" "$here/client.py"
