#!/usr/bin/env bash
# Spark's JDBC source and its JDBC catalog: schemas, types, ranges of a column, what is pushed down, what may not be written.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$TOOLS_CACHE/spark_jdbc
missing=()
command -v java >/dev/null || missing+=(default-jre-headless)
[[ -e /usr/share/java/postgresql.jar ]] || missing+=(libpostgresql-jdbc-java)
((${#missing[@]} == 0)) || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null 2>&1 || {
    echo "skipped: ${missing[*]} cannot be installed"
    exit 77
}
if ! cmp -s "$here/requirements.txt" "$place/installed.txt"; then
    rm -rf "$place"
    mkdir -p "$place"
    if ! { python3 -m venv "$place/venv" && "$place/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"; } >"$place/log" 2>&1; then
        tail -5 "$place/log" >&2
        echo "what spark_jdbc/requirements.txt names cannot be installed" >&2
        exit 77
    fi
    cp "$here/requirements.txt" "$place/installed.txt"
fi
# Spark logs to the error output: it is shown where the test fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
SPARK_LOCAL_IP=127.0.0.1 timeout 300 "$place/venv/bin/python" "$here/client.py" 2>"$log" || {
    tail -5 "$log" >&2
    exit 1
}
