#!/usr/bin/env bash
# PHP 8.2: PDO's pgsql driver and the pg_* functions (Debian's php-cli and php-pgsql).
source "$TT_ROOT/tests/tools/lib/tool.sh"

{ php -m 2>/dev/null | grep -qx pdo_pgsql; } || debian_packages php-cli php-pgsql
exec timeout 300 php "$here/client.php"
