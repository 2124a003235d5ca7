#!/usr/bin/env bash
# R 4.2: RPostgreSQL 0.7, and dplyr over it by dbplyr 2.3 (Debian's r-cran-rpostgresql and r-cran-dbplyr).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if ! Rscript -e 'library(RPostgreSQL); library(dbplyr); library(dplyr)' >/dev/null 2>&1; then
    log=$(mktemp)
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends r-base-core r-cran-rpostgresql r-cran-dbplyr r-cran-dplyr >"$log" 2>&1 || {
        echo "cannot be installed: r-cran-rpostgresql r-cran-dbplyr: $(tail -1 "$log")"
        exit 77
    }
fi
exec timeout 300 Rscript --vanilla "$here/client.R"
