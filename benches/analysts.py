#!/usr/bin/env python3
"""Thirteen questions of analysts over daily bars, beside DuckDB in the same run: from its own sorted table, and from our files.

    python3 benches/analysts.py --tt PATH_TO_TT [--rows 5000000 | --data LAKE] [--memory 2GB] [--out benches/runs/NAME]

The questions are asked in turn until none of them reads a file, or for a minute, before they are timed: over Postgres, and over
Flight SQL where its driver is there. Needs the Python packages psycopg[binary], duckdb and pytz; with adbc-driver-flightsql and
pyarrow for Flight SQL.
"""

import argparse
import math
import pathlib
import subprocess
import tempfile
import time

import duckdb

from common import SESSIONS, Server, median, metastock, report

try:
    from adbc_driver_flightsql import dbapi as flight_sql
except ImportError:
    flight_sql = None

QUESTIONS = {
    "history of one symbol": "SELECT date, open, high, low, close, volume FROM eod WHERE symbol = '{one}' ORDER BY date",
    "last 5 bars of one symbol": "SELECT date, close FROM eod WHERE symbol = '{two}' ORDER BY date DESC LIMIT 5",
    "one date, top 50 by volume":
        "SELECT symbol, close, volume FROM eod WHERE date = DATE '{day}' ORDER BY volume DESC LIMIT 50",
    "weekly bars of one symbol":
        "SELECT date_trunc('week', date) AS w, min(low), max(high), sum(volume) FROM eod WHERE symbol = '{one}' GROUP BY 1 ORDER BY 1",
    "weekly bars of all, some months, top 20":
        "SELECT symbol, date_trunc('week', date) AS w, min(low), max(high), sum(volume) AS v FROM eod WHERE date >= DATE '{months}' "
        "GROUP BY 1, 2 ORDER BY v DESC LIMIT 20",
    "rolling volatility of 3 symbols":
        "SELECT symbol, date, stddev(r) OVER (PARTITION BY symbol ORDER BY date ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) FROM "
        "(SELECT symbol, date, ln(close / lag(close) OVER (PARTITION BY symbol ORDER BY date)) AS r FROM eod "
        "WHERE symbol IN ('{one}', '{two}', '{three}')) AS x ORDER BY 1, 2",
    "movers of the last day":
        "WITH l AS (SELECT symbol, date, close, lag(close) OVER (PARTITION BY symbol ORDER BY date) AS p FROM eod "
        "WHERE date >= DATE '{week}') SELECT symbol, close / p - 1 AS ret FROM l WHERE date = (SELECT max(date) FROM eod) "
        "ORDER BY ret DESC LIMIT 20",
    "highs of 52 weeks, top 20":
        "SELECT symbol, max(high) AS h FROM eod WHERE date >= DATE '{year}' GROUP BY symbol ORDER BY h DESC LIMIT 20",
    "correlation of two symbols":
        "SELECT corr(a.close, b.close) FROM eod AS a JOIN eod AS b ON a.date = b.date WHERE a.symbol = '{one}' AND b.symbol = '{two}'",
    "count, first and last date": "SELECT count(*), min(date), max(date) FROM eod",
    "number of symbols": "SELECT count(DISTINCT symbol) FROM eod",
    "full scan by year": "SELECT date_part('year', date) AS y, avg(close), sum(volume) FROM eod GROUP BY 1 ORDER BY 1",
    "last bar of each symbol":
        "SELECT symbol, close FROM (SELECT symbol, close, row_number() OVER (PARTITION BY symbol ORDER BY date DESC) AS rn FROM eod) "
        "AS t WHERE rn = 1 ORDER BY symbol LIMIT 20",
}


REST = 5


