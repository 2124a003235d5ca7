# Sourced by the run.sh of every tool: installing what it needs into its folder of the cache, and waiting for its page. What
# cannot be installed is no failure: the test says so and is skipped.
#
# A tool gets: here (its folder of the checkout) and place (its folder of the cache, which is $TOOLS_CACHE). Everything else is
# what tests/clients/run gives to every client.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
lib=$TT_ROOT/tests/tools/lib
place=$TOOLS_CACHE/${here##*/}

# skip SENTENCE: ends the test as one that could not be made.
skip() {
    echo "$1"
    exit 77
}

# debian_packages NAME...
debian_packages() {
    local said
    said=$(DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" 2>&1) ||
        skip "$* cannot be installed: $(tail -1 <<<"$said")"
}

# install_once FILE COMMAND...: runs the command for an empty place, unless that was done for the same FILE.
install_once() {
    local file=$1
    shift
    ! cmp -s "$here/$file" "$place/installed.txt" || return 0
    rm -rf "$place"
    mkdir -p "$place"
    "$@" >"$place/log" 2>&1 || {
        tail -5 "$place/log" >&2
        skip "what ${here##*/}/$file names cannot be installed"
    }
    cp "$here/$file" "$place/installed.txt"
}

# python_packages: what requirements.txt names, in an environment of its own, whose program is $python.
python_packages() {
    python=$place/venv/bin/python
    install_once requirements.txt python_environment
    export PYTHONPATH=$lib PYTHONDONTWRITEBYTECODE=1
}

python_environment() {
    python3 -m venv "$place/venv" && "$place/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
}

# node_packages: what package.json names. The client is copied there, because node looks for packages beside the script.
node_packages() {
    command -v node >/dev/null && command -v npm >/dev/null || skip "node and npm are not there"
    install_once package.json node_modules
    mkdir -p "$TOOLS_CACHE/lib"
    cp "$lib"/*.mjs "$TOOLS_CACHE/lib/"
    cp "$here"/*.mjs "$place/"
    cd "$place"
}

node_modules() {
    cp "$here/package.json" "$place/" &&
        timeout 300 npm install --prefix "$place" --no-package-lock --no-audit --no-fund --loglevel=error
}

# go_client: builds ./client of what go.mod names, with what all clients in Go share.
go_client() {
    export GOPATH=$TOOLS_CACHE/go GOCACHE=$TOOLS_CACHE/go/build GOFLAGS=-modcacherw GOTOOLCHAIN=local
    command -v go >/dev/null || debian_packages golang-go
    mkdir -p "$place"
    cp "$here"/go.mod "$here"/*.go "$lib"/*.go "$place/"
    cd "$place"
    [[ -e go.sum ]] || timeout 300 go mod tidy >tidy.log 2>&1 || {
        rm -f go.sum
        skip "go cannot get what go.mod names: $(tail -1 tidy.log)"
    }
    timeout 300 go build -mod=mod -o client .
}

# await_page SECONDS NAME URL: waits for the page of the process $pid, which says in $work/out why it ends. Needs clients/lib.sh.
await_page() {
    within "$1" "$2" page_is_there "$2" "$3"
}

page_is_there() {
    kill -0 "$pid" 2>/dev/null || fail "$1 ended: $(tail -5 "$work/out")"
    curl -sf "$2" >/dev/null
}
