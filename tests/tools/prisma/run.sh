#!/usr/bin/env bash
# Prisma with its engines of WebAssembly: db pull, the client it generates, raw statements, transactions, errors.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
installed=$TOOLS_CACHE/prisma
command -v node >/dev/null && command -v npm >/dev/null || {
    echo "skipped: node and npm are not there"
    exit 77
}
mkdir -p "$installed"
if ! cmp -s "$here/package.json" "$installed/installed.json"; then
    cp "$here/package.json" "$installed/package.json"
    timeout 300 npm install --prefix "$installed" --no-package-lock --no-audit --no-fund --loglevel=error >/dev/null || {
        echo "skipped: npm cannot install what package.json names"
        exit 77
    }
    cp "$here/package.json" "$installed/installed.json"
fi
# Modules are looked for beside the script.
cp "$here"/*.mjs "$here"/*.prisma "$installed/"
# Nothing is sent home, and no engine is fetched.
export CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1 PRISMA_SKIP_POSTINSTALL_GENERATE=1
cd "$installed"
timeout 200 node client.mjs
