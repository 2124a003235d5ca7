#!/usr/bin/env bash
# Ruby: pg 1.4, ActiveRecord 6.1 and Sequel 5.63 (Debian's ruby-pg, ruby-activerecord, ruby-sequel).
source "$TT_ROOT/tests/tools/lib/tool.sh"

ruby -e 'require "pg"; require "active_record"; require "sequel"' 2>/dev/null ||
    debian_packages ruby-pg ruby-activerecord ruby-sequel
failed=0
for client in pg active_record sequel; do
    timeout 300 ruby "$here/${client}_client.rb" || failed=1
done
exit $failed
