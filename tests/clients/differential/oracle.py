"""A private PostgreSQL from Debian's package with a copy of the server's tables: what `tt` is compared with."""

import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

# Tables whose rows stay while the comparison runs. The live ones change with every event.
TABLES = ("calendar", "dividends", "earnings", "eod", "expirations", "market_metrics", "option_chains", "symbols")

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
    """Started on entry, stopped and removed on exit. `conninfo` says how to reach it."""

    def __enter__(self) -> "Oracle":
        # PostgreSQL does not run as root.
        self.account = "postgres" if os.geteuid() == 0 else None
        self.place = Path(tempfile.mkdtemp(prefix="oracle-"))
        if self.account:
            shutil.chown(self.place, self.account)
        port = free_port()
        self.conninfo = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        initdb = [programs() / "initdb", "-D", self.place / "data", "-E", "UTF8", "--locale=C", "-A", "trust", "-U", "postgres", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=self.account, cwd=self.place)
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        serve = [programs() / "postgres", "-D", self.place / "data", "-p", str(port), "-k", self.place, *settings]
        self.process = subprocess.Popen(serve, stderr=subprocess.DEVNULL, user=self.account, cwd=self.place)
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.conninfo).close()
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


def copy_tables(server: str, oracle: str) -> dict[str, int]:
    """Makes the server's tables in PostgreSQL, with keys and rows; the number of rows by table."""
    counts = {}
    with psycopg.connect(server, autocommit=True) as source, psycopg.connect(oracle, autocommit=True) as target:
        for table in TABLES:
            columns = source.execute(COLUMNS, (f"public.{table}",)).fetchall()
            key = ", ".join(name for (name,) in source.execute(KEY, (f"public.{table}",)))
            names = ", ".join(f'"{name}"' for name, _, _ in columns)
            parts = [f'"{name}" {kind}{" NOT NULL" if required else ""}' for name, kind, required in columns]
            target.execute(f"CREATE TABLE {table} ({', '.join(parts)}{f', PRIMARY KEY ({key})' if key else ''})")
            with (
                source.cursor().copy(f"COPY (SELECT {names} FROM {table}) TO STDOUT") as rows,
                target.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as into,
            ):
                for part in rows:
                    into.write(part)
            counts[table] = target.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        target.execute("ANALYZE")
    return counts
