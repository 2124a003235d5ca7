"""ADBC's PostgreSQL driver: it reads every result by binary COPY, straight into Arrow.

    pip install -r requirements.txt
    python client.py types.sql             # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Prints `ok` and the number of checks; the first failure is an exception.
"""

import math
import os
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgresql
import pyarrow as pa

checks = 0


def check(what: str, got: object, wanted: object) -> None:
    """Fails with a sentence, also under `python -O`."""
    global checks
    checks += 1
    if got != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def types(cursor: object, sql: str) -> None:
    """Arrow types, values and NULLs of every type."""
    cursor.execute(sql)
    table = cursor.fetch_arrow_table()
    wanted = {
        "boolean": (pa.bool_(), True),
        "int2": (pa.int16(), -32768),
        "int4": (pa.int32(), -(2**31)),
        "int8": (pa.int64(), 2**63 - 1),
        "float4": (pa.float32(), 1.5),
        "float8": (pa.float64(), 0.1),
        "infinite": (pa.float64(), -math.inf),
        "words": (pa.string(), "é \"x\" 'y'"),
        "no_words": (pa.string(), ""),
        "bytes": (pa.binary(), b"\x00\xff\x10"),
        "day": (pa.date32(), date(2024, 2, 29)),
        "clock": (pa.time64("us"), time(13, 14, 15, 123456)),
        "local": (pa.timestamp("us"), datetime(2023, 12, 31, 23, 59, 59, 999999)),
        "instant": (pa.timestamp("us", "UTC"), datetime(2024, 2, 29, 13, 14, 15, 123456, UTC)),
        "integers": (pa.list_(pa.int32()), [1, 2, None]),
        "texts": (pa.list_(pa.string()), ["a", 'b"c', None, ""]),
        "days": (pa.list_(pa.date32()), [date(2024, 2, 29), None]),
    }
    for name, (kind, value) in wanted.items():
        found = table.schema.field(name).type
        if pa.types.is_list(kind):
            check(f"type of {name}", (pa.types.is_list(found), found.value_type), (True, kind.value_type))
        else:
            check(f"type of {name}", found, kind)
        check(name, table[name][0].as_py(), value)
    check("NaN", math.isnan(table["not_a_number"][0].as_py()), True)
    # The driver has no decimals: it gives the text of the number.
    for name, value in (("decimal", "12345.6789"), ("wide_decimal", "-12345678901234567890123456789012345678901234567890.1234567890")):
        check(name, Decimal(table[name][0].as_py()), Decimal(value))
    span = table["span"][0].as_py()
    check("span", (span.months, span.days, span.nanoseconds), (1, 2, 11_045_678_000_000))
    check("NULLs", [table[name][1].as_py() for name in table.schema.names], [None] * table.num_columns)


def objects(connection: object, database: str) -> None:
    """Catalogs, schemas, tables, columns and keys, all at once."""
    everything = connection.adbc_get_objects(depth="all", catalog_filter=database).read_all().to_pylist()
    check("catalogs", [catalog["catalog_name"] for catalog in everything], [database])
    schemas = {schema["db_schema_name"]: schema["db_schema_tables"] for schema in everything[0]["catalog_db_schemas"]}
    check("schemas", set(schemas), {"public", "live", "system"})
    tables = {table["table_name"]: table for table in schemas["public"]}
    check("kinds", {name: tables[name]["table_type"] for name in ("eod", "quotes", "movers")}, {"eod": "table", "quotes": "table", "movers": "view"})
    columns = {column["column_name"]: (column["ordinal_position"], column["xdbc_type_name"]) for column in tables["eod"]["table_columns"]}
    check("columns", [columns[name] for name in ("symbol", "date", "open")], [(1, "text"), (2, "date"), (3, "float8")])
    check("number of columns", len(columns), 10)
    keys = {
        name: [(key["constraint_name"], key["constraint_type"], key["constraint_column_names"]) for key in table["table_constraints"]]
        for name, table in tables.items()
    }
    check("key of symbols", keys["symbols"], [("symbols_pkey", "PRIMARY KEY", ["symbol"])])
    check("key of eod", [(name, kind, sorted(names)) for name, kind, names in keys["eod"]], [("eod_pkey", "PRIMARY KEY", ["date", "symbol"])])
    check("keys of views and histories", (keys["movers"], keys["quotes_history"]), ([], []))
    one = connection.adbc_get_objects(depth="tables", catalog_filter=database, db_schema_filter="public", table_name_filter="eod")
    (catalog,) = one.read_all().to_pylist()
    (table,) = catalog["catalog_db_schemas"][0]["db_schema_tables"]
    check("one table", (catalog["catalog_name"], table["table_name"], table["table_type"]), (database, "eod", "table"))


