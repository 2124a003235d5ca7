"""connectorx: each protocol, partitions, types into Arrow, pandas and polars, errors."""

import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal

import connectorx
import polars
import pyarrow
from checks import address, asked, check, failed, part, report

url = address()


def read(sql: str | list[str], **options: object) -> pyarrow.Table:
    """A statement as an Arrow table."""
    return connectorx.read_sql(url, sql, return_type="arrow", **options)


def protocols() -> None:
    """The same rows by binary and CSV COPY, by a portal and by simple query."""
    sql = "SELECT symbol, date, close, volume, open_interest, fetched_at FROM eod WHERE date >= '2026-06-01' ORDER BY symbol, date"
    count, volume = asked("SELECT count(*), sum(volume) FROM eod WHERE date >= '2026-06-01'").split("|")
    tables = {protocol: read(sql, protocol=protocol).combine_chunks() for protocol in ("binary", "csv", "cursor", "simple")}
    schema = [("symbol", "string"), ("date", "date32[day]"), ("close", "double"), ("volume", "int64"), ("open_interest", "int64"), ("fetched_at", "timestamp[us, tz=+00:00]")]
    for protocol, table in tables.items():
        check(f"schema by {protocol}", [(field.name, str(field.type)) for field in table.schema], schema)
        check(f"rows by {protocol}", (table.num_rows, sum(table["volume"].drop_null().to_pylist())), (int(count), int(volume)))
        check(f"values by {protocol}", table.equals(tables["binary"]), True)
    check("the whole table", read("SELECT * FROM eod").num_rows, int(asked("SELECT count(*) FROM eod")))


def types() -> None:
    """A value and a NULL of every type that connectorx knows."""
    instant = datetime(2024, 2, 29, 10, 0, 0, 500_000)
    values = {
        "true": True, "1::smallint": 1, "2::int": 2, "3::bigint": 3, "1.5::real": 1.5, "0.1::float8": 0.1, "12.50::numeric(10, 2)": Decimal("12.5"),
        "1234.5::numeric": Decimal("1234.5"), "'é ''x'''::text": "é 'x'", "'a'::varchar(3)": "a", "date '2024-02-29'": date(2024, 2, 29),
        "timestamp '2024-02-29 10:00:00.5'": instant, "timestamptz '2024-02-29 05:00:00.5-05'": instant.replace(tzinfo=UTC), "time '10:00'": time(10),
        "'\\x00ff'::bytea": b"\x00\xff", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "'{\"a\": 1}'::jsonb": '{"a":1}', "ARRAY[1, 2]": [1, 2], "ARRAY['a', 'b']": ["a", "b"], "ARRAY[1.5::float8]": [1.5],
    }  # fmt: skip
    columns = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(values))
    nulls = ", ".join("NULL" for _ in values)
    for protocol in ("binary", "csv", "cursor"):
        table = read(f"SELECT * FROM (SELECT {columns} UNION ALL SELECT {nulls}) x ORDER BY c0 NULLS LAST", protocol=protocol)
        for (sql, value), column in zip(values.items(), table.columns, strict=True):
            first, second = column.to_pylist()
            if isinstance(first, datetime) and first.tzinfo:
                first = first.astimezone(UTC)
            check(f"{sql} by {protocol}", (first, second), (value, None))


def partitions() -> None:
    """Ranges of a column, each on a connection of its own: their bounds are asked, or given."""
    sql = "SELECT symbol, date, volume FROM eod WHERE volume IS NOT NULL"
    count, volume = map(int, asked("SELECT count(*), sum(volume) FROM eod WHERE volume IS NOT NULL").split("|"))
    table = read(sql, partition_on="volume", partition_num=3)
    check("three ranges of volume", (table.num_rows, sum(table["volume"].to_pylist())), (count, volume))
    queries = connectorx.partition_sql(url, sql, "volume", 3)
    check("queries of three ranges", len(queries), 3)
    check("rows of the queries", read(queries).num_rows, count)
    ranged = read("SELECT symbol, liquidity_rating FROM market_metrics", partition_on="liquidity_rating", partition_range=(0, 5), partition_num=2)
    check("a given range", ranged.num_rows, int(asked("SELECT count(*) FROM market_metrics WHERE liquidity_rating BETWEEN 0 AND 5")))
    floats = read("SELECT symbol, strike FROM option_chains", partition_on="strike", partition_num=2)
    check("ranges of a float", floats.num_rows, int(asked("SELECT count(*) FROM option_chains")))


def frames() -> None:
    """pandas and polars."""
    sql = "SELECT symbol, date, close, open_interest, fetched_at FROM eod WHERE symbol = 'SPY' ORDER BY date LIMIT 3"
    frame = connectorx.read_sql(url, sql)
    check("types of pandas", [str(one) for one in frame.dtypes][1:4], ["datetime64[us]", "float64", "Int64"])
    check("NULLs of pandas", list(frame.open_interest.isna()), [True] * 3)
    spy = polars.read_database_uri("SELECT symbol, lists, active FROM symbols WHERE symbol = 'SPY'", url)
    check("a row of polars", spy.rows(), [("SPY", ["etf"], True)])
    check("types of polars", spy.dtypes, [polars.String, polars.List(polars.String), polars.Boolean])
    many = polars.read_database_uri("SELECT * FROM eod", url, partition_on="volume", partition_num=2)
    check("partitions of polars", many.height, int(asked("SELECT count(*) FROM eod WHERE volume IS NOT NULL")))
    check("no rows", read("SELECT symbol, close FROM eod WHERE symbol = 'nosuch'").num_rows, 0)
    check("WITH", read("WITH x AS (SELECT symbol FROM symbols) SELECT count(*) AS n FROM x")["n"].to_pylist(), [int(asked("SELECT count(*) FROM symbols"))])
    check("metadata", list(connectorx.get_meta(url, "SELECT symbol, close FROM eod").columns), ["symbol", "close"])


def failures() -> None:
    """An error is a sentence of the server."""
    for sql, wanted in (
        ("SELECT nosuch FROM eod", 'column "nosuch" does not exist'),
        ("SELECT * FROM nosuch", 'relation "nosuch" does not exist'),
        ("SELECT 1 / 0 AS a", "division by zero"),
        ("SELEC", "syntax error"),
    ):
        try:
            read(sql)
            failed(f"{sql} succeeds")
        except RuntimeError as error:
            check(sql, wanted in str(error), True)


for one in (protocols, types, partitions, frames, failures):
    with part(one.__name__):
        one()
sys.exit(report())
