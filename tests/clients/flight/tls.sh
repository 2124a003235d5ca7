#!/usr/bin/env bash
# Flight SQL over TLS with users: ADBC is let in by the right password over the right certificate, and by nothing less.
#
#   tests/clients/flight/tls.sh PYTHON
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

python=$1
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$work/tt.key" -out "$work/tt.crt" 2>/dev/null
chmod 600 "$work/tt.key"
printf 'pencil\n' | "$TT" user add ada --users "$work/users.toml" --role reader >/dev/null ||
    fail "tt user add does not add a user"
cat >"$work/tt.toml" <<TOML
[auth]
users = "$work/users.toml"
[tls]
certificate = "$work/tt.crt"
key = "$work/tt.key"
TOML
mkdir "$work/data"
serve secured serve --read-only --config "$work/tt.toml" --data "$work/data"

"$python" - "$(address flight)" "$work/tt.crt" <<'PYTHON' || fail "ADBC over TLS"
import sys

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
from adbc_driver_flightsql import DatabaseOptions

port, certificate = sys.argv[1].rsplit(":", 1)[1], open(sys.argv[2]).read()
roots = {DatabaseOptions.TLS_ROOT_CERTS.value: certificate}


def who(uri: str, **options: str) -> str:
    with flightsql.connect(uri, db_kwargs=options, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


def refused(uri: str, code: str, **options: str) -> None:
    try:
        who(uri, **options)
    except adbc_driver_manager.Error as error:
        assert error.status_code.name == code, error
    else:
        raise AssertionError(f"{uri} {sorted(options)} is let in")


secured = f"grpc+tls://localhost:{port}"
assert who(secured, username="ada", password="pencil", **roots) == "ada"
refused(secured, "UNAUTHENTICATED", username="ada", password="crayon", **roots)
refused(secured, "UNAUTHENTICATED", **roots)
refused(secured, "IO", username="ada", password="pencil")
refused(f"grpc://127.0.0.1:{port}", "IO", username="ada", password="pencil")
PYTHON
