#!/usr/bin/env bash
# MetaStock files imported beside the running demo are in `eod` at once; importing them again changes nothing.
source "$(dirname "$0")/../lib.sh"

import() { "$TT" import metastock "$TT_ROOT/tests/data/metastock" --data "$TT_DATA" 2>"$work/import.err"; }
imported() { sql "select count(*), min(date), max(date) from eod where source = 'metastock'"; }
version() { sql "select version from system.freshness where dataset = 'eod'"; }

contains "the first import" "$(import)" "12154 rows of 5 symbols from 5 files (0 refused)"
equal "imported rows" "12154|2000-03-01|2013-03-01" "$(imported)"
equal "close of AAPL" 430.47 "$(sql "select close from eod where symbol = 'AAPL' and date = '2013-03-01'")"
before=$(version)
contains "the second import" "$(import)" "0 new, 0 changed"
equal "rows after the second import" "12154|2000-03-01|2013-03-01" "$(imported)"
equal "version after the second import" "$before" "$(version)"
remembered() { (($(sql "select count(*) from system.refreshes where dataset = 'eod' and cause = 'import'") >= 2)); }
within 3 "both imports in system.refreshes" remembered
equal "keys that are there twice" 0 \
    "$(sql 'select count(*) from (select symbol, date from eod group by symbol, date having count(*) > 1) as twice')"
