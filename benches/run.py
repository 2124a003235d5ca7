#!/usr/bin/env python3
"""Measures the promises of the main job, beside DuckDB on the same files in the same run.

    python3 benches/run.py --tt PATH_TO_TT [--rows 5000000] [--out benches/runs/NAME]

Needs the Python packages psycopg[binary], duckdb and pytz, and about 100 bytes of disk a row. Prints a table; --out also
writes it as summary.md and the raw figures as raw.json. Quote medians and ratios: single times drift with the machine.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import random
import re
import statistics
import subprocess
import tempfile
import time
import urllib.request

import duckdb
import psycopg

SESSIONS = 1747


def metastock(folder, rows):
    """Daily bars of as many symbols as give `rows`, one MetaStock text file a symbol, seeded."""
    random.seed(1)
    day, days = datetime.date(2019, 12, 2), []
    while len(days) < SESSIONS:
        if day.weekday() < 5:
            days.append(day.strftime("%Y%m%d"))
        day += datetime.timedelta(1)
    walks = []
    for _ in range(32):
        price, walk = 1.0, []
        for _ in days:
            close = price * math.exp(random.gauss(0, 0.015))
            walk.append((price, max(price, close) * 1.004, min(price, close) * 0.996, close, random.randint(10**4, 10**7)))
            price = close
        walks.append(walk)
    symbols = max(1, rows // SESSIONS)
    for number in range(symbols):
        symbol = "Q" + "".join(chr(65 + number // 26**place % 26) for place in (3, 2, 1, 0))
        base = 10 + number * 7919 % 990
        lines = [
            f"{symbol},D,{date},000000,{base * o:.2f},{base * h:.2f},{base * l:.2f},{base * c:.2f},{v},0\n"
            for date, (o, h, l, c, v) in zip(days, walks[number % len(walks)])
        ]
        (folder / f"{symbol}.txt").write_text("".join(lines))
    return symbols


class Server:
    """A running `tt`, ready; stopped on exit."""

    def __init__(self, tt, *arguments, environment=None):
        self.began = time.perf_counter()
        free = ["--pg", "127.0.0.1:0", "--flight", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [tt, *arguments, *free], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, **(environment or {})},
        )
        line = self.process.stdout.readline()
        self.ready = time.perf_counter() - self.began
        found = re.match(r"ready pg=127\.0\.0\.1:(\d+) flight=(\S+) http=127\.0\.0\.1:(\d+)", line)
        if not found:
            raise SystemExit(f"tt did not become ready: {line!r}")
        self.pg, self.flight, self.http = int(found[1]), found[2], int(found[3])

    def connect(self):
        return psycopg.connect(host="127.0.0.1", port=self.pg, user="tt", dbname="tt", autocommit=True)

    def metric(self, name):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics").read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))

    def memory(self):
        """Resident bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def median(action, runs, warm=2):
    for _ in range(warm):
        action()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


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
    report(options, figures)


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


def report(options, figures):
    text = "\n".join(f"| {name} | {value:,.2f} |" for name, value in figures.items())
    text = f"| what | figure |\n|---|---|\n{text}\n"
    print(text)
    if options.out:
        folder = pathlib.Path(options.out)
        folder.mkdir(parents=True, exist_ok=True)
        head = f"{os.cpu_count()} cores, {platform.machine()}; {options.rows:,} daily bars; DuckDB {duckdb.__version__}; medians.\n\n"
        (folder / "summary.md").write_text(head + text)
        (folder / "raw.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
