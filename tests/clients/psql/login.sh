#!/usr/bin/env bash
# Users and TLS: passwords by SCRAM, certificates that clients check, roles, and what a server refuses to start with.
source "$(dirname "$0")/../lib.sh"

cd "$work"
config() {
    cat >tt.toml <<TOML
[lake]
location = "$work/lake"
[auth]
users = "$work/users.toml"
[tls]
certificate = "$work/server.crt"
key = "$work/server.key"
$1
TOML
}
new_key() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 2 "$@" 2>openssl.log; }
new_key -keyout ca.key -out ca.crt -subj /CN=test-ca -addext keyUsage=critical,keyCertSign
for name in server client; do
    new_key -CA ca.crt -CAkey ca.key -keyout $name.key -out $name.crt -subj "/CN=$name" \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE
done
new_key -keyout other.key -out other.crt -subj /CN=other-ca -addext keyUsage=critical,keyCertSign
config ''

# Users, before and while the server runs.
echo engine | "$TT" user add ada --role admin --config tt.toml >said
contains "tt user add" "$(cat said)" "added ada (admin)"
equal "mode of the users file" 600 "$(stat -c %a users.toml)"
lacks "users file" "$(cat users.toml)" engine
echo 'pass word ' >password
"$TT" user add bob --password-file password --users users.toml >said
contains "tt user add" "$(cat said)" "added bob (reader)"
equal "tt user list" $'ada\tadmin\nbob\treader' "$("$TT" user list --config tt.toml)"
refused 1 user add '' --users users.toml </dev/null
contains "no password" "$said" "the password is empty"
refused 1 user remove eve --users users.toml
contains "nobody to remove" "$said" 'no user "eve"'
TT__AUTH__USERS='' refused 1 user list
contains "no users file" "$said" "auth.users" "--users"

mkdir lake open
serve server serve --config tt.toml --read-only
export PGHOST=localhost PGHOSTADDR=127.0.0.1 PGUSER=ada PGPASSWORD=engine PGSSLMODE=verify-full PGSSLROOTCERT=$work/ca.crt

for mode in require verify-ca verify-full; do
    equal "sslmode=$mode" ada "$(PGSSLMODE=$mode sql 'select current_user')"
done
equal "bound to the channel" ada "$(PGCHANNELBINDING=require sql 'select current_user')"
equal "not bound to the channel" ada "$(PGCHANNELBINDING=disable sql 'select current_user')"
contains "\\conninfo" "$(psql -X -c '\conninfo')" "SSL connection" "TLSv1.3"
equal "TLS 1.2" ada "$(PGSSLMAXPROTOCOLVERSION=TLSv1.2 sql 'select current_user')"
equal "rows over TLS" 200000 "$(sql "select repeat('x', 100) from generate_series(1, 200000) as a(n)" | wc -l)"

# complaint VARIABLE=VALUE...: what psql says under other settings.
complaint() { env "$@" psql -XAtqw -c 'select 1' 2>&1 >/dev/null || true; }
contains "no encryption" "$(complaint PGSSLMODE=disable)" "FATAL" "not encrypted"
contains "another authority" "$(complaint PGSSLROOTCERT="$work/other.crt")" "certificate verify failed"
contains "another host" "$(complaint PGHOST=example.org)" "does not match host name"
contains "a wrong password" "$(complaint PGPASSWORD=wrong)" 'FATAL:  password authentication failed for user "ada"'
contains "an unknown user" "$(complaint PGUSER=eve)" 'FATAL:  password authentication failed for user "eve"'
contains "no password" "$(complaint PGPASSWORD=)" "no password supplied"

