"""The PyPI client `psycopg` 3: both formats, parameters, NULL, cursors, streams, cancel, COPY, errors, pipelines.

    pip install -r requirements.txt
    python client.py types.sql             # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Prints `ok` and the number of checks; the first failure is an exception.
"""

import math
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

checks = 0


def check(what: str, got: object, wanted: object) -> None:
    """Equal, and of the same type."""
    global checks
    checks += 1
    if got != wanted or type(got) is not type(wanted):
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def holds(what: str, condition: bool) -> None:
    """Fails with a sentence, also under `python -O`."""
    check(what, condition, True)


def values(connection: psycopg.Connection) -> None:
    """Types of the columns, in text and in binary."""
    sql = """
        SELECT true, 1::smallint, 2::int, 3::bigint, 1.5::real, 2.5::float8, 12.50::numeric(10, 2), 'é ''x''', date '2026-11-20',
            timestamp '2026-11-20 09:30:00.25', timestamptz '2026-11-20 09:30:00-05', interval '1 day 2 hours',
            ARRAY['a', NULL, 'b"c'], NULL::text, NULL::float8, NULL::date
    """
    wanted = (
        True, 1, 2, 3, 1.5, 2.5, Decimal("12.50"), "é 'x'", date(2026, 11, 20),
        datetime(2026, 11, 20, 9, 30, 0, 250_000), datetime(2026, 11, 20, 14, 30, tzinfo=UTC), timedelta(days=1, hours=2),
        ["a", None, 'b"c'], None, None, None,
    )  # fmt: skip
    for binary in (False, True):
        with connection.cursor(binary=binary) as cursor:
            row = cursor.execute(sql).fetchone()
            for place, (got, want) in enumerate(zip(row, wanted, strict=True)):
                if isinstance(got, datetime) and got.tzinfo:
                    got = got.astimezone(UTC)
                check(f"column {place}, binary={binary}", got, want)
            oids = [column.type_code for column in cursor.description]
            check(f"types, binary={binary}", oids, [16, 21, 23, 20, 700, 701, 1700, 25, 1082, 1114, 1184, 1186, 1009, 25, 701, 1082])
            found = cursor.execute("SELECT lists, active FROM symbols WHERE symbol = 'SPY'").fetchone()
            check(f"SPY, binary={binary}", found, (["etf"], True))
            bars = cursor.execute("SELECT date, close, volume, open_interest FROM eod WHERE symbol = 'AAPL' ORDER BY date DESC LIMIT 1").fetchone()
            check(f"types of a bar, binary={binary}", [type(one) for one in bars], [date, float, int, type(None)])


def types(connection: psycopg.Connection) -> None:
    """A value and a NULL of every type, in text and in binary, plain and by binary COPY."""
    sql = Path(sys.argv[1]).read_text()
    instant = datetime(2024, 2, 29, 13, 14, 15, 123456, UTC)
    wanted = {
        "boolean": True, "int2": -32768, "int4": -(2**31), "int8": 2**63 - 1, "float4": 1.5, "float8": 0.1, "infinite": -math.inf,
        "decimal": Decimal("12345.6789"), "wide_decimal": Decimal("-12345678901234567890123456789012345678901234567890.1234567890"),
        "words": "é \"x\" 'y'", "no_words": "", "bytes": b"\x00\xff\x10", "day": date(2024, 2, 29), "clock": clock(13, 14, 15, 123456),
        "local": datetime(2023, 12, 31, 23, 59, 59, 999999), "span": timedelta(days=32, hours=3, minutes=4, seconds=5, milliseconds=678),
        "integers": [1, 2, None], "texts": ["a", 'b"c', None, ""], "days": [date(2024, 2, 29), None],
    }  # fmt: skip
    for binary in (False, True):
        with connection.cursor(binary=binary, row_factory=dict_row) as cursor:
            row, nulls = cursor.execute(sql).fetchall()
        for name, value in wanted.items():
            check(f"{name}, binary={binary}", row[name], value)
        check(f"NaN, binary={binary}", math.isnan(row["not_a_number"]), True)
        check(f"instant, binary={binary}", row["instant"].astimezone(UTC), instant)
        check(f"NULLs, binary={binary}", set(nulls.values()), {None})
        record = connection.cursor(binary=binary).execute("SELECT named_struct('a', 1, 'b', 'x'), map(make_array('k'), make_array(1.5))").fetchone()
        # The text form of a record does not tell the types of its fields.
        check(f"a record and a map, binary={binary}", record, ((1 if binary else "1", "x"), {"k": 1.5}))
    # The zone of the session is the zone of what is shown, in both formats.
    connection.execute("SET TIME ZONE 'America/New_York'")
    for binary in (False, True):
        shown = connection.cursor(binary=binary).execute("SELECT timestamptz '2024-07-01 12:00:00+00'").fetchone()[0]
        check(f"a zoned instant, binary={binary}", shown.isoformat(), "2024-07-01T08:00:00-04:00")
    parts = "SELECT extract(hour from t), t::date, date_trunc('day', t), to_char(t, 'HH24:MI TZ') FROM (SELECT timestamptz '2024-07-01 02:00:00+00' AS t) x"
    got = connection.execute(parts).fetchone()
    check("the clock of the zone", (int(got[0]), got[1], got[3]), (22, date(2024, 6, 30), "22:00 EDT"))
    check("a day of the zone", got[2].isoformat(), "2024-06-30T00:00:00-04:00")
    got = connection.execute("SELECT date_trunc('day', max(received_at)) = date_trunc('day', max(received_at), 'America/New_York') FROM quotes").fetchone()
    check("a day of a column in the zone", got, (True,))
    connection.execute("RESET TIME ZONE")


