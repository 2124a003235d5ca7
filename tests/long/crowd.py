"""Clients of a soak: each a function that works until it is told to stop, in a thread of its own.

A failure that the faults of the venue or the limit of memory explain is counted by its SQLSTATE; any other is a fault.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from server import Server

# Too old, and no source to ask; memory; a cancel.
EXPECTED = {"TT001", "TT002", "53200"}
BEHIND_SECONDS = 60
SYMBOLS = ["SPY", "QQQ", "AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "AMD", "IWM", "DIA"]
SIMPLE = [
    "SELECT 1",
    "SELECT count(*) FROM symbols",
    "SELECT * FROM movers ORDER BY rank LIMIT 20",
    "SELECT symbol, bid, ask FROM quotes ORDER BY symbol LIMIT 100",
    "SELECT dataset, state, age FROM system.freshness",
    "SELECT symbol, count(*), max(price) FROM trades_history GROUP BY symbol ORDER BY 2 DESC LIMIT 5",
    "SELECT table_name, column_name FROM information_schema.columns ORDER BY 1, 2",
    "SELECT q.symbol, q.bid, m.iv_index FROM quotes q JOIN market_metrics m USING (symbol) LIMIT 50",
]


@dataclass
class Crowd:
    """What the clients share: when to stop, what they did, what went wrong."""

    server: Server
    seed: int
    over: threading.Event = field(default_factory=threading.Event)
    done: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def fault(self, who: str, what: str) -> None:
        """Notes what must not be; the first ones are kept."""
        self.done[f"{who} faults"] += 1
        if self.done[f"{who} faults"] <= 5:
            self.faults.append(f"{who}: {what}")

    def send(self, act: Callable[["Crowd", random.Random], None], pause: float) -> None:
        """Starts a client that acts again and again, with pauses of up to twice `pause` seconds."""
        name = act.__name__

        def work() -> None:
            chance = random.Random(f"{self.seed} {name}")
            while not self.over.wait(chance.uniform(0, 2 * pause)):
                try:
                    act(self, chance)
                    self.done[name] += 1
                except psycopg.Error as error:
                    if error.sqlstate in EXPECTED:
                        self.refused[f"{name} {error.sqlstate}"] += 1
                    elif not self.over.is_set():
                        self.fault(name, f"{error.sqlstate}: {str(error).splitlines()[0] if str(error) else error!r}")
                except Exception as error:  # Whatever a driver raises is of the same interest.
                    if not self.over.is_set():
                        self.fault(name, repr(error)[:300])

        self.threads.append(threading.Thread(target=work, name=name, daemon=True))
        self.threads[-1].start()

    def end(self) -> None:
        """Tells them all to stop, and waits."""
        self.over.set()
        for thread in self.threads:
            thread.join(60)
            if thread.is_alive():
                self.fault(thread.name, "does not end")


def simple(crowd: Crowd, chance: random.Random) -> None:
    """A session of simple queries, some of several statements, as psql sends them."""
    with crowd.server.connect() as connection:
        cursor = psycopg.ClientCursor(connection)
        for _ in range(10):
            cursor.execute(chance.choice(SIMPLE)).fetchall()
        cursor.execute("BEGIN; SELECT count(*) FROM eod; COMMIT")


def prepared(crowd: Crowd, chance: random.Random) -> None:
    """A prepared statement, run with many parameters."""
    sql = "SELECT date, close FROM eod WHERE symbol = %s AND date >= %s ORDER BY date"
    with crowd.server.connect() as connection:
        for _ in range(30):
            connection.execute(sql, [chance.choice(SYMBOLS), "2024-01-01"], prepare=True).fetchall()


def transaction(crowd: Crowd, chance: random.Random) -> None:
    """Sums over parts equal the sum over the whole, in a transaction that reads one version throughout."""
    with crowd.server.connect() as connection:
        connection.execute("SET freshness = 'serve'")
        with connection.transaction():
            parts = "SELECT sum(n), sum(v) FROM (SELECT symbol, count(*) AS n, sum(volume) AS v FROM eod GROUP BY symbol) AS t"
            whole = connection.execute("SELECT count(*), sum(volume) FROM eod").fetchone()
            summed = connection.execute(parts).fetchone()
    if tuple(map(int, whole)) != tuple(map(int, summed)):
        crowd.fault("transaction", f"{whole} in whole, {summed} by symbol")


def copy(crowd: Crowd, chance: random.Random) -> None:
    """As many rows are copied as there are."""
    symbols = chance.sample(SYMBOLS, 5)
    where = f"symbol IN ({', '.join(map(repr, symbols))}) AND date < date '2026-01-01'"
    with crowd.server.connect() as connection, connection.cursor() as cursor:
        wanted = cursor.execute(f"SELECT count(*) FROM eod WHERE {where}").fetchone()[0]
        with cursor.copy(f"COPY (SELECT * FROM eod WHERE {where}) TO STDOUT") as rows:
            got = sum(bytes(part).count(b"\n") for part in rows)
    if got != wanted:
        crowd.fault("copy", f"{got} rows copied of {wanted}")


def sort(crowd: Crowd, chance: random.Random) -> None:
    """Large sorts and windows, of which a client reads the beginning or all."""
    connection = crowd.server.connect()
    with connection, connection.transaction(), connection.cursor(name="sorted") as cursor:
        cursor.execute(
            "SELECT symbol, date, close, rank() OVER (PARTITION BY date ORDER BY volume DESC) FROM eod ORDER BY close, volume"
        )
        for _ in range(chance.choice([1, 20])):
            cursor.fetchmany(1000)


def cancel(crowd: Crowd, chance: random.Random) -> None:
    """A statement that would run for ever ends when it is cancelled."""
    with crowd.server.connect() as connection:
        timer = threading.Timer(chance.uniform(0.05, 0.5), connection.cancel_safe)
        timer.start()
        began = time.monotonic()
        try:
            connection.execute("SELECT count(*) FROM eod a, eod b WHERE a.close < b.open").fetchall()
            crowd.fault("cancel", "the statement ended by itself")
        except psycopg.errors.QueryCanceled:
            if time.monotonic() - began > 20:
                crowd.fault("cancel", f"obeyed after {time.monotonic() - began:.1f} s")
        finally:
            timer.join()
        connection.execute("SELECT 1").fetchone()


def vanish(crowd: Crowd, chance: random.Random) -> None:
    """A client that goes in the middle of its rows."""
    connection = crowd.server.connect()
    try:
        rows = connection.cursor().stream("SELECT * FROM eod")
        for _ in range(chance.randrange(1, 200)):
            next(rows)
    finally:
        connection.pgconn.finish()


def refresh(crowd: Crowd, chance: random.Random) -> None:
    """A refresh by hand."""
    table = chance.choice(["market_metrics", "market_data", "dividends", "earnings", "symbols", "calendar"])
    with crowd.server.connect() as connection:
        connection.execute(f"REFRESH TABLE {table}")


def flight(crowd: Crowd, chance: random.Random) -> None:
    """Arrow over Flight SQL: a result, parameters, and some events of a live stream."""
    import adbc_driver_flightsql.dbapi as flightsql

    with flightsql.connect(f"grpc://{crowd.server.flight}", autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT symbol, count(*) FROM eod GROUP BY symbol")
        cursor.fetch_arrow_table()
        cursor.execute("SELECT * FROM eod WHERE symbol = $1", (chance.choice(SYMBOLS),))
        cursor.fetch_arrow_table()
        cursor.execute("SELECT symbol, bid, ask FROM live.quotes LIMIT 200")
        if cursor.fetch_arrow_table().num_rows != 200:
            crowd.fault("flight", "a stream of 200 events had others")


@dataclass
class Second:
    """What a follower saw of one second."""

    events: int = 0
    sizes: int = 0


@dataclass
class Follower:
    """Follows every quote for as long as it may, and remembers each whole second of arrival."""

    seconds: dict[int, Second] = field(default_factory=dict)
    # Seconds in which a stream began or ended, or was behind.
    torn: set[int] = field(default_factory=set)
    missed: int = 0

    def follow(self, crowd: Crowd, chance: random.Random) -> None:
        """One stream, of up to a minute."""
        sql = "SELECT extract(epoch FROM received_at)::float8, bid_size, missed FROM live.quotes"
        until, newest, first = time.monotonic() + 60, None, True
        connection = crowd.server.connect()
        try:
            for moment, size, missed in connection.cursor().stream(sql):
                second = int(moment)
                if first:
                    self.torn.add(second)
                    first = False
                if newest is None or second > newest:
                    newest = second
                    if crowd.over.is_set() or time.monotonic() > until:
                        self.torn.add(second)
                        break
                if missed:
                    # Lost since the row before of that symbol, which may be some time ago.
                    self.missed += missed
                    self.torn.update(range(second - BEHIND_SECONDS, second + 1))
                seen = self.seconds.setdefault(second, Second())
                seen.events, seen.sizes = seen.events + 1, seen.sizes + (size or 0)
        finally:
            if newest is not None:
                self.torn.update((newest, newest - 1))
            connection.pgconn.finish()

    def compare(self, connection: psycopg.Connection) -> tuple[int, list[str]]:
        """How many seconds were compared with the history, and those that differ."""
        kept = {
            int(second): (count, sizes) for second, count, sizes in connection.execute(
                "SELECT floor(extract(epoch FROM received_at))::bigint, count(*), coalesce(sum(bid_size), 0)::bigint "
                "FROM quotes_history GROUP BY 1"
            ).fetchall()
        }
        whole = {second: seen for second, seen in self.seconds.items() if second not in self.torn}
        faults = [
            f"second {second}: {seen.events} quotes of {seen.sizes} followed, {kept.get(second)} kept"
            for second, seen in sorted(whole.items()) if kept.get(second) != (seen.events, seen.sizes)
        ]
        return len(whole), faults
