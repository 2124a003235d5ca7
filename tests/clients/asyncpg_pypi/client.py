"""The PyPI client `asyncpg`: it prepares every statement, reads types from the catalog, and takes all values in binary.

    pip install -r requirements.txt
    python client.py types.sql             # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Prints `ok` and the number of checks; the first failure is an exception.
"""

import asyncio
import math
import sys
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path

import asyncpg

checks = 0


def check(what: str, got: object, wanted: object) -> None:
    """Equal, and of the same type."""
    global checks
    checks += 1
    if got != wanted or type(got) is not type(wanted):
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


async def types(connection: asyncpg.Connection, sql: str) -> None:
    """Values and NULLs of every type, and the names of the types."""
    statement = await connection.prepare(sql)
    names = [attribute.type.name for attribute in statement.get_attributes()]
    check("types", names, [
        "bool", "int2", "int4", "int8", "float4", "float8", "float8", "float8", "numeric", "numeric", "text", "text", "bytea",
        "date", "time", "timestamp", "timestamptz", "interval", "int4[]", "text[]", "date[]",
    ])  # fmt: skip
    row, nulls = await statement.fetch()
    wanted = {
        "boolean": True, "int2": -32768, "int4": -(2**31), "int8": 2**63 - 1, "float4": 1.5, "float8": 0.1, "infinite": -math.inf,
        "decimal": Decimal("12345.6789"), "wide_decimal": Decimal("-12345678901234567890123456789012345678901234567890.1234567890"),
        "words": "é \"x\" 'y'", "no_words": "", "bytes": b"\x00\xff\x10", "day": date(2024, 2, 29), "clock": clock(13, 14, 15, 123456),
        "local": datetime(2023, 12, 31, 23, 59, 59, 999999), "instant": datetime(2024, 2, 29, 13, 14, 15, 123456, UTC),
        "span": timedelta(days=32, hours=3, minutes=4, seconds=5, milliseconds=678), "integers": [1, 2, None],
        "texts": ["a", 'b"c', None, ""], "days": [date(2024, 2, 29), None],
    }  # fmt: skip
    check("NaN", math.isnan(row["not_a_number"]), True)
    for name, value in wanted.items():
        check(name, row[name], value)
    check("NULLs", set(nulls.values()), {None})
    record = await connection.fetchrow("SELECT named_struct('a', 1, 'b', NULL) AS record, map(make_array('k'), make_array(1)) AS entries")
    check("a record and a map", tuple(record), ((1, None), '{"k":1}'))


async def parameters(connection: asyncpg.Connection) -> None:
    """Every value comes back as it went."""
    for kind, value in (
        ("boolean", True), ("smallint", -7), ("int", 2**31 - 1), ("bigint", -(2**63)), ("float8", math.inf), ("text", "it's é"),
        ("bytea", b"\x00\x01\xff"), ("date", date(1999, 12, 31)), ("timestamp", datetime(2024, 2, 29, 1, 2, 3, 4)),
        ("timestamptz", datetime(2024, 7, 1, 12, tzinfo=UTC)), ("time", clock(1, 2, 3, 4)), ("text[]", ["a", None, 'b"']), ("int[]", [1, None, 3]),
        ("interval", timedelta(days=3, seconds=4, microseconds=5)), ("numeric(20, 4)", Decimal("12345.6789")),
    ):  # fmt: skip
        check(kind, await connection.fetchval(f"SELECT $1::{kind}", value), value)
        check(f"NULL of {kind}", await connection.fetchval(f"SELECT $1::{kind}", None), None)
    bars = await connection.fetch("SELECT date, close FROM eod WHERE symbol = $1 AND date >= $2 AND close > $3 ORDER BY date LIMIT $4", "AAPL", date(2026, 1, 2), 1.0, 3)
    check("bars", [type(one) for one in bars[0]], [date, float])
    check("as many as asked", len(bars), 3)
    check("a list", await connection.fetch("SELECT symbol FROM symbols WHERE symbol = ANY($1) ORDER BY symbol", ["SPY", "AAPL"]) != [], True)


