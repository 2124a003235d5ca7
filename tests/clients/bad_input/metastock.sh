#!/usr/bin/env bash
# Rows that are none are rejected by line, and files that are no MetaStock files by name; the others are imported, and nothing held
# is lost.
source "$(dirname "$0")/../lib.sh"

data=$work/lake files=$work/files
mkdir "$files"
cp "$TT_ROOT"/tests/data/metastock/*.txt "$files"
query() { "$TT" query --data "$data" --format csv "$1" 2>/dev/null | tail -1; }

sed '5s/.*/AAPL,D,nonsense,1,2,3,4,5/' "$TT_ROOT/tests/data/metastock/AAPL.txt" >"$files/AAPL.txt"
: >"$files/EMPTY.txt"
head -c 20000 "$TT" >"$files/JUNK.txt"
head -c 20000 "$TT" >"$files/F1.DAT"
head -c 30 "$TT" >"$files/MASTER"
printf 'hello\nworld\n' >"$files/WORDS.txt"
refused 3 import metastock "$files" --data "$data"
contains "a bad line" "$said" "AAPL.txt" "line 5"
contains "an empty file" "$said" "EMPTY.txt"
contains "binary junk" "$said" "JUNK.txt"
contains "a broken index" "$said" "MASTER"
contains "a text of words" "$said" "WORDS.txt"
lacks "the message" "$said" "panicked"
equal "symbols" 5 "$(query "select count(distinct symbol) from eod")"
before=$(query 'select count(*) from eod')
equal "rows without the bad one" 12153 "$before"
equal "the bad line in SQL" 5 "$(query "select line from system.rejected_rows where text like '%nonsense%'")"

cp "$TT_ROOT/tests/data/metastock/AAPL.txt" "$files/AAPL.txt"
rm "$files"/{EMPTY,JUNK,WORDS}.txt "$files/MASTER" "$files/F1.DAT"
"$TT" import metastock "$files" --data "$data" >"$work/out" 2>/dev/null || fail "good files are refused"
equal "rows of all good files" 12154 "$(query 'select count(*) from eod')"

rm "$files"/*
: >"$files/EMPTY.txt"
refused 1 import metastock "$files" --data "$data"
equal "rows after an import of nothing" 12154 "$(query 'select count(*) from eod')"
refused 1 import metastock "$work/nosuch" --data "$data"
contains "a folder that is not there" "$said" "$work/nosuch"
mkdir "$work/none"
refused 1 import metastock "$work/none" --data "$data"
contains "an empty folder" "$said" "$work/none"
