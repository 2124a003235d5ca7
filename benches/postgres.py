#!/usr/bin/env python3
"""Measures the Postgres front end beside PostgreSQL holding the same rows, on the same machine in the same run.

    python3 benches/postgres.py --tt PATH_TO_TT [--rows 5000000] [--seconds 10] [--out benches/runs/NAME]

- point lookup: pgbench -M prepared, 4 clients, the latest quote of one symbol; and by the simple protocol
- rows of some keys: the same for the last 5 bars of a symbol, its row of `symbols` and of `market_metrics`, and an expiration
  of its chain, each over a primary key there; and of views and of a minute of a history, for which PostgreSQL has no like
- transfer: psql reads all daily bars by COPY, text, csv and binary, and throws them away
- connect, one query, close: pgbench -C

The two servers take turns, run after run. PostgreSQL's rows are copied from ours by binary COPY, so both must agree on
every type; one symbol's bars and the quotes are compared as text. Needs psycopg[binary], and PostgreSQL with its contrib
tools (Debian: apt-get install postgresql); as root, PostgreSQL runs as the user `postgres`. It listens on loopback, in a
directory of its own, with 1 GB of shared buffers and otherwise its defaults, and is gone at the end.
"""

import argparse
import glob
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from common import SESSIONS, Server, metastock, report

BARS = """CREATE TABLE eod (symbol text NOT NULL, date date NOT NULL, open float8, high float8, low float8, close float8,
    volume bigint, open_interest bigint, source text NOT NULL, fetched_at timestamptz NOT NULL)"""
# Tables of which rows are looked up, with their keys; and statements, with a column of the table that they read alone.
KEYS = {
    "quotes": "symbol",
    "eod": "symbol, date",
    "symbols": "symbol",
    "market_metrics": "symbol",
    "option_chains": "underlying, expiration, strike, side, symbol",
}
KEYED = {
    "last 5 bars of a symbol": "SELECT * FROM eod WHERE symbol = :symbol ORDER BY date DESC LIMIT 5;",
    "a row of symbols": "SELECT * FROM symbols WHERE symbol = :symbol;",
    "a row of market_metrics": "SELECT * FROM market_metrics WHERE symbol = :symbol;",
    "an expiration of a chain": "SELECT * FROM option_chains WHERE underlying = :symbol AND expiration = :expiration;",
}
OURS_ALONE = {
    "a row of bars_latest": "SELECT * FROM bars_latest WHERE symbol = :symbol;",
    "a row of quotes_with_change": "SELECT * FROM quotes_with_change WHERE symbol = :symbol;",
    "a minute of quotes_history": "SELECT * FROM quotes_history WHERE symbol = :symbol AND received_at > now() - INTERVAL '1 minute';",
}
LOOKUP = "SELECT * FROM quotes WHERE symbol = :symbol;"
LITERAL = "SELECT * FROM quotes WHERE symbol = 'AAPL';"
ONE = "SELECT 1;"