async def streams(connection: asyncpg.Connection) -> None:
    """Cursors, endless results, cancel by time limit and by leaving, COPY."""
    total = await connection.fetchval("SELECT count(*) FROM eod")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        read = 0
        async for _ in connection.cursor("SELECT symbol, date FROM eod", prefetch=5000):
            read += 1
        check("rows of a cursor", read, total)
        quotes = 0
        async for quote in connection.cursor("SELECT symbol, bid, ask FROM live.quotes WHERE symbol = $1", "SPY", prefetch=1):
            check("a quote", quote["symbol"], "SPY")
            quotes += 1
            if quotes == 3:
                break
    began = time.monotonic()
    try:
        await connection.fetch("SELECT * FROM live.quotes WHERE symbol = 'nosuch'", timeout=0.3)
    except TimeoutError:
        pass
    else:
        raise AssertionError("an endless statement ends")
    check("cancelled in time", time.monotonic() - began < 1.5, True)
    try:
        await connection.execute("SET statement_timeout = '200ms'")
        await connection.fetchval("SELECT pg_sleep(30)")
    except asyncpg.QueryCanceledError as error:
        check("SQLSTATE", error.sqlstate, "57014")
    await connection.execute("RESET statement_timeout")
    copied = bytearray()

    async def sink(data: bytes) -> None:
        copied.extend(data)

    await connection.copy_from_query("SELECT symbol FROM symbols WHERE symbol = $1", "SPY", output=sink, format="csv")
    check("COPY", bytes(copied), b"SPY\n")
    copied.clear()
    await connection.copy_from_table("calendar", output=sink, columns=["date"])
    check("COPY of a table", len(copied.splitlines()), await connection.fetchval("SELECT count(*) FROM calendar"))


async def temporary(connection: asyncpg.Connection) -> None:
    """Rows go into a temporary table by binary COPY and by executemany; a transaction takes them back."""
    await connection.execute("CREATE TEMP TABLE picks (symbol text PRIMARY KEY, weight float8, at timestamptz, n numeric)")
    at = datetime(2026, 11, 2, 14, 30, tzinfo=UTC)
    rows = [("AAPL", 0.5, at, Decimal("1.25")), ("SPY", None, None, None)]
    check("COPY of records", await connection.copy_records_to_table("picks", records=rows), "COPY 2")
    await connection.executemany("INSERT INTO picks (symbol, weight) VALUES ($1, $2)", [("QQQ", 1.0), ("IWM", 2.0)])
    check("rows", [tuple(row) for row in await connection.fetch("SELECT * FROM picks LIMIT 2")], rows)
    try:
        async with connection.transaction():
            check("DELETE", await connection.execute("DELETE FROM picks WHERE weight > $1", 0.7), "DELETE 2")
            await connection.execute("INSERT INTO picks VALUES ('SPY')")
    except asyncpg.UniqueViolationError:
        pass
    else:
        raise AssertionError("a key twice is taken")
    check("after a rollback", await connection.fetchval("SELECT count(*) FROM picks"), 4)
    check("beside bars", await connection.fetchval("SELECT count(DISTINCT symbol) FROM eod JOIN picks USING (symbol)") > 1, True)


async def failures(connection: asyncpg.Connection) -> None:
    """Errors are the classes asyncpg makes of SQLSTATEs."""
    for sql, wanted in (
        ("SELEC 1", asyncpg.PostgresSyntaxError),
        ("SELECT * FROM nosuch", asyncpg.UndefinedTableError),
        ("SELECT nosuch FROM eod", asyncpg.UndefinedColumnError),
        ("SELECT 1 / 0", asyncpg.DivisionByZeroError),
        ("SELECT 9223372036854775807 + 1", asyncpg.NumericValueOutOfRangeError),
        ("DROP TABLE eod", asyncpg.ReadOnlySQLTransactionError),
    ):
        try:
            await connection.fetch(sql)
        except asyncpg.PostgresError as error:
            check(sql, type(error), wanted)
        else:
            raise AssertionError(f"{sql} succeeds")


async def main() -> int:
    """All checks."""
    sql = Path(sys.argv[1]).read_text()
    connection = await asyncpg.connect(timeout=10)
    check("version", connection.get_server_version().major, 16)
    for part in (streams, failures, parameters, temporary):
        await part(connection)
    await types(connection, sql)
    # What a pool does before a connection is used again.
    await connection.reset()
    check("after a reset", await connection.fetchval("SELECT 1::int"), 1)
    await connection.close()
    async with asyncpg.create_pool(min_size=2, max_size=4) as pool:
        found = await asyncio.gather(*(pool.fetchval("SELECT $1::int", number) for number in range(20)))
        check("a pool", found, list(range(20)))
    print(f"ok checks={checks}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
