#!/usr/bin/env bash
# PHP 8.2: PDO's pgsql driver and the pg_* functions (Debian's php-cli and php-pgsql).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if ! { php -m 2>/dev/null | grep -qx pdo_pgsql; }; then
    log=$(mktemp)
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends php-cli php-pgsql >"$log" 2>&1 || {
        echo "cannot be installed: php-cli php-pgsql: $(tail -1 "$log")"
        exit 77
    }
fi
exec timeout 300 php "$here/client.php"
