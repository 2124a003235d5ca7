#!/usr/bin/env bash
# Behind HAProxy, which names its clients, and behind PgBouncer, which keeps sessions for them.
source "$(dirname "$0")/../lib.sh"

cd "$work"
mkdir lake
echo engine | "$TT" user add ada --role admin --users users.toml >/dev/null
TT__AUTH__USERS=$work/users.toml TT__LIMITS__TRUSTED_PROXIES='["127.0.0.0/30"]' TT__SERVER__HTTP_NAMES='["tt.example"]' \
    serve server serve --read-only --data "$work/lake"
http=$(address http) flight=$(address flight)
export PGHOST=127.0.0.1 PGUSER=ada PGPASSWORD=engine

# HAProxy names the client of each connection.
server_port=$PGPORT haproxy_port=$(free_port) flight_port=$(free_port)
cat >haproxy.cfg <<CONFIG
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen postgres
    bind 127.0.0.1:$haproxy_port
    server tt 127.0.0.1:$server_port send-proxy-v2 check
listen flight
    bind 127.0.0.1:$flight_port
    server tt $flight send-proxy-v2
CONFIG
haproxy -db -f haproxy.cfg >haproxy.log 2>&1 &
started+=("$!")
export PGPORT=$haproxy_port
within 10 "HAProxy" psql -XAtqc 'select 1' -o /dev/null
equal "a statement through HAProxy" ada "$(sql 'select current_user')"
equal "Flight SQL through HAProxy" "[(7,)]" "$("$1" - "$flight_port" <<'PYTHON'
import sys
import adbc_driver_flightsql.dbapi as flight

options = {"username": "ada", "password": "engine"}
with flight.connect(f"grpc://127.0.0.1:{sys.argv[1]}", db_kwargs=options) as connection, connection.cursor() as cursor:
    cursor.execute("SELECT 7")
    print(cursor.fetchall())
PYTHON
)"
# Who is not let in is logged by the address that HAProxy saw, which is none of its own.
relay_port=$(free_port)
python3 - "$relay_port" "$haproxy_port" <<'PYTHON' &
import socket
import sys
import threading

near = socket.create_server(("127.0.0.1", int(sys.argv[1])))


def pass_on(source, target):
    while data := source.recv(4096):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


while True:
    client, _ = near.accept()
    far = socket.create_connection(("127.0.0.1", int(sys.argv[2])), source_address=("127.0.0.9", 0))
    for pair in ((far, client), (client, far)):
        threading.Thread(target=pass_on, args=pair, daemon=True).start()
PYTHON
started+=("$!")
wrong() {
    local said
    said=$(PGPORT=$relay_port PGPASSWORD=wrong psql -XAtqc 'select 1' 2>&1 || true)
    [[ $said == *"password authentication failed"* ]]
}
within 10 "a wrong password is refused" wrong
within 5 "the log names the client" grep -q 'client=127.0.0.9:' server.err

# Nobody else is believed.
said=$(python3 - "$server_port" <<'PYTHON'
import socket
import sys

client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=("127.0.0.9", 0))
client.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([9, 9, 9, 9, 127, 0, 0, 1, 0, 1, 0, 2]))
print(client.recv(100))
PYTHON
)
equal "a header of a stranger" "b''" "$said"

# PgBouncer keeps a session for its client; a cancel reaches the statement.
bouncer_port=$(free_port)
cat >pgbouncer.ini <<CONFIG
[databases]
* = host=127.0.0.1 port=$server_port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $bouncer_port
unix_socket_dir =
auth_type = plain
auth_file = $work/bouncer-users.txt
pool_mode = session
ignore_startup_parameters = extra_float_digits
CONFIG
echo '"ada" "engine"' >bouncer-users.txt
chmod -R a+rX . && chmod a+rx "$work"
as=()
[[ $(id -u) != 0 ]] || as=(runuser -u nobody --)
"${as[@]}" pgbouncer pgbouncer.ini >pgbouncer.log 2>&1 &
started+=("$!")
export PGPORT=$bouncer_port
within 10 "PgBouncer" psql -XAtqc 'select 1' -o /dev/null
equal "a statement through PgBouncer" ada "$(sql 'select current_user')"
equal "a setting lives as long as its session" $'serve\nwait' "$(sql "set freshness = 'serve'" 'show freshness' && sql 'show freshness')"
equal "a cancel through PgBouncer" 57014 "$("$1" - <<'PYTHON'
import threading
import psycopg

with psycopg.connect("dbname=tt") as client:
    timer = threading.Timer(0.5, client.cancel)
    timer.start()
    try:
        client.execute("SELECT count(*) FROM generate_series(1, 100000000000)")
    except psycopg.Error as error:
        print(error.sqlstate)
PYTHON
)"

# Pages answer to the server's names, health to any.
code() { curl -s -o /dev/null -w '%{http_code}' -H "Host: $1" "http://$http$2"; }
equal "pages by address, by a name of the server, by another" "200 200 421 421" \
    "$(code 127.0.0.1 /) $(code tt.example:80 /metrics) $(code attacker.example /) $(code attacker.example /metrics)"
equal "health by any name" "200 200" "$(code attacker.example /healthz) $(code attacker.example /readyz)"
