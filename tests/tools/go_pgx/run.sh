#!/usr/bin/env bash
# pgx: a pool, every way to send a statement, COPY both ways, batches and pipelines, types of pgtype, cancel by context.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
installed=$TOOLS_CACHE/go_pgx
export GOPATH=$TOOLS_CACHE/go GOCACHE=$TOOLS_CACHE/go/build GOFLAGS=-modcacherw GOTOOLCHAIN=local
command -v go >/dev/null || {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq golang-go >/dev/null 2>&1 || {
        echo "skipped: go is not there"
        exit 77
    }
}
mkdir -p "$installed"
cp "$here"/go.mod "$here"/main.go "$installed/"
cd "$installed"
[[ -e go.sum ]] || timeout 300 go mod tidy >tidy.log 2>&1 || {
    rm -f go.sum
    echo "skipped: go cannot get what go.mod names: $(tail -1 tidy.log)"
    exit 77
}
timeout 300 go build -mod=mod -o client .
timeout 120 ./client "$TT_ROOT/tests/clients/types.sql"