# Roles.
roles=$(sql '\du')
contains '\du' "$roles" "ada|Superuser" "bob|"
lacks '\du' "$roles" "bob|Superuser"
export PGUSER=bob PGPASSWORD='pass word '
equal "a reader" off "$(sql 'show is_superuser')"
contains "a reader's refresh" "$(sqlstate 'refresh table eod')" "42501" "REFRESH TABLE"
PGUSER=ada PGPASSWORD=engine psql -XAtq -c 'select pg_sleep(600)' >/dev/null 2>stream.err &
stream=$!
runs() { [[ $(sql "select count(*) from system.queries where \"user\" = 'ada'") == 1 ]]; }
within 5 "the stream of another" runs
equal "another's statement" '|planning or running|t' \
    "$(sql "select sql, case when state in ('planning', 'running', 'suspended') then 'planning or running' end, rows_sent >= 0 from system.queries where \"user\" = 'ada'")"
equal "another's activity" '<insufficient privilege>' "$(sql "select query from pg_stat_activity where usename = 'ada'")"
contains "ending another's session" "$(sqlstate "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'ada'")" \
    "42501" "permission denied to terminate process"
export PGUSER=ada PGPASSWORD=engine
contains "an admin's view" "$(sql "select query from pg_stat_activity where usename = 'ada' and state = 'active'")" "pg_sleep"
equal "an admin ends a session" t "$(sql "select pg_terminate_backend(pid::int) from system.queries where sql like '%pg_sleep%' and pid <> pg_backend_pid()" | head -1)"
wait "$stream" && fail "a terminated psql succeeds"
contains "a terminated psql" "$(cat stream.err)" "terminating connection due to administrator command"
contains "nobody to end" "$(psql -XAtq -c 'select pg_cancel_backend(2000000000)' 2>&1)" "WARNING:  PID 2000000000" "f"

# Changes reach the running server.
echo other | "$TT" user add bob --users users.toml >/dev/null
equal "a new password" bob "$(PGUSER=bob PGPASSWORD=other sql 'select current_user')"
contains "the old password" "$(complaint PGUSER=bob "PGPASSWORD=pass word ")" "password authentication failed"
"$TT" user remove bob --users users.toml >/dev/null
contains "a removed user" "$(complaint PGUSER=bob PGPASSWORD=other)" "password authentication failed"
stop TERM

# Client certificates.
config "client_ca = \"$work/ca.crt\""
serve mutual serve --config tt.toml --read-only
contains "no certificate" "$(complaint PGSSLMODE=verify-full)" "certificate required"
equal "a certificate" ada "$(PGSSLCERT=$work/client.crt PGSSLKEY=$work/client.key sql 'select current_user')"
stop TERM

# What it does not start with.
not_started() {
    refused 1 serve --config tt.toml --read-only --pg 127.0.0.1:0 --http 127.0.0.1:0 --flight 127.0.0.1:0
    one_line "$1" "$said"
    contains "$1" "$said" "${@:2}"
}
config ''
chmod 644 users.toml
not_started "users that others may read" "users.toml" "chmod 600"
chmod 600 users.toml
cp users.toml good.toml
sed 's/SCRAM-SHA-256/SCRAM-SHA-1/' good.toml >users.toml
not_started "a broken verifier" "users.toml" 'user "ada"'
cp good.toml users.toml
chmod 644 server.key
not_started "a key that others may read" "tls.key" "server.key" "chmod 600"
chmod 600 server.key
cp other.key server.key
not_started "a key of another certificate" "server.crt" "server.key" "do not go together"
rm server.key
not_started "no key" "tls.key" "server.key"
rm users.toml
not_started "no users" "users.toml"

# Beyond loopback only with both, or told so.
open=(--data "$work/open" --read-only --http 127.0.0.1:0 --flight 127.0.0.1:0 --pg 0.0.0.0:0)
refused 1 serve "${open[@]}"
contains "an open address" "$said" "0.0.0.0:0" "auth.users" "tls.certificate" "server.allow_without_users" "server.allow_without_tls"
cp good.toml users.toml && chmod 600 users.toml
TT__AUTH__USERS=$work/users.toml refused 1 serve "${open[@]}"
contains "an open address with users" "$said" "tls.certificate"
lacks "an open address with users" "$said" "auth.users"
