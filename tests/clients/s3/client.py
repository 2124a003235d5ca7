"""A lake on an S3-compatible store: commits under faults and kills, two servers, and a store that cannot hold a lake.

    pip install -r requirements.txt
    python client.py [--all]               # TT is the program

The store is PyPI's `moto`. Between it and `tt` stands a proxy with faults (`faults.py`). What is in the lake at the end is read
by `tt`, and by `deltalake` from the store itself. `--all` makes 200 commits and 20 kills.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import boto3
import psycopg
from deltalake import DeltaTable
from faults import Faults, Proxy
from moto.server import ThreadedMotoServer

TT = os.environ["TT"]
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
SYMBOLS = ("AAA", "BBB", "CCC")
FIRST = date(2024, 1, 2)


def check(what: str, got: object, wanted: object) -> None:
    """Fails with a sentence, also under `python -O`."""
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, not {wanted!r}")


def within(seconds: float, what: str, holds: Callable[[], bool]) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not in {seconds} s")
        time.sleep(0.05)


class Store:
    """The bucket, as it is behind the proxy."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self.url = f"http://{host}:{port}"
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def bucket(self, name: str) -> str:
        """Makes a bucket; gives the location of a lake in it."""
        self.client.create_bucket(Bucket=name)
        return f"s3://{name}/market"

    def versions(self, location: str, table: str) -> list[int]:
        """The versions that the log of a table has entries for."""
        bucket, prefix = location.removeprefix("s3://").split("/", 1)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/lake/{table}/_delta_log/")
        names = [Path(item["Key"]).name for page in pages for item in page.get("Contents", [])]
        return sorted(int(name.removesuffix(".json")) for name in names if name.endswith(".json") and name[:-5].isdigit())

    def table(self, location: str, table: str) -> DeltaTable:
        """A table as delta-rs reads it."""
        options = {**KEYS, "AWS_ENDPOINT_URL": self.url, "AWS_ALLOW_HTTP": "true"}
        return DeltaTable(f"{location}/lake/{table}", storage_options=options)


class Program:
    """`tt` with a lake at a location behind an endpoint."""

    def __init__(self, place: Path, endpoint: str, location: str) -> None:
        self.place, self.location = place, location
        self.config = place / f"{location.split('/')[2]}.toml"
        self.config.write_text(f'[lake]\nendpoint = "{endpoint}"\nallow_http = true\n')
        self.environment = {**os.environ, **KEYS}

    def arguments(self, *words: str) -> list[str]:
        return [TT, *words, "--config", str(self.config), "--data", self.location]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts it; what it says is kept."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.arguments(*words), stdout=pipe, stderr=pipe, text=True, env=self.environment, cwd=self.place
        )

    def run(self, *words: str) -> tuple[int, str]:
        """Runs it to its end: the exit code, and what it said."""
        done = subprocess.run(
            self.arguments(*words), capture_output=True, text=True, env=self.environment, cwd=self.place, timeout=300
        )
        return done.returncode, done.stdout + done.stderr

    def rows(self, sql: str) -> list[dict[str, object]]:
        """The rows of a query in process."""
        done = subprocess.run(
            self.arguments("query", "--format", "json", sql),
            capture_output=True, text=True, env=self.environment, cwd=self.place, timeout=300,
        )
        if done.returncode:
            raise AssertionError(f"{sql}: {done.stderr}")
        return json.loads(done.stdout)

    @contextmanager
    def server(self, *words: str):
        """A server on free ports; gives the settings of a connection to it."""
        free = "127.0.0.1:0"
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                self.arguments(*words, "--pg", free, "--flight", free, "--http", free),
                stdout=subprocess.PIPE, stderr=said, text=True, env=self.environment, cwd=self.place,
            )
            try:
                ready = next((line for line in process.stdout if line.startswith("ready ")), None)
                if ready is None:
                    said.seek(0)
                    raise AssertionError(f"{words[0]} is not ready: {said.read()[-2000:]}")
                host, port = ready.split("pg=")[1].split()[0].rsplit(":", 1)
                yield f"host={host} port={port} user=tt dbname=tt"
            finally:
                process.send_signal(signal.SIGTERM)
                process.stdout.read()
                process.wait(30)


def bars(place: Path, number: int) -> Path:
    """A file with one day of each symbol."""
    day = FIRST + timedelta(days=number)
    while day.weekday() > 4:
        day += timedelta(days=1)
    lines = [f"{symbol},{day:%Y%m%d},10,12,9,{10 + index},1000" for index, symbol in enumerate(SYMBOLS)]
    file = place / "bars.txt"
    file.write_text("<TICKER>,<DTYYYYMMDD>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n" + "\n".join(lines) + "\n")
    return file


