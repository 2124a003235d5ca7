#!/usr/bin/env bash
# R 4.2: RPostgreSQL 0.7, and dplyr over it by dbplyr 2.3 (Debian's r-cran-rpostgresql and r-cran-dbplyr).
source "$TT_ROOT/tests/tools/lib/tool.sh"

Rscript -e 'library(RPostgreSQL); library(dbplyr); library(dplyr)' >/dev/null 2>&1 ||
    debian_packages r-base-core r-cran-rpostgresql r-cran-dbplyr r-cran-dplyr
exec timeout 300 Rscript --vanilla "$here/client.R"
