#!/usr/bin/env bash
# Perl DBI with DBD::Pg 3.16 (Debian's libdbd-pg-perl).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if ! perl -MDBD::Pg -e1 2>/dev/null; then
    log=$(mktemp)
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libdbd-pg-perl >"$log" 2>&1 || {
        echo "cannot be installed: libdbd-pg-perl: $(tail -1 "$log")"
        exit 77
    }
fi
exec timeout 300 perl "$here/client.pl"
