"""Witnesses of what queries showed and when, and what must be true of a lake after its server has lost its power.

A history may lose the events of the last second; everything else that a query has shown is to be there.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from server import Server

SECOND = 1.0
# A history and a whole number of its rows to add up.
# Made of other tables: a refresh of one computes what an input changed, and the other rows stay as old as they were.
DERIVED = ("expirations", "returns_stddev")
HISTORIES = {"quotes_history": "bid_size", "trades_history": "size", "time_and_sales_history": "size"}
CACHED = [
    "calendar", "symbols", "dividends", "earnings", "eod", "market_data", "market_metrics", "market_metrics_history",
    "option_chains", "expirations", "returns_stddev",
]
PAUSE_SECONDS = 0.1
LOAD_SECONDS = 600


@dataclass(frozen=True)
class Events:
    """What a history held at a look: a prefix of its numbers."""

    at: float
    count: int
    last: int
    numbers: int
    sizes: int


@dataclass(frozen=True)
class Rows:
    """What a cached table held at a look; of the two, the version was read first."""

    at: float
    version: int
    loaded_at: object
    count: int
    fetched_at: object


def events_of(cursor: psycopg.Cursor, table: str, where: str = "true") -> tuple[int, int, int, int]:
    """Count, last number, sum of the numbers, and sum of the sizes."""
    sql = f"""
        SELECT count(*), coalesce(max(sequence), 0), coalesce(sum(sequence), 0)::bigint,
            coalesce(sum({HISTORIES[table]}), 0)::bigint
        FROM {table} WHERE {where}"""
    return cursor.execute(sql).fetchone()


@dataclass
class Record:
    """Everything the witnesses saw of one server."""

    events: dict[str, list[Events]] = field(default_factory=lambda: {name: [] for name in HISTORIES})
    rows: dict[str, list[Rows]] = field(default_factory=lambda: {name: [] for name in CACHED})
    # Versions that refreshes told of as theirs, with the moment at which that was read.
    told: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: {name: [] for name in CACHED})
    # When each spool was last asked and told of no error; before the question.
    well: dict[str, float] = field(default_factory=dict)
    # How often one told of an error.
    unwell: int = 0
    # Statements that failed, by their first words: before the first load, or when the server ends.
    failures: list[str] = field(default_factory=list)


class Witnesses:
    """Threads that ask a server again and again until they are dismissed; `also` runs beside them, once and again."""

    def __init__(self, server: Server, *also: Callable[[psycopg.Cursor], None]) -> None:
        self.server, self.record, self.over = server, Record(), threading.Event()
        looks = [lambda cursor, name=name: self._history(cursor, name) for name in HISTORIES]
        self.threads = [
            threading.Thread(target=self._ask, args=(look,), daemon=True)
            for look in [*looks, self._spools, self._tables, *also]
        ]
        for thread in self.threads:
            thread.start()

    def dismiss(self) -> Record:
        """Waits for the threads."""
        self.over.set()
        for thread in self.threads:
            thread.join(30)
        return self.record

    def _ask(self, look: Callable[[psycopg.Cursor], None]) -> None:
        while not self.over.wait(PAUSE_SECONDS):
            try:
                with self.server.connect() as connection, connection.cursor() as cursor:
                    cursor.execute("SET freshness = 'serve'")
                    while not self.over.wait(PAUSE_SECONDS):
                        look(cursor)
            except (psycopg.Error, TypeError) as error:
                self.record.failures.append(str(error).splitlines()[0] if str(error) else repr(error))

    def _history(self, cursor: psycopg.Cursor, table: str) -> None:
        values = events_of(cursor, table)
        self.record.events[table].append(Events(time.monotonic(), *values))

    def _spools(self, cursor: psycopg.Cursor) -> None:
        asked = time.monotonic()
        for table, error in cursor.execute("SELECT dataset, last_error FROM system.spools WHERE spool IS NOT NULL").fetchall():
            if error is None:
                self.record.well[table] = asked
            else:
                self.record.unwell += 1

    def _tables(self, cursor: psycopg.Cursor) -> None:
        ages = "SELECT dataset, version, loaded_at FROM system.freshness WHERE version IS NOT NULL"
        known = {name: (version, loaded_at) for name, version, loaded_at in cursor.execute(ages).fetchall()}
        told = "SELECT dataset, max(version) FROM system.refreshes WHERE error IS NULL AND version IS NOT NULL GROUP BY 1"
        for table, version in cursor.execute(told).fetchall():
            if table in self.record.told:
                self.record.told[table].append((time.monotonic(), version))
        for table in CACHED:
            # One at a time: the server is to do other things than to answer this.
            if table not in known or self.over.wait(PAUSE_SECONDS):
                continue
            count, fetched_at = cursor.execute(f"SELECT count(*), max(fetched_at) FROM {table}").fetchone()
            self.record.rows[table].append(Rows(time.monotonic(), *known[table], count, fetched_at))


def await_loaded(server: Server) -> None:
    """Waits until every cached table of a server that collects has rows."""
    sql = "SELECT dataset FROM system.freshness WHERE version IS NULL AND dataset = ANY(%s)"
    until, left = time.monotonic() + LOAD_SECONDS, CACHED
    with server.connect() as connection:
        while left and time.monotonic() < until:
            left = [name for (name,) in connection.execute(sql, [CACHED]).fetchall()]
            time.sleep(PAUSE_SECONDS)
    if left:
        raise AssertionError(f"not loaded after {LOAD_SECONDS} s: {', '.join(left)}")


def refreshes(server_tables: list[str], pause: float) -> Callable[[psycopg.Cursor], None]:
    """Refreshes tables by hand, one after the other."""
    turn = iter(range(1 << 30))

    def refresh(cursor: psycopg.Cursor) -> None:
        cursor.execute(f"REFRESH TABLE {server_tables[next(turn) % len(server_tables)]}")
        time.sleep(pause)

    return refresh


# What makes a server read every value of a column, by the beginning of its type's name; the statistics of a file tell
# counts and extremes without that.
READING = {
    "text": "sum(length({}))", "boolean": "count(*) FILTER (WHERE {})", "date": "sum(extract(epoch FROM {}))",
    "timestamp": "sum(extract(epoch FROM {}))", "double": "sum({})", "bigint": "sum({})", "integer": "sum({})",
}


def reading(column: str, data_type: str) -> str:
    """An aggregate over all values of a column."""
    for begin, pattern in READING.items():
        if data_type.startswith(begin):
            return pattern.format(f'"{column}"')
    return f'sum(length("{column}"::text))'


def unreadable(connection: psycopg.Connection) -> tuple[int, list[str]]:
    """Reads every value of every table and view: how many could be read, and a sentence for each that cannot be.

    The server does not collect: a table may say that it was never loaded. Whether it was, its witnesses tell.
    """
    count, faults, tables = 0, [], {}
    with connection.cursor() as cursor:
        cursor.execute("SET freshness = 'serve'")
        cursor.execute(
            "SELECT table_schema || '.' || table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema IN ('public', 'system') ORDER BY 1, ordinal_position"
        )
        for name, column, data_type in cursor.fetchall():
            tables.setdefault(name, []).append(reading(column, data_type))
        for name, aggregates in tables.items():
            try:
                cursor.execute(f"SELECT count(*), {', '.join(aggregates)} FROM {name}").fetchone()
                count += 1
            except psycopg.Error as error:
                if error.sqlstate != "TT001" or "never loaded" not in str(error):
                    faults.append(f"{name} cannot be read: {str(error).splitlines()[0]}")
    return count, faults


def lost_rows(cursor: psycopg.Cursor, record: Record, moment: float, refuses: bool) -> tuple[float, list[str]]:
    """What cached tables lack of what was shown a second before the moment, and of what refreshes told.

    Where the disk `refuses`, queries may see what a commit could not force to it, and only what was told counts. Also how
    long before the moment anything was shown that is not there: 0 where all is there.
    """
    faults, lead = [], 0.0
    cursor.execute("SET freshness = 'serve'")
    ages = dict((name, rest) for name, *rest in cursor.execute(
        "SELECT dataset, version, loaded_at, state FROM system.freshness"
    ).fetchall())
    for table in CACHED:
        version, loaded_at, _ = ages[table]
        told = max((told for at, told in record.told[table] if at <= moment), default=None)
        if told is not None and (version is None or version < told):
            faults.append(f"{table}: version {version} is left, a refresh told of {told}")
        looks = [look for look in record.rows[table] if look.at <= moment]
        if not looks or refuses:
            continue
        count, fetched_at = (0, None)
        if version is not None:
            count, fetched_at = cursor.execute(f"SELECT count(*), max(fetched_at) FROM {table}").fetchone()
        for look in looks:
            reason = missing(table, look, version, loaded_at, count, fetched_at)
            if reason is None:
                continue
            lead = max(lead, moment - look.at)
            if look.at <= moment - SECOND:
                faults.append(f"{table}: {reason}, shown {moment - look.at:.2f} s before")
                break
    return lead, faults


def missing(table: str, look: Rows, version: int | None, loaded_at: object, count: int, fetched_at: object) -> str | None:
    """What a table lacks of a look; `None` when nothing."""
    if version is None or version < look.version:
        return f"version {version} is left of {look.version}"
    if look.fetched_at is not None and (fetched_at is None or fetched_at < look.fetched_at):
        return f"rows of {fetched_at} are left of {look.fetched_at}"
    if look.loaded_at is not None and (loaded_at is None or loaded_at < look.loaded_at):
        return f"the age of {loaded_at} is left of {look.loaded_at}"
    if table == "market_metrics_history" and count < look.count:
        return f"{count} rows are left of {look.count}"
    return None


def untrue_ages(cursor: psycopg.Cursor, wall: float) -> list[str]:
    """Datasets whose age says more than their rows do. `wall` is the moment of the failure, in seconds since 1970."""
    faults = []
    cursor.execute("SET freshness = 'serve'")
    ages = cursor.execute(
        "SELECT dataset, version, extract(epoch FROM loaded_at)::float8, state FROM system.freshness"
    ).fetchall()
    for table, version, loaded_at, state in ages:
        if loaded_at is None:
            if state == "fresh" and table in CACHED:
                faults.append(f"{table} is fresh and was never loaded")
            continue
        if loaded_at > wall:
            faults.append(f"{table} was loaded {loaded_at - wall:.2f} s after the failure")
        runs = cursor.execute(
            """SELECT version, extract(epoch FROM started_at)::float8, scope IS NULL AND cause <> 'import'
            FROM system.refreshes WHERE dataset = %s AND error IS NULL AND version IS NOT NULL ORDER BY ended_at DESC""",
            [table],
        ).fetchall()
        whole = [place for place, (_, _, whole) in enumerate(runs) if whole]
        if not whole:
            continue
        made_version, began_at, _ = runs[whole[0]]
        if version is None or version < made_version:
            faults.append(f"{table} has version {version}, its age is that of version {made_version}")
            continue
        # A run that made a version brought rows that were fetched after its start.
        if table in HISTORIES or table in DERIVED:
            continue
        # One before it may have been of a part of the rows, and then this one may have found them as they were to be.
        made = all(made_version > earlier for earlier, _, _ in runs[whole[0] + 1 :])
        newest = cursor.execute(f"SELECT extract(epoch FROM max(fetched_at))::float8 FROM {table}").fetchone()[0]
        if made and (newest is None or newest < began_at):
            faults.append(f"{table} is as young as a refresh of {began_at:.3f}, its newest row of {newest}")
    return faults


def lost_events(
    cursor: psycopg.Cursor, record: Record, failed: float, restarted: float
) -> tuple[float, list[str]]:
    """What histories lack of what was shown a second before the failure, and numbers that were given twice.

    Of a spool that told of errors, what was shown a second before it last told of none counts. Also how long before the
    failure the oldest such event was shown that is not there. `restarted` is when the server that is asked began, in
    seconds since 1970: its own events are younger.
    """
    faults, lead = [], 0.0
    for table in HISTORIES:
        moment = min(failed, record.well.get(table, 0.0)) if record.unwell else failed
        looks = [look for look in record.events[table] if look.at <= failed]
        doubled = cursor.execute(f"SELECT count(*) - count(DISTINCT sequence) FROM {table}").fetchone()[0]
        if doubled:
            faults.append(f"{table}: {doubled} numbers are there twice")
        if not looks:
            continue
        old = f"received_at < to_timestamp({restarted!r})"
        kept = events_of(cursor, table, old)[1]
        first_new = cursor.execute(f"SELECT min(sequence) FROM {table} WHERE NOT {old}").fetchone()[0]
        if first_new is not None and first_new <= looks[-1].last:
            faults.append(f"{table}: number {first_new} is given again, {looks[-1].last} was shown before")
        gone = next((look for look in looks if look.last > kept and look.at <= moment), None)
        lead = max(lead, moment - gone.at if gone else 0.0)
        promised = next((look for look in reversed(looks) if look.at <= moment - SECOND), None)
        whole = next((look for look in reversed(looks) if look.last <= kept), None)
        for look in filter(None, {promised, whole}):
            found = events_of(cursor, table, f"sequence <= {look.last} AND {old}")
            if found != (look.count, look.last, look.numbers, look.sizes):
                before = moment - look.at
                faults.append(
                    f"{table}: {found[0]} events up to number {found[1]} are left of {look.count} up to {look.last}, "
                    f"shown {before:.2f} s before"
                )
    return lead, faults


def newest_kept(cursor: psycopg.Cursor, wall: float, restarted: float) -> float | None:
    """How long before the failure the newest quote was received that is there; `None` where there is none."""
    sql = f"""SELECT extract(epoch FROM max(received_at))::float8 FROM quotes_history
        WHERE received_at < to_timestamp({restarted!r})"""
    newest = cursor.execute(sql).fetchone()[0]
    return None if newest is None else wall - newest
