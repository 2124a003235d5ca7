#!/usr/bin/env bash
# Perl DBI with DBD::Pg 3.16 (Debian's libdbd-pg-perl).
source "$TT_ROOT/tests/tools/lib/tool.sh"

perl -MDBD::Pg -e1 2>/dev/null || debian_packages libdbd-pg-perl
exec timeout 300 perl "$here/client.pl"