def commits_under_faults(store: Store, place: Path, commits: int, kills: int) -> None:
    """Imports, a commit each, through a store that fails, some killed on the way: none is lost, none is there twice."""
    location, faults, moments = store.bucket("faults"), Faults(seed=7, chance=0.15), random.Random(7)
    killed = set(moments.sample(range(commits), kills))
    # Seven days hold five sessions: every import has a day of its own.
    days = [number for number in range(commits * 2) if (FIRST + timedelta(days=number)).weekday() < 5][:commits]
    with Proxy(store.address, faults) as endpoint:
        program = Program(place, endpoint, location)
        took = 1.0
        for number, day in enumerate(days):
            file = bars(place, day)
            if number in killed:
                process = program.start("import", "metastock", str(file))
                time.sleep(moments.uniform(0, took))
                process.kill()
                process.communicate()
            began = time.monotonic()
            code, said = program.run("import", "metastock", str(file))
            took = time.monotonic() - began
            check(f"import {number}: {said[-500:]}", code, 0)
        wanted = len(days) * len(SYMBOLS)
        counted = program.rows("SELECT count(*) AS n, count(DISTINCT (symbol, date)) AS keys FROM eod")
        check("bars", counted, [{"n": wanted, "keys": wanted}])
    lost = faults.counted["lost"]
    print(f"{dict(faults.counted)}")
    check("whether answers were lost", lost > 0, True)
    versions = store.versions(location, "eod")
    check("versions", versions, list(range(versions[0], versions[-1] + 1)))
    check("commits", len(versions), len(days))
    held = store.table(location, "eod").to_pyarrow_table().select(["symbol", "date"])
    check("bars as delta-rs reads them", (held.num_rows, held.group_by(["symbol", "date"]).aggregate([]).num_rows), (wanted,) * 2)


def servers(store: Store, place: Path) -> None:
    """A server that collects, and one that only reads the same lake."""
    location, faults = store.bucket("servers"), Faults(seed=3, chance=0.02)
    with Proxy(store.address, faults) as endpoint:
        program = Program(place, endpoint, location)
        with program.server("demo") as writer, psycopg.connect(writer, autocommit=True) as writing:
            bars_held = writing.execute("SELECT count(*) FROM eod").fetchone()
            check("bars", bars_held[0] > 100_000, True)
            twice = "SELECT count(*) FROM (SELECT 1 FROM eod GROUP BY symbol, date HAVING count(*) > 1) t"
            check("bars that are there twice", writing.execute(twice).fetchone(), (0,))
            with program.server("serve", "--read-only") as reader, psycopg.connect(reader, autocommit=True) as reading:
                check("bars of the reader", reading.execute("SELECT count(*) FROM eod").fetchone()[0], bars_held[0])
                count = "SELECT count(*), count(DISTINCT (symbol, updated_at)) FROM market_metrics_history"
                before = reading.execute(count).fetchone()
                for _ in range(5):
                    writing.execute("REFRESH TABLE market_metrics")
                wanted = writing.execute(count).fetchone()
                check("metrics that are there twice", wanted[0] - wanted[1], 0)
                check("whether there are more than before", wanted > before, True)
                within(10, "the reader sees a commit", lambda: reading.execute(count).fetchone() >= wanted)
                held = "SELECT count(*) FROM quotes_history"
                within(120, "quotes reach the store", lambda: reading.execute(held).fetchone()[0] > 0)
                latest = "SELECT count(*), max(fetched_at) FROM market_metrics"
                past = writing.execute(latest).fetchone()
                moment = writing.execute("SELECT clock_timestamp()").fetchone()[0]
                writing.execute("REFRESH TABLE market_metrics")
                check("whether a refresh renews", writing.execute(latest).fetchone() > past, True)
                for connection in (reading, writing):
                    connection.execute(f"SET as_of = '{moment.isoformat()}'")
                    check("a moment of the past", connection.execute(latest).fetchone(), past)
        for table in ("market_metrics_history", "eod", "quotes_history"):
            versions = store.versions(location, table)
            check(f"versions of {table}", versions, list(range(versions[0], versions[-1] + 1)))
        for words in (("lake", "compact"), ("lake", "vacuum"), ("lake", "check")):
            code, said = program.run(*words)
            check(f"tt {' '.join(words)}: {said[-500:]}", code, 0)
        after = program.rows("SELECT count(*) AS n FROM eod")
        check("bars after upkeep", after, [{"n": bars_held[0]}])
    read = store.table(location, "quotes_history").to_pyarrow_table().num_rows
    check("quotes as delta-rs reads them", read > 0, True)


def refused(store: Store, place: Path) -> None:
    """A store that ignores the conditions of a write loses commits of two writers: it is refused, and nothing is written."""
    location = store.bucket("refused")
    with Proxy(store.address, Faults(conditions=False)) as endpoint:
        program = Program(place, endpoint, location)
        code, said = program.run("import", "metastock", str(bars(place, 0)))
        check("exit code of an import", code, 1)
        check(f"the reason: {said}", "ignores If-None-Match" in said, True)
        process = program.start("demo", "--pg", "127.0.0.1:0", "--flight", "127.0.0.1:0", "--http", "127.0.0.1:0")
        said = "".join(process.communicate(timeout=60))
        check(f"exit code of a server: {said}", process.returncode != 0 and "ignores If-None-Match" in said, True)
    left = store.client.list_objects_v2(Bucket="refused").get("KeyCount")
    check("objects that are left", left, 0)


def main() -> int:
    """Runs all of it."""
    long = "--all" in sys.argv[1:]
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        store = Store(*moto.get_host_and_port())
        with tempfile.TemporaryDirectory() as place:
            refused(store, Path(place))
            commits_under_faults(store, Path(place), 200 if long else 12, 20 if long else 3)
            servers(store, Path(place))
    finally:
        moto.stop()
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
