#!/usr/bin/env bash
# kysely: its introspection, kysely-codegen, statements, streams, transactions.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
installed=$TOOLS_CACHE/kysely
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
cp "$here"/*.mjs "$installed/"
cd "$installed"
timeout 120 node client.mjs
