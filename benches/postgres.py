#!/usr/bin/env python3
"""Measures the Postgres front end beside PostgreSQL holding the same rows, on the same machine in the same run.

    python3 benches/postgres.py --tt PATH_TO_TT [--rows 5000000] [--seconds 10] [--out benches/runs/NAME]

- point lookup: pgbench -M prepared, 4 clients, the latest quote of one symbol; and by the simple protocol
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
QUOTES = """CREATE TABLE quotes (symbol text NOT NULL, bid float8, bid_size bigint, ask float8, ask_size bigint, mid float8,
    event_at timestamptz, received_at timestamptz NOT NULL)"""
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


def lookups(tt, scratch, postgres, options, figures):
    quiet = {"TT__SIMULATOR__RATE": str(options.rate)}
    scripts = {}
    for name, script in {"lookup": LOOKUP, "literal": LITERAL, "one": ONE}.items():
        scripts[name] = scratch / f"{name}.sql"
        scripts[name].write_text(script)
    with Server(tt, "demo", "--data", scratch / "demo", environment=quiet) as server:
        until = time.monotonic() + 30
        while text(server.pg, LITERAL).strip() == "" and time.monotonic() < until:
            time.sleep(0.2)
        psql(postgres.port, QUOTES)
        copy("quotes", server.pg, postgres.port)
        psql(postgres.port, "ALTER TABLE quotes ADD PRIMARY KEY (symbol)")
        psql(postgres.port, "VACUUM ANALYZE quotes")
        same = "SELECT symbol, bid IS NULL, pg_typeof(bid) FROM quotes WHERE symbol = 'AAPL'"
        if text(server.pg, same) != text(postgres.port, same):
            raise SystemExit("the two servers hold different quotes")
        on = lambda port, script, *arguments: lambda: pgbench(port, scripts[script], options.seconds, *arguments)
        for name, script, arguments in [
            ("prepared point lookup, 4 clients", "lookup", ["-M", "prepared", "-D", "symbol=AAPL"]),
            ("point lookup by the simple protocol, 4 clients", "literal", ["-M", "simple"]),
            ("prepared SELECT 1, 4 clients", "one", ["-M", "prepared"]),
            ("connect, SELECT 1, close, 4 clients", "one", ["-C"]),
        ]:
            turns(figures, name, "per second", on(server.pg, script, *arguments), on(postgres.port, script, *arguments), options.runs)


def transfers(tt, scratch, postgres, options, figures):
    files = scratch / "files"
    files.mkdir()
    rows = metastock(files, options.rows) * SESSIONS
    subprocess.run([tt, "import", "metastock", files, "--data", scratch / "big"], check=True, capture_output=True)
    shutil.rmtree(files)
    with Server(tt, "serve", "--read-only", "--data", scratch / "big") as server:
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