def ingested(connection: object, cursor: object) -> None:
    """Rows of Arrow become a temporary table, by binary COPY."""
    rows = pa.table({
        "symbol": pa.array(["AAPL", "SPY", None]), "weight": pa.array([0.25, None, 1.5]), "lots": pa.array([1, 2, 3], pa.int32()),
        "day": pa.array([date(2026, 11, 2), None, date(1999, 12, 31)]), "held": pa.array([True, False, None]),
    })
    check("rows taken", cursor.adbc_ingest("portfolio", rows, mode="create", temporary=True), 3)
    check("rows taken later", cursor.adbc_ingest("portfolio", rows, mode="append", temporary=True), 3)
    cursor.execute("SELECT * FROM portfolio WHERE lots < 3 ORDER BY lots LIMIT 2")
    check("rows given back", cursor.fetch_arrow_table().to_pylist(), rows.slice(0, 1).to_pylist() * 2)
    cursor.execute("SELECT count(*) FROM portfolio JOIN eod USING (symbol)")
    joined = cursor.fetchone()[0]
    cursor.execute("SELECT 2 * count(*) FROM eod WHERE symbol IN ('AAPL', 'SPY')")
    check("joined with bars", joined, cursor.fetchone()[0])


def main() -> int:
    """All checks."""
    host, port, user, database = (os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"))
    sql = Path(sys.argv[1]).read_text()
    with postgresql.connect(f"postgresql://{user}@{host}:{port}/{database}", autocommit=True) as connection, connection.cursor() as cursor:
        types(cursor, sql)
        cursor.execute("SELECT symbol, date, close, volume FROM eod WHERE symbol = $1 AND close > $2 ORDER BY date", ("AAPL", 1.0))
        bars = cursor.fetch_arrow_table()
        cursor.execute("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND close > 1")
        check("bars", bars.num_rows, cursor.fetchone()[0])
        check("types of bars", bars.schema.types, [pa.string(), pa.date32(), pa.float64(), pa.int64()])
        cursor.execute("SELECT symbol, date FROM eod")
        batches = cursor.fetch_record_batch()
        streamed = sum(batch.num_rows for batch in batches)
        cursor.execute("SELECT count(*) FROM eod")
        check("streamed rows", streamed, cursor.fetchone()[0])
        try:
            cursor.execute("SELECT nosuch FROM eod")
            cursor.fetchall()
        except postgresql.ProgrammingError as error:
            check("SQLSTATE", error.sqlstate, "42703")
        else:
            raise AssertionError("an unknown column succeeds")

        check("kinds of tables", {"table", "view"} <= set(connection.adbc_get_table_types()), True)
        schema = connection.adbc_get_table_schema("eod", db_schema_filter="public")
        check("schema of eod", (schema.field("close").type, schema.field("date").type, len(schema)), (pa.float64(), pa.date32(), 10))
        objects(connection, database)
        ingested(connection, cursor)
        check("vendor", connection.adbc_get_info()["vendor_name"], "PostgreSQL")
    print(f"ok checks={checks}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