def fetched(cursor, question):
    """All rows of an answer, as Arrow columns."""
    cursor.execute(question)
    return cursor.fetch_arrow_table()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tt", required=True, help="the binary to measure")
    parser.add_argument("--rows", type=int, default=5_000_000, help="daily bars to make and import")
    parser.add_argument("--data", help="a lake that is there, instead")
    parser.add_argument("--memory", default="2GB", help="lake.memory of the server")
    parser.add_argument("--out", help="folder for summary.md and raw.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data
        if not data:
            data, files = pathlib.Path(scratch) / "lake", pathlib.Path(scratch) / "files"
            files.mkdir()
            metastock(files, options.rows)
            subprocess.run([options.tt, "import", "metastock", files, "--data", data], check=True, capture_output=True)
        figures, rows = measured(options.tt, data, options.memory)
    about = f"{rows:,} daily bars; lake.memory {options.memory}; DuckDB {duckdb.__version__}, 2 threads; medians, warm"
    report(options.out, about, figures)


def measured(tt, data, memory):
    """Figures by name, and the number of bars."""
    lake = duckdb.connect()
    lake.execute("SET threads = 2")
    bars = f"read_parquet('{data}/lake/eod/*.parquet')"
    symbols, rows, last = lake.execute(
        f"SELECT list(DISTINCT symbol ORDER BY symbol), count(*), max(date) FROM {bars}"
    ).fetchone()
    pick = lambda share: symbols[int(len(symbols) * share)]
    day = lambda back: lake.execute(f"SELECT DATE '{last}' - {back}").fetchone()[0]
    known = {"one": pick(0.1), "two": pick(0.7), "three": pick(0.95), "week": day(10), "months": day(250), "year": day(365)}
    known["day"] = lake.execute(f"SELECT max(date) FROM {bars} WHERE date < DATE '{day(460)}'").fetchone()[0]
    questions = {name: text.format(**known) for name, text in QUESTIONS.items()}
    figures, ratios = {}, {"own table": [], "our files": []}
    environment = {"TT__LAKE__MEMORY": memory}
    with Server(tt, "serve", "--read-only", "--data", data, environment=environment) as server, server.connect() as connection:
        before = server.memory()
        ours = {}
        with connection.cursor() as cursor:
            warm(cursor, questions.values())
            for name, question in questions.items():
                ours[name] = 1000 * median(lambda: cursor.execute(question).fetchall(), 9)
        after = server.memory()
        over_flight = {}
        if flight_sql:
            with flight_sql.connect(f"grpc://{server.flight}") as flight, flight.cursor() as cursor:
                for name, question in questions.items():
                    over_flight[name] = 1000 * median(lambda: fetched(cursor, question), 9)
        # What was freed goes back within seconds.
        time.sleep(REST)
        at_rest = server.memory()
    theirs = {}
    lake.execute(f"CREATE TABLE eod AS SELECT * FROM {bars} ORDER BY symbol, date")
    theirs["own table"] = {name: 1000 * median(lambda: lake.execute(text).fetchall(), 9) for name, text in questions.items()}
    lake.execute("DROP TABLE eod")
    lake.execute(f"CREATE VIEW eod AS SELECT * FROM {bars}")
    theirs["our files"] = {name: 1000 * median(lambda: lake.execute(text).fetchall(), 9) for name, text in questions.items()}
    for name in questions:
        figures[f"{name}, ms"] = ours[name]
        if over_flight:
            figures[f"{name}, over Flight SQL, ms"] = over_flight[name]
        for of, times in theirs.items():
            figures[f"{name}, DuckDB from {of}, ms"] = times[name]
            ratios[of].append(times[name] / ours[name])
    for of, values in ratios.items():
        figures[f"our speed over DuckDB's from {of}, geometric mean"] = math.exp(sum(map(math.log, values)) / len(values))
    if over_flight:
        shares = [ours[name] / took for name, took in over_flight.items()]
        figures["our speed over Flight SQL as a share of that over Postgres, geometric mean"] = math.exp(
            sum(map(math.log, shares)) / len(shares)
        )
    figures["memory of the server before, MB"] = before / 1e6
    figures["memory of the server right after, MB"] = after / 1e6
    figures[f"memory of the server after {REST} s of rest, MB"] = at_rest / 1e6
    return figures, rows


def warm(cursor, questions):
    """Asks until what is read stays in memory; where that has no room for it, for a minute."""
    missed, until = -1, time.monotonic() + 60
    while time.monotonic() < until:
        for question in questions:
            cursor.execute(question).fetchall()
        now = cursor.execute("SELECT sum(misses) FROM system.cache").fetchone()[0]
        if now == missed:
            return
        missed = now
        time.sleep(0.5)


if __name__ == "__main__":
    main()