def parameters(connection: psycopg.Connection) -> None:
    """Values of every kind, and no value, in both formats, prepared and not."""
    for mode in ("%s", "%b", "%t"):
        for prepare in (False, True):
            symbol, day, least = "AAPL", date(2026, 1, 2), 1.0
            sql = f"SELECT count(*) FROM eod WHERE symbol = {mode} AND date >= {mode} AND close > {mode}"
            got = connection.execute(sql, (symbol, day, least), prepare=prepare).fetchone()
            wanted = connection.execute("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02' AND close > 1").fetchone()
            check(f"bars, {mode} prepare={prepare}", got, wanted)
            holds("there are bars", got[0] > 100)
            got = connection.execute(f"SELECT {mode}::text, {mode}::int, {mode}::float8", (None, None, None), prepare=prepare).fetchone()
            check(f"NULLs, {mode} prepare={prepare}", got, (None, None, None))
            instant = datetime(2026, 11, 20, 14, 30, 0, 123_456, tzinfo=UTC)
            got = connection.execute(f"SELECT {mode}::timestamptz = timestamptz '2026-11-20 14:30:00.123456+00'", (instant,), prepare=prepare).fetchone()
            check(f"an instant, {mode}", got, (True,))
    listed = ["AAPL", "MSFT", "nosuch"]
    found = connection.execute("SELECT symbol FROM symbols WHERE symbol = ANY(%s) ORDER BY symbol", (listed,)).fetchall()
    check("a list", found, [("AAPL",), ("MSFT",)])
    check("limit", len(connection.execute("SELECT symbol FROM symbols LIMIT %s OFFSET %s", (5, 2)).fetchall()), 5)
    check("a large integer", connection.execute("SELECT %s::bigint + 1", (2**62,)).fetchone(), (2**62 + 1,))
    check("a quote", connection.execute("SELECT %s || 'x'", ("'; drop table eod; --",)).fetchone(), ("'; drop table eod; --x",))
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.executemany("SELECT %s::int AS n", [(1,), (2,), (3,)], returning=True)
        sets = []
        while True:
            sets.append(cursor.fetchone()["n"])
            if not cursor.nextset():
                break
        check("executemany", sets, [1, 2, 3])


def cursors() -> None:
    """Server-side cursors inside a transaction."""
    with psycopg.connect() as connection:
        with connection.cursor(name="bars") as cursor:
            cursor.itersize = 1000
            cursor.execute("SELECT symbol, date FROM eod WHERE date >= %s ORDER BY symbol, date", (date(2026, 10, 1),))
            first = cursor.fetchmany(3)
            rest = sum(1 for _ in cursor)
        total = connection.execute("SELECT count(*) FROM eod WHERE date >= '2026-10-01'").fetchone()[0]
        check("rows of a cursor", len(first) + rest, total)
        check("its first row", first[0][0], "A")