class PostgreSQL:
    """A PostgreSQL of our own, running; gone on exit."""

    def __init__(self, folder):
        self.bin = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
        self.folder = folder
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.as_user:
            shutil.chown(folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        data = folder / "data"
        self.run("initdb", "-D", data, "-U", "tt", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c shared_buffers=1GB -c timezone=UTC"
        self.run("pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tt", "tt")

    def run(self, program, *arguments):
        subprocess.run([*self.as_user, self.bin / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")


def psql(port, sql, **options):
    """psql with one statement; its output."""
    command = ["psql", "-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", str(port), "-U", "tt", "-d", "tt", "-c", sql]
    return subprocess.run(command, check=True, **options)


def text(port, sql):
    return psql(port, sql, capture_output=True, text=True).stdout


def pgbench(port, script, seconds, *arguments):
    """Transactions per second of 4 clients, connecting left out unless it is what is measured."""
    command = ["pgbench", "-n", "-h", "127.0.0.1", "-p", str(port), "-U", "tt", "-c", "4", "-T", str(seconds)]
    told = subprocess.run([*command, *arguments, "-f", script, "tt"], check=True, capture_output=True, text=True)
    failed = re.search(r"failed transactions: (\d+)", told.stdout)
    if failed and failed[1] != "0":
        raise SystemExit(told.stdout + told.stderr)
    return float(re.search(r"tps = ([\d.]+)", told.stdout)[1])


def transfer(port, form):
    """Seconds in which psql has read all bars."""
    began = time.perf_counter()
    psql(port, f"COPY eod TO STDOUT (FORMAT {form})", stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def copy(table, ours, theirs):
    """The rows of a table, from ours into theirs."""
    read = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(ours), "-U", "tt", "-d", "tt", "-c", f"COPY {table} TO STDOUT (FORMAT binary)"]
    write = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(theirs), "-U", "tt", "-d", "tt", "-c", f"COPY {table} FROM STDIN (FORMAT binary)"]
    with subprocess.Popen(read, stdout=subprocess.PIPE) as reader:
        subprocess.run(write, stdin=reader.stdout, check=True)
    if reader.returncode:
        raise SystemExit(f"COPY {table} from tt failed")


def turns(figures, name, unit, ours, theirs, runs, more_is_better=True):
    """Measures both in turn after one unmeasured run each; the ratio is how many times better ours is."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(runs)]
    mine, yours = (statistics.median(side) for side in zip(*pairs))
    figures[f"{name}, {unit}"] = mine
    figures[f"{name}, PostgreSQL, {unit}"] = yours
    figures[f"{name}, times PostgreSQL"] = mine / yours if more_is_better else yours / mine
    print(f"{name}: {mine:,.1f} {unit}, PostgreSQL {yours:,.1f}; {pairs}", flush=True)


class Memory:
    """The most resident bytes of a server while something runs."""

    def __init__(self, server):
        self.server, self.most, self.done = server, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.done.wait(0.02):
            self.most = max(self.most, self.server.memory())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def copied(table, key, ours, theirs):
    """The rows of a table of ours in a table there, with a primary key."""
    columns = text(ours, f"""SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0""").strip()
    psql(theirs, f"CREATE TABLE {table} ({columns})")
    copy(table, ours, theirs)
    psql(theirs, f"ALTER TABLE {table} ADD PRIMARY KEY ({key})")
    psql(theirs, f"VACUUM ANALYZE {table}")


def lookups(tt, scratch, postgres, options, figures):
    quiet = {"TT__SIMULATOR__RATE": str(options.rate)}

    def script(statement):
        path = scratch / "statement.sql"
        path.write_text(statement)
        return path

    with Server(tt, "demo", "--data", scratch / "demo", environment=quiet) as server:
        until = time.monotonic() + 30
        while text(server.pg, LITERAL).strip() == "" and time.monotonic() < until:
            time.sleep(0.2)
        for table, key in KEYS.items():
            copied(table, key, server.pg, postgres.port)
        expiration = text(server.pg, "SELECT min(expiration) FROM option_chains WHERE underlying = 'AAPL'").strip()
        values = ["-M", "prepared", "-D", "symbol=AAPL", "-D", f"expiration={expiration}"]
        same = "SELECT symbol, bid IS NULL, pg_typeof(bid) FROM quotes WHERE symbol = 'AAPL'"
        checks = [same] + [KEYED[name].replace(":symbol", "'AAPL'").replace(":expiration", f"'{expiration}'") for name in KEYED]
        for check in checks:
            if sorted(text(server.pg, check).split("\n")) != sorted(text(postgres.port, check).split("\n")):
                raise SystemExit(f"the two servers differ on {check}")
        on = lambda port, statement, *arguments: lambda: pgbench(port, script(statement), options.seconds, *arguments)
        both = [
            ("prepared point lookup, 4 clients", LOOKUP, values),
            ("point lookup by the simple protocol, 4 clients", LITERAL, ["-M", "simple"]),
            ("prepared SELECT 1, 4 clients", ONE, ["-M", "prepared"]),
            ("connect, SELECT 1, close, 4 clients", ONE, ["-C"]),
        ] + [(f"{name}, prepared, 4 clients", statement, values) for name, statement in KEYED.items()]
        for name, statement, arguments in both:
            sides = [on(port, statement, *arguments) for port in (server.pg, postgres.port)]
            turns(figures, name, "per second", *sides, options.runs)
        for name, statement in OURS_ALONE.items():
            rate = statistics.median(on(server.pg, statement, *values)() for _ in range(options.runs))
            figures[f"{name}, prepared, 4 clients, per second"] = rate
            print(f"{name}: {rate:,.1f} per second", flush=True)


def transfers(tt, scratch, postgres, options, figures):
    files = scratch / "files"
    files.mkdir()
    rows = metastock(files, options.rows) * SESSIONS
    subprocess.run([tt, "import", "metastock", files, "--data", scratch / "big"], check=True, capture_output=True)
    shutil.rmtree(files)
    with Server(tt, "serve", "--read-only", "--data", scratch / "big") as server:
        psql(postgres.port, "DROP TABLE eod")
        psql(postgres.port, BARS)
        copy("eod", server.pg, postgres.port)
        psql(postgres.port, "ALTER TABLE eod ADD PRIMARY KEY (symbol, date)")
        psql(postgres.port, "VACUUM ANALYZE eod")
        for check in ["SELECT count(*) FROM eod", "SELECT * FROM eod WHERE symbol = 'QAAAZ' ORDER BY date"]:
            if text(server.pg, check) != text(postgres.port, check):
                raise SystemExit(f"the two servers differ on {check}")
        figures["rows transferred"] = rows
        with Memory(server) as memory:
            for form in ("text", "csv", "binary"):
                both = [lambda port=port: rows / transfer(port, form) for port in (server.pg, postgres.port)]
                turns(figures, f"transfer by COPY {form}", "rows per second", *both, options.runs)
        figures["server memory, most while transferring, MB"] = memory.most / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tt", required=True, help="the binary to measure")
    parser.add_argument("--rows", type=int, default=5_000_000, help="daily bars to transfer")
    parser.add_argument("--seconds", type=int, default=10, help="length of each run of pgbench")
    parser.add_argument("--runs", type=int, default=3, help="measured runs of each, of which the median counts")
    parser.add_argument("--rate", type=int, default=100, help="quotes a second that come in during the lookups")
    parser.add_argument("--out", help="folder for summary.md and raw.json")
    options = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        scratch.chmod(0o755)
        (scratch / "postgres").mkdir()
        with PostgreSQL(scratch / "postgres") as postgres:
            version = text(postgres.port, "SHOW server_version").split()[0]
            lookups(options.tt, scratch, postgres, options, figures)
            transfers(options.tt, scratch, postgres, options, figures)
    about = f"{options.rows:,} daily bars; PostgreSQL {version}; pgbench and psql on loopback; medians of {options.runs} runs in turn"
    report(options.out, about, figures)


if __name__ == "__main__":
    main()
