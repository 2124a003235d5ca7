#!/usr/bin/env bash
# Ruby: pg 1.4, ActiveRecord 6.1 and Sequel 5.63 (Debian's ruby-pg, ruby-activerecord, ruby-sequel).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if ! ruby -e 'require "pg"; require "active_record"; require "sequel"' 2>/dev/null; then
    log=$(mktemp)
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ruby-pg ruby-activerecord ruby-sequel >"$log" 2>&1 || {
        echo "cannot be installed: ruby-pg ruby-activerecord ruby-sequel: $(tail -1 "$log")"
        exit 77
    }
fi
failed=0
for client in pg active_record sequel; do
    timeout 300 ruby "$here/${client}_client.rb" || failed=1
done
exit $failed
