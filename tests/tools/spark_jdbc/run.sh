#!/usr/bin/env bash
# Spark's JDBC source and its JDBC catalog: schemas, types, ranges of a column, what is pushed down, what may not be written.
source "$TT_ROOT/tests/tools/lib/tool.sh"

missing=()
command -v java >/dev/null || missing+=(default-jre-headless)
[[ -e /usr/share/java/postgresql.jar ]] || missing+=(libpostgresql-jdbc-java)
((${#missing[@]} == 0)) || debian_packages "${missing[@]}"
python_packages
# Spark logs to the error output: it is shown where the test fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
SPARK_LOCAL_IP=127.0.0.1 timeout 300 "$python" "$here/client.py" 2>"$log" || {
    tail -5 "$log" >&2
    exit 1
}
