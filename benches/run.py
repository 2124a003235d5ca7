#!/usr/bin/env python3
"""Measures the promises of the main job, beside DuckDB on the same files in the same run.

    python3 benches/run.py --tt PATH_TO_TT [--rows 5000000] [--out benches/runs/NAME]

Needs the Python packages psycopg[binary], duckdb and pytz, and about 100 bytes of disk a row. Prints a table; --out also
writes it as summary.md and the raw figures as raw.json. Quote medians and ratios: single times drift with the machine.
"""

import argparse
import pathlib
import subprocess
import tempfile
import time

import duckdb

from common import SESSIONS, Server, median, metastock, report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tt", required=True, help="the binary to measure")
    parser.add_argument("--rows", type=int, default=5_000_000, help="daily bars to import")
    parser.add_argument("--out", help="folder for summary.md and raw.json")
    options = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        demo, big, files = scratch / "demo", scratch / "big", scratch / "files"
        files.mkdir()
        start_and_live(options.tt, demo, figures)
        symbols = metastock(files, options.rows)
        began = time.perf_counter()
        subprocess.run([options.tt, "import", "metastock", files, "--data", big], check=True, capture_output=True)
        figures["import, rows per second"] = symbols * SESSIONS / (time.perf_counter() - began)
        queries(options.tt, big, symbols * SESSIONS, figures)
    report(options.out, f"{options.rows:,} daily bars; DuckDB {duckdb.__version__}; medians", figures)


def start_and_live(tt, demo, figures):
    with Server(tt, "demo", "--data", demo) as server:
        figures["start to ready, empty directory, s"] = server.ready
    with Server(tt, "demo", "--data", demo) as server:
        figures["start to ready, from cache, s"] = server.ready
        with server.connect() as connection, connection.cursor() as cursor:
            lookup = lambda: cursor.execute("SELECT bid, ask FROM quotes WHERE symbol = %s", ["SPY"]).fetchall()
            time.sleep(1)
            figures["latest quote of one symbol, ms"] = 1000 * median(lookup, 200)
    with Server(tt, "demo", "--data", demo, environment={"TT__SIMULATOR__RATE": "50000"}) as server:
        time.sleep(3)
        before, began = server.metric("tt_feed_events_total"), time.perf_counter()
        time.sleep(5)
        events = server.metric("tt_feed_events_total") - before
        figures["live events taken in at 50,000 quotes per second offered, per second"] = events / (time.perf_counter() - began)


def queries(tt, data, rows, figures):
    lake = duckdb.connect()
    lake.execute("SET threads = 2")
    lake.execute(f"CREATE VIEW eod AS SELECT * FROM read_parquet('{data}/lake/eod/*.parquet')")
    statements = {
        "one symbol's history": "SELECT * FROM eod WHERE symbol = 'QAAAZ' ORDER BY date",
        "last 5 bars of one symbol": "SELECT * FROM eod WHERE symbol = 'QAAAZ' ORDER BY date DESC LIMIT 5",
        "one date, top 50 by volume": "SELECT symbol, volume FROM eod WHERE date = DATE '2025-03-03' ORDER BY volume DESC LIMIT 50",
        "weekly bars of one symbol": "SELECT date_trunc('week', date), max(high), min(low), sum(volume) FROM eod WHERE symbol = 'QAAAZ' GROUP BY 1 ORDER BY 1",
        "full scan by year": "SELECT extract(year FROM date), avg(close), sum(volume) FROM eod GROUP BY 1 ORDER BY 1",
        "count, first and last date": "SELECT count(*), min(date), max(date) FROM eod",
    }
    with Server(tt, "serve", "--read-only", "--data", data) as server, server.connect() as connection:
        with connection.cursor() as cursor:
            for name, statement in statements.items():
                ours = median(lambda: cursor.execute(statement).fetchall(), 15)
                theirs = median(lambda: lake.execute(statement).fetchall(), 15)
                figures[f"{name}, ms"] = 1000 * ours
                figures[f"{name}, DuckDB in process, ms"] = 1000 * theirs
                figures[f"{name}, ours / DuckDB"] = ours / theirs
            for form in ("text", "binary"):
                began, first, size = time.perf_counter(), None, 0
                with cursor.copy(f"COPY (SELECT * FROM eod) TO STDOUT (FORMAT {form})") as copy:
                    for block in copy:
                        first = first or time.perf_counter() - began
                        size += len(block)
                took = time.perf_counter() - began
                figures[f"scan over the wire by COPY {form}, rows per second"] = rows / took
                figures[f"scan over the wire by COPY {form}, MB per second"] = size / took / 1e6
                figures[f"scan over the wire by COPY {form}, first row after ms"] = 1000 * first
            figures["server memory after the scans, MB"] = server.memory() / 1e6


if __name__ == "__main__":
    main()
