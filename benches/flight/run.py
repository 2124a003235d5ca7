#!/usr/bin/env python3
"""Measures Flight SQL: the transfer of a large table to a client that drops it, beside a bare Arrow Flight server that sends
the same batches from memory, and beside ROAPI over the same parquet files; and a small statement's round trip beside Postgres.

    cargo build --release --bin tt --example flight_bare
    python3 benches/flight/run.py --tt PATH_TO_TT --bare PATH_TO_FLIGHT_BARE [--rows 27000000] [--out benches/runs/NAME]

Needs the Python packages psycopg[binary], duckdb, pytz and roapi (its program on the PATH), about 100 bytes of disk and 200 of
memory a row. Prints a table; --out also writes it as flight.md and the raw figures as flight.json. All servers and the client share the
machine: quote ratios.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from run import Server, metastock

SQL = "SELECT * FROM eod"
BARE = "bare Arrow Flight server, from memory"
SMALL = "SELECT date, close FROM eod WHERE symbol = 'QAAAA' ORDER BY date DESC LIMIT 5"


def ready(process, key):
    """The address in a ready line."""
    for line in process.stdout:
        if line.startswith("ready "):
            return dict(part.split("=", 1) for part in line.split()[1:])[key]
    raise SystemExit("a server ended before it was ready")


def ask(bare, *arguments):
    """One run of the client."""
    return json.loads(subprocess.run([bare, *arguments], check=True, capture_output=True, text=True).stdout)


@contextlib.contextmanager
def started(command, **streams):
    """A process that ends with the block."""
    process = subprocess.Popen(command, text=True, **streams)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def roapi(bare, lake, in_memory, port):
    """ROAPI over the lake's own files: all of them loaded into memory (its default), or read for each statement. Gives its
    address, or `None` and the last it said."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config, tempfile.TemporaryFile("w+") as log:
        option = f"{{ format: parquet, use_memory_table: {'true' if in_memory else 'false'} }}"
        config.write(f"tables:\n  - name: eod\n    uri: {lake}/eod/\n    option: {option}\n")
        config.flush()
        http, postgres, flight = (f"127.0.0.1:{port + place}" for place in range(3))
        command = ["roapi", "-c", config.name, "--addr-http", http, "--addr-postgres", postgres, "--addr-flight-sql", flight]
        with started(command, stdout=log, stderr=log) as process:
            yield (flight, None) if answers(bare, flight, process) else (None, last_line(log))


def answers(bare, address, process):
    """Whether it begins to answer; loading takes it its time."""
    deadline = time.monotonic() + 600
    while process.poll() is None and time.monotonic() < deadline:
        if subprocess.run([bare, "fetch", address, "SELECT 1", "1"], capture_output=True).returncode == 0:
            return True
        time.sleep(0.2)
    return False


def last_line(log):
    log.seek(0)
    return (log.read().splitlines() or ["it said nothing"])[-1]


def transfers(bare, servers, runs):
    """Rows and gigabytes a second of each server, medians of runs in turn. One warm-up each."""
    found = {name: [] for name in servers}
    for run in range(runs + 1):
        for name, (address, endpoints) in servers.items():
            one = ask(bare, "fetch", address, SQL, str(endpoints))
            if run > 0:
                found[name].append(one)
    figures = {}
    for name, all in found.items():
        rows, size = all[0]["rows"], all[0]["bytes"]
        seconds = statistics.median(one["seconds"] for one in all)
        figures[name] = {"rows": rows, "bytes": size, "seconds": seconds, "rows_per_s": rows / seconds, "gb_per_s": size / seconds / 1e9, "endpoints": all[0]["endpoints"]}
    return figures


def small(bare, server, figures):
    """The same small statement over both front ends, one connection each."""
    figures["small statement, Flight SQL"] = ask(bare, "trips", server.flight, SMALL, "500")["seconds"]
    with server.connect() as connection:
        seconds = []
        for _ in range(500):
            began = time.perf_counter()
            connection.execute(SMALL, prepare=False).fetchall()
            seconds.append(time.perf_counter() - began)
    figures["small statement, Postgres"] = statistics.median(seconds)


def report(figures):
    """A table of all that was measured, against the bare server."""
    bare = figures[BARE]
    lines = ["| transfer | rows | seconds | rows/s | GB/s | of the bare server |", "|---|---|---|---|---|---|"]
    for name, one in figures.items():
        if isinstance(one, dict):
            ratio = one["rows_per_s"] / bare["rows_per_s"]
            lines.append(f"| {name} | {one['rows']:,} | {one['seconds']:.2f} | {one['rows_per_s'] / 1e6:.2f} M | {one['gb_per_s']:.2f} | {ratio:.0%} |")
        elif isinstance(one, str):
            lines.append(f"| {name} | did not start: {one} | | | | |")
    lines += ["", "| round trip | ms |", "|---|---|"]
    lines += [f"| {name} | {one * 1e3:.2f} |" for name, one in figures.items() if isinstance(one, float)]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tt", required=True)
    parser.add_argument("--bare", required=True)
    parser.add_argument("--rows", type=int, default=27_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--data", help="a lake that was made before")
    parser.add_argument("--out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        data = pathlib.Path(options.data or pathlib.Path(work) / "data")
        if not (data / "lake/eod").exists():
            files = pathlib.Path(work) / "files"
            files.mkdir()
            metastock(files, options.rows)
            subprocess.run([options.tt, "import", "metastock", str(files), "--data", str(data)], check=True, capture_output=True)
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(Server(options.tt, "serve", "--read-only", "--data", str(data)))
            memory = stack.enter_context(started([options.bare, "serve", server.flight, SQL], stdout=subprocess.PIPE))
            servers = {"tt": (server.flight, 1), "tt, four endpoints": (server.flight, 4), BARE: (ready(memory, "flight"), 1)}
            silent = {}
            for name, in_memory, port in (("ROAPI, files", False, 18080), ("ROAPI, all in memory", True, 18090)):
                address, reason = stack.enter_context(roapi(options.bare, data / "lake", in_memory, port))
                if address:
                    servers[name] = (address, 1)
                else:
                    silent[name] = reason
            figures = transfers(options.bare, servers, options.runs) | silent
            wrong = [name for name, one in figures.items() if isinstance(one, dict) and one["rows"] != figures["tt"]["rows"]]
            if wrong:
                raise SystemExit(f"not all rows came: {figures}")
            small(options.bare, server, figures)
    table = report(figures)
    print(table)
    if options.out:
        out = pathlib.Path(options.out)
        out.mkdir(parents=True, exist_ok=True)
        machine = f"{os.cpu_count()} processors, {platform.machine()}, {platform.system()} {platform.release()}"
        (out / "flight.md").write_text(f"# Flight SQL\n\n{machine}; server and client on the same machine.\n\n{table}\n")
        (out / "flight.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