def stream(connection: psycopg.Connection) -> None:
    """An endless statement gives rows while it runs, and ends when it is left."""
    began = time.monotonic()
    with connection.cursor(binary=True) as cursor:
        rows = []
        for row in cursor.stream("SELECT symbol, bid, ask, received_at FROM live.quotes WHERE symbol IN ('SPY', 'AAPL')", size=1):
            rows.append(row)
            if len(rows) == 5:
                break
    holds("five quotes within five seconds", time.monotonic() - began < 5)
    for symbol, bid, ask, received_at in rows:
        holds(f"a quote of {symbol}", symbol in ("SPY", "AAPL") and 0 < bid < ask)
        holds("it is of now", abs((datetime.now(UTC) - received_at).total_seconds()) < 10)
    check("the connection goes on", connection.execute("SELECT 1").fetchone(), (1,))


def cancel(connection: psycopg.Connection) -> None:
    """A running statement is cancelled from elsewhere, and by its time limit."""
    timer = threading.Timer(0.3, connection.cancel_safe)
    timer.start()
    began = time.monotonic()
    try:
        connection.execute("SELECT * FROM live.quotes WHERE symbol = 'nosuch'")
        raise AssertionError("a cancelled statement succeeds")
    except errors.QueryCanceled:
        pass
    took = time.monotonic() - began
    holds(f"cancelled within a second of asking, in {took:.2f} s", took < 1.3)
    timer.join()
    connection.execute("SET statement_timeout = '200ms'")
    try:
        connection.execute("SELECT * FROM live.trades WHERE symbol = 'nosuch'")
        raise AssertionError("a statement without end ends")
    except errors.QueryCanceled as error:
        check("SQLSTATE of a timeout", error.sqlstate, "57014")
    connection.execute("RESET statement_timeout")


def failures(connection: psycopg.Connection) -> None:
    """Errors are the classes psycopg makes of SQLSTATEs."""
    for sql, wanted in (
        ("SELEC 1", errors.SyntaxError),
        ("SELECT * FROM nosuch", errors.UndefinedTable),
        ("SELECT nosuch FROM eod", errors.UndefinedColumn),
        ("SELECT nosuch(1)", errors.UndefinedFunction),
        ("SELECT 'abc'::int", errors.InvalidTextRepresentation),
        ("COPY (SELECT 1) TO '/tmp/stolen'", errors.InsufficientPrivilege),
    ):
        try:
            connection.execute(sql)
        except psycopg.Error as error:
            check(sql, type(error), wanted)
        else:
            raise AssertionError(f"{sql} succeeds")
    with psycopg.connect() as transaction:
        try:
            transaction.execute("SELECT nosuch")
        except errors.UndefinedColumn:
            pass
        try:
            transaction.execute("SELECT 1")
        except errors.InFailedSqlTransaction:
            transaction.rollback()
        check("after a rollback", transaction.execute("SELECT 1").fetchone(), (1,))


def copies(connection: psycopg.Connection) -> None:
    """COPY in text and in binary."""
    sql = "SELECT symbol, date, close FROM eod WHERE symbol = 'AAPL' ORDER BY date LIMIT 3"
    wanted = connection.execute(sql).fetchall()
    for form in ("text", "binary"):
        with connection.cursor().copy(f"COPY ({sql}) TO STDOUT (FORMAT {form})") as copy:
            copy.set_types(["text", "date", "float8"])
            check(f"COPY as {form}", list(copy.rows()), wanted)


def pipelines(connection: psycopg.Connection) -> None:
    """Statements sent together are answered in order."""
    with connection.pipeline():
        sent = [connection.execute("SELECT %s::int", (number,)) for number in range(10)]
        check("a pipeline", [one.fetchone()[0] for one in sent], list(range(10)))


def main() -> int:
    """All checks."""
    with psycopg.connect(autocommit=True) as connection:
        check("server version", connection.info.server_version // 10_000, 16)
        check("time zone", connection.info.timezone.key if hasattr(connection.info.timezone, "key") else "UTC", "UTC")
        for part in (values, types, parameters, stream, cancel, failures, copies, pipelines):
            part(connection)
    cursors()
    print(f"ok checks={checks}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
