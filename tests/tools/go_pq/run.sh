#!/usr/bin/env bash
# lib/pq through database/sql: statements, types, arrays, COPY, transactions, errors, cancel by context.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
installed=$TOOLS_CACHE/go_pq
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
timeout 120 ./client
