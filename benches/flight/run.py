#!/usr/bin/env python3
"""Measures Flight SQL: the transfer of a large table to a client that drops it, beside a bare Arrow Flight server that sends
the same batches from memory, and beside ROAPI over the same parquet files; and a small statement's round trip beside Postgres.

    cargo build --release --bin tt --example flight_bare
    python3 benches/flight/run.py --tt PATH_TO_TT --bare PATH_TO_FLIGHT_BARE [--rows 27000000] [--out benches/runs/NAME]

Needs the Python packages psycopg[binary], duckdb, pytz, pyarrow and roapi, about 100 bytes of disk and 100 bytes of memory a
row. Prints a table; --out also writes it as flight.md and the raw figures as flight.json. All servers and the client share the
machine: quote ratios.
"""

import argparse
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


def transfer(bare, address, runs, endpoints=1):
    """Rows and gigabytes a second, medians."""
    found = [ask(bare, "fetch", address, SQL, str(endpoints)) for _ in range(runs)]
    rows, size = found[0]["rows"], found[0]["bytes"]
    seconds = statistics.median(one["seconds"] for one in found)
    return {"rows": rows, "bytes": size, "seconds": seconds, "rows_per_s": rows / seconds, "gb_per_s": size / seconds / 1e9, "endpoints": found[0]["endpoints"]}


def roapi(bare, data, runs, figures):
    """ROAPI over the lake's own files, as memory table (its default) and as files."""
    for name, memory in (("ROAPI, its default", "true"), ("ROAPI, use_memory_table: false", "false")):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
            config.write(f"tables:\n  - name: eod\n    uri: {data}/eod/\n    option:\n      format: parquet\n      use_memory_table: {memory}\n")
            config.flush()
            ports = ["--addr-http", "127.0.0.1:18080", "--addr-postgres", "127.0.0.1:18433", "--addr-flight-sql", "127.0.0.1:18051"]
            log = tempfile.TemporaryFile()
            process = subprocess.Popen(["roapi", "-c", config.name, *ports], stdout=log, stderr=log)
            try:
                deadline = time.monotonic() + 300
                while True:
                    try:
                        ask(bare, "fetch", "127.0.0.1:18051", "SELECT 1", "1")
                        break
                    except subprocess.CalledProcessError:
                        if time.monotonic() > deadline or process.poll() is not None:
                            figures[name] = None
                            break
                        time.sleep(0.2)
                if name not in figures:
                    figures[name] = transfer(bare, "127.0.0.1:18051", runs)
            finally:
                process.terminate()
                process.wait()


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
    bare = figures["bare Arrow Flight server, from memory"]
    lines = ["| transfer | rows | seconds | rows/s | GB/s | of the bare server |", "|---|---|---|---|---|---|"]
    for name, one in figures.items():
        if isinstance(one, dict):
            ratio = one["rows_per_s"] / bare["rows_per_s"]
            lines.append(f"| {name} | {one['rows']:,} | {one['seconds']:.2f} | {one['rows_per_s'] / 1e6:.2f} M | {one['gb_per_s']:.2f} | {ratio:.0%} |")
        elif one is None:
            lines.append(f"| {name} | did not start | | | | |")
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
        if not (data / "eod").exists():
            files = pathlib.Path(work) / "files"
            files.mkdir()
            metastock(files, options.rows)
            subprocess.run([options.tt, "import", "metastock", str(files), "--data", str(data)], check=True, capture_output=True)
        figures = {}
        with Server(options.tt, "serve", "--read-only", "--data", str(data)) as server:
            figures["tt"] = transfer(options.bare, server.flight, options.runs)
            figures["tt, four endpoints"] = transfer(options.bare, server.flight, options.runs, 4)
            small(options.bare, server, figures)
            memory = subprocess.Popen([options.bare, "serve", server.flight, SQL], stdout=subprocess.PIPE, text=True)
            address = ready(memory, "flight")
        try:
            figures["bare Arrow Flight server, from memory"] = transfer(options.bare, address, options.runs)
        finally:
            memory.terminate()
            memory.wait()
        roapi(options.bare, data, options.runs, figures)
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
