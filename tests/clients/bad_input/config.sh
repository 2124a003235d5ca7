#!/usr/bin/env bash
# A wrong configuration, address or directory is refused in one line that names it, with exit code 1 or 2.
source "$(dirname "$0")/../lib.sh"

# bad_config TOML PART...
bad_config() {
    printf '%b' "$1" >"$work/tt.toml"
    refused 2 config check --config "$work/tt.toml"
    one_line "$1" "$said"
    contains "$1" "$said" "${@:2}"
}

bad_config '[server]\npgg = "127.0.0.1:0"' "tt.toml" '"server.pgg"' 'nearest is "server.pg"'
bad_config '[datset.eod]\nttl = "5m"' '"datset.eod.ttl"' 'nearest is "dataset.eod.ttl"'
bad_config '[server]\npg = "nonsense"' "server.pg in" "tt.toml" '"nonsense"'
bad_config '[dataset.eod]\nttl = "5 parsecs"' "dataset.eod.ttl" '"5 parsecs" is not a duration'
bad_config '[dataset.eod]\nttl = "-5m"' "dataset.eod.ttl" '"-5m"'
bad_config '[dataset.eod]\ndepends_on = ["symbol"]' "dataset.eod.depends_on" '"symbol"' 'nearest is "symbols"'
bad_config '[dataset.eod]\ndepends_on = ["returns_stddev"]' "depends_on" "eod -> returns_stddev -> eod"
bad_config '[dataset.expirations]\ndepends_on = ["calendar"]' "dataset.expirations.depends_on" '"option_chains" is missing' "computed from"
printf '[dataset.eod]\ndepends_on = ["returns_stddev"]' >"$work/tt.toml"
refused 2 serve --config "$work/tt.toml" --data "$work/a"
contains "a cycle at start" "$said" "eod -> returns_stddev -> eod"
bad_config '[limits]\nmemory = "lots"' "limits.memory" '"lots" is not a size'
bad_config '[collect]\nlists = ["sp5000"]' "collect.lists" '"sp5000"' "sp500"
bad_config '[source.tastytrade]\nbase_url = "nowhere"' "source.tastytrade.base_url" '"nowhere"'
bad_config '[limits\nmemory = 1' "tt.toml" "line 1"
refused 2 config check --config "$work/nosuch.toml"
contains "a file that is not there" "$said" "nosuch.toml"
TT__SERVER__PGG=1 refused 2 config check
contains "an unknown variable" "$said" "the environment" '"server.pgg"' 'nearest is "server.pg"'
TT__SERVER__PG=1 refused 2 config check
contains "a bad variable" "$said" "server.pg in the environment"
TT__SOURCE__TASTYTRADE__CLIENT_SECRET=hush refused 2 config check
contains "half of the credentials" "$said" "client_secret and refresh_token"
lacks "half of the credentials" "$said" "hush"

bad_config "[lists]\\nmine = \"$work/nosuch.csv\"" "lists.mine" "$work/nosuch.csv" "No such file"
bad_config '[lists]\netf = "mine.csv"' "lists.etf" "the program has a list of that name"
: >"$work/mine.csv"
bad_config "[lists]\\nmine = \"$work/mine.csv\"" "lists.mine" "no symbol in $work/mine.csv"
printf 'AAPL\nmsft\n' >"$work/mine.csv"
bad_config "[lists]\\nmine = \"$work/mine.csv\"" "lists.mine" "mine.csv line 2" '"msft"'
refused 2 serve --config "$work/tt.toml" --data "$work/a"
contains "a list at start" "$said" "mine.csv line 2"
bad_config '[collect]\nlive_lists = ["mine"]' "collect.live_lists" '"mine"' "etf"
bad_config "[auth]\\nusers = \"$work/nosuch.toml\"" "nosuch.toml"
bad_config "[tls]\\ncertificate = \"$work/nosuch.crt\"\\nkey = \"$work/nosuch.key\"" "tls.certificate" "nosuch.crt"
bad_config '[server]\npg = "0.0.0.0:0"' "0.0.0.0:0" "users"

taken=$PGHOST:$PGPORT
refused 1 demo --data "$work/a" --pg "$taken" --http 127.0.0.1:0 --flight 127.0.0.1:0
contains "a taken Postgres port" "$said" "$taken" "--pg"
refused 1 demo --data "$work/a" --pg 127.0.0.1:0 --http "$taken" --flight 127.0.0.1:0
contains "a taken HTTP port" "$said" "$taken" "--http"
refused 1 simulate --rest "$taken"
contains "a taken REST port" "$said" "$taken" "--rest"
refused 1 simulate --dxlink "$taken"
contains "a taken dxLink port" "$said" "$taken" "--dxlink"
refused 1 serve --data "$work/a" --pg 0.0.0.0:0 --http 127.0.0.1:0
contains "an open address without users" "$said" "0.0.0.0:0" "loopback"

echo text >"$work/file"
for data in "$work/file" "$work/file/below" /proc/nosuch "" ftp://host/path; do
    refused 1 query --data "$data" 'select 1'
    one_line "data directory $data" "$said"
    contains "data directory $data" "$said" "\"$data\"" "data directory"
done

refused 1 import metastock "$TT_ROOT/tests/data/metastock" --data /proc
contains "a data directory that cannot be written" "$said" '"/proc"' "cannot be written"

mkdir "$work/empty"
# in_query SQL PART: a query that fails on the command line.
in_query() {
    refused 1 query --data "$work/empty" "$1"
    one_line "$1" "$said"
    contains "$1" "$said" "$2"
}

in_query 'selec 1' 'syntax error at or near "selec"'
in_query 'select * from nosuch' 'relation "nosuch" does not exist'
in_query 'select 1; select 2' 'one statement, not 2'
in_query '' 'one statement, not 0'
in_query 'select 1 / 0' 'division by zero'
in_query 'select * from eod' 'table "eod" is not fresh: it was never loaded'
refused 1 collect --data "$work/empty"
contains "a collection without a source" "$said" "TT__SOURCE__TASTYTRADE__CLIENT_SECRET"
refused 1 simulate --faults "$work/nosuch.toml"
contains "faults that are not there" "$said" "nosuch.toml"
printf '[[fault]]\ntarget = "/a"\nkind = "nonsense"\n' >"$work/faults.toml"
refused 1 simulate --faults "$work/faults.toml"
contains "an unknown fault" "$said" "faults.toml" "fault 1" '"nonsense"'
