# Sourced by every shell test: starting and stopping `tt`, asking psql, and saying what is not as it should be.
#
# A test gets from `run`: TT (the binary), TT_ROOT (the checkout), TT_DATA (the running demo's directory), the demo's
# Postgres address in PGHOST, PGPORT, PGUSER and PGDATABASE.

set -euo pipefail

work=$(mktemp -d)
started=()

finish() {
    local pid
    for pid in "${started[@]}"; do
        kill -TERM "$pid" 2>/dev/null || continue
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT

# fail SENTENCE: ends the test.
fail() {
    echo "$1" >&2
    exit 1
}

# note SENTENCE: a failure after which the test goes on, to end with $failed.
failed=0
note() {
    echo "$1" >&2
    failed=1
}

# equal WHAT WANTED GOT
equal() {
    [[ "$2" == "$3" ]] || fail "$1: wanted \"$2\", got \"$3\""
}

# contains WHAT TEXT PART...
contains() {
    local what=$1 text=$2 part
    shift 2
    for part in "$@"; do
        [[ "$text" == *"$part"* ]] || fail "$what: no \"$part\" in \"$text\""
    done
}

# lacks WHAT TEXT PART...
lacks() {
    local what=$1 text=$2 part
    shift 2
    for part in "$@"; do
        [[ "$text" != *"$part"* ]] || fail "$what: \"$part\" in \"$text\""
    done
}

# at_least WHAT SMALLEST GOT
at_least() {
    [[ "$3" =~ ^[0-9]+$ ]] && (("$3" >= "$2")) || fail "$1: wanted $2 or more, got \"$3\""
}

# one_line WHAT TEXT: a message is one sentence, without a trace of where in the program it came from.
one_line() {
    [[ -n "$2" && "$2" != *$'\n'* && "$2" != *panicked* ]] || fail "$1: not one line: \"$2\""
}

# now_ms: milliseconds of a clock.
now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# free_port: a port of this machine that nobody listens on.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# within SECONDS WHAT COMMAND...: repeats a command until it succeeds.
within() {
    local deadline=$(($(now_ms) + $1 * 1000)) what=$2
    shift 2
    until "$@"; do
        (($(now_ms) < deadline)) || fail "$what: not in time"
        sleep 0.05
    done
}

# sql STATEMENT...: unaligned rows of the server that PGPORT names.
sql() {
    local statements=() one
    for one in "$@"; do statements+=(-c "$one"); done
    psql -XAtq -v ON_ERROR_STOP=1 "${statements[@]}"
}

# sqlstate STATEMENT...: SQLSTATE and message of the last error.
sqlstate() {
    local statements=() one
    for one in "$@"; do statements+=(-c "$one"); done
    psql -XAtq -v VERBOSITY=verbose "${statements[@]}" 2>&1 >/dev/null | sed -n 's/^ERROR:  //p' | tail -1 || true
}

# launch NAME ARGUMENT...: runs `tt` in the background; its process is in $pid, its output in $work/NAME.{out,err}.
launch() {
    local name=$1
    shift
    # Emptied here: the background process may come to it after the ready line was looked for.
    : >"$work/$name.out"
    "$TT" "$@" >"$work/$name.out" 2>"$work/$name.err" &
    pid=$!
    started+=("$pid")
}

# await_ready NAME: waits for the ready line, which is in $ready then.
await_ready() {
    local deadline=$(($(now_ms) + 60000))
    until ready=$(grep -m1 '^ready ' "$work/$1.out" 2>/dev/null); do
        kill -0 "$pid" 2>/dev/null || fail "$1 ended before it was ready: $(tail -5 "$work/$1.err")"
        (($(now_ms) < deadline)) || fail "$1 is not ready after a minute: $(tail -5 "$work/$1.err")"
        sleep 0.02
    done
}

# address NAME: one address of the ready line.
address() {
    sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<" $ready"
}

# serve NAME ARGUMENT...: launches a server on free ports, waits until it is ready, and points psql at it.
serve() {
    local name=$1
    shift
    launch "$name" "$@" --pg 127.0.0.1:0 --flight 127.0.0.1:0 --http 127.0.0.1:0
    await_ready "$name"
    PGPORT=$(address pg)
    PGPORT=${PGPORT##*:}
    export PGPORT
}

# stop SIGNAL: ends the process launched last.
stop() {
    kill -"$1" "$pid"
    wait "$pid" 2>/dev/null || true
}

# refused CODE ARGUMENT...: runs `tt`, which must end with the exit code; its complaint, without the log, is in $said.
refused() {
    local wanted=$1 code=0
    shift
    timeout 60 "$TT" "$@" >"$work/refused.out" 2>"$work/refused.err" || code=$?
    said=$(grep '^tt: ' "$work/refused.err" || true)
    equal "exit code of tt $*" "$wanted" "$code"
}
