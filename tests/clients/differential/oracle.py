"""A private PostgreSQL from Debian's package with a copy of the server's tables: what `tt` is compared with."""

import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

# Tables whose rows stay while the comparison runs. The live ones change with every event.
TABLES = ("calendar", "dividends", "earnings", "eod", "expirations", "market_metrics", "option_chains", "symbols")

READER = "reader"
COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum
"""
KEY = """
    SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indisprimary AND i.indrelid = %s::regclass ORDER BY a.attnum
"""
# Plans of one process only, so that the rows of a run are those of the next one.
SETTINGS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "timezone": "UTC", "listen_addresses": "127.0.0.1",
    "jit": "off", "max_parallel_workers_per_gather": "0", "autovacuum": "off", "log_min_messages": "fatal",
}  # fmt: skip


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def programs() -> Path:
    """The folder of `initdb` and `postgres`, which Debian keeps off the path."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    place = found[-1] if found else shutil.which("initdb")
    if not place:
        raise SystemExit("PostgreSQL's server is not installed: apt-get install postgresql")
    return Path(place).parent


class Oracle:
    """Started on entry, stopped and removed on exit. `owner` makes the tables, `conninfo` asks."""

    def __enter__(self) -> "Oracle":
        # PostgreSQL does not run as root.
        self.account = "postgres" if os.geteuid() == 0 else None
        self.place = Path(tempfile.mkdtemp(prefix="oracle-"))
        if self.account:
            shutil.chown(self.place, self.account)
        port = free_port()
        self.owner = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        # Statements come from a generator: they are sent by a role that may only read.
        self.conninfo = f"host=127.0.0.1 port={port} user={READER} dbname=postgres"
        # Text is ordered by its bytes, and its letters are those of Unicode.
        locale = ("--locale=C", "--lc-ctype=C.UTF-8")
        initdb = [programs() / "initdb", "-D", self.place / "data", "-E", "UTF8", *locale, "-A", "trust", "-U", "postgres", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=self.account, cwd=self.place)
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        serve = [programs() / "postgres", "-D", self.place / "data", "-p", str(port), "-k", self.place, *settings]
        self.process = subprocess.Popen(serve, stderr=subprocess.DEVNULL, user=self.account, cwd=self.place)
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.owner).close()
                return self
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        # SIGINT is the fast shutdown: it does not wait for clients.
        self.process.send_signal(2)
        self.process.wait(30)
        shutil.rmtree(self.place)


class Copy:
    """The server's tables in PostgreSQL, and how to make them anew after a refresh."""

    def __init__(self, server: str, owner: str) -> None:
        self.server, self.owner = server, owner
        self.versions = self.found()
        with self.connections() as (source, target):
            target.execute(f"CREATE ROLE {READER} LOGIN; REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC")
            for table in TABLES:
                make(table, source, target)
                fill(table, source, target)
            target.execute("ANALYZE")

    @contextmanager
    def connections(self) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
        """The server, and PostgreSQL as who may write."""
        with psycopg.connect(self.server, autocommit=True) as source, psycopg.connect(self.owner, autocommit=True) as target:
            yield source, target

    def found(self) -> dict[str, tuple]:
        """The number of rows of each table and when they came."""
        with psycopg.connect(self.server, autocommit=True) as source:
            return {table: source.execute(f"SELECT count(*), max(fetched_at) FROM {table}").fetchone() for table in TABLES}

    def renew(self) -> bool:
        """Copies what was refreshed meanwhile; whether anything was."""
        found = self.found()
        refreshed = [table for table in TABLES if found[table] != self.versions[table]]
        with self.connections() as (source, target):
            for table in refreshed:
                target.execute(f"TRUNCATE {table}")
                fill(table, source, target)
        self.versions = found
        return bool(refreshed)


def make(table: str, source: psycopg.Connection, target: psycopg.Connection) -> None:
    """A table of the same columns and key."""
    columns = source.execute(COLUMNS, (f"public.{table}",)).fetchall()
    parts = [f'"{name}" {kind}{" NOT NULL" if required else ""}' for name, kind, required in columns]
    if key := ", ".join(name for (name,) in source.execute(KEY, (f"public.{table}",))):
        parts.append(f"PRIMARY KEY ({key})")
    target.execute(f"CREATE TABLE {table} ({', '.join(parts)})")
    # FOR UPDATE asks for the right to update a column.
    target.execute(f"GRANT SELECT, UPDATE (fetched_at) ON {table} TO {READER}")


def fill(table: str, source: psycopg.Connection, target: psycopg.Connection) -> None:
    """Its rows."""
    columns = ", ".join(f'"{name}"' for (name, _, _) in source.execute(COLUMNS, (f"public.{table}",)))
    with (
        source.cursor().copy(f"COPY (SELECT {columns} FROM {table}) TO STDOUT") as rows,
        target.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as into,
    ):
        for part in rows:
            into.write(part)
