"""PostgreSQL's ODBC driver under unixODBC, by `pyodbc` and by `isql`: the catalog functions, values, parameters, errors.

    apt-get install odbc-postgresql unixodbc && pip install -r requirements.txt
    python client.py types.sql             # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Prints `ok` and the number of checks; the first failure is an exception.
"""

import math
import os
import subprocess
import sys
import tempfile
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyodbc

checks = 0


def check(what: str, got: object, wanted: object) -> None:
    """Fails with a sentence, also under `python -O`."""
    global checks
    checks += 1
    if got != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def catalog(cursor: pyodbc.Cursor) -> None:
    """SQLTables, SQLColumns, SQLPrimaryKeys and their like."""
    tables = {(row.table_name, row.table_type) for row in cursor.tables(schema="public")}
    check("tables", {("eod", "TABLE"), ("symbols", "TABLE"), ("movers", "VIEW")} <= tables, True)
    check("a table", [row.table_name for row in cursor.tables(table="quotes", schema="live")], ["quotes"])
    check("schemas", {"public", "live", "system"} <= {row[1] for row in cursor.tables(schema="%", catalog="", table="")}, True)
    columns = [(row.column_name, row.data_type, row.type_name, row.nullable) for row in cursor.columns(table="eod", schema="public")]
    check("columns of eod", len(columns), 10)
    check("symbol", columns[0][2:], ("text", 0))
    check("date", columns[1][:3], ("date", pyodbc.SQL_TYPE_DATE, "date"))
    check("close", ("close", pyodbc.SQL_FLOAT, "float8", 1) in columns, True)
    check("volume", ("volume", pyodbc.SQL_BIGINT, "int8", 1) in columns, True)
    check("key of eod", [(row.column_name, row.key_seq, row.pk_name) for row in cursor.primaryKeys("eod", schema="public")], [("symbol", 1, "eod_pkey"), ("date", 2, "eod_pkey")])
    check("key of a view", cursor.primaryKeys("movers", schema="public").fetchall(), [])
    check("foreign keys", cursor.foreignKeys("eod", schema="public").fetchall(), [])
    found = [(row.index_name, row.non_unique, row.column_name) for row in cursor.statistics("eod", schema="public", unique=True) if row.index_name]
    check("indexes", found, [("eod_pkey", 0, "symbol"), ("eod_pkey", 0, "date")])
    # PostgreSQL itself has none to tell of.
    check("row identifier", cursor.rowIdColumns("eod", schema="public").fetchall(), [])
    check("types", {"int8", "text", "float8", "numeric", "date", "bool"} <= {row.type_name for row in cursor.getTypeInfo()}, True)
    check("procedures", isinstance(cursor.procedures(procedure="array_upper").fetchall(), list), True)
    check("procedure columns", isinstance(cursor.procedureColumns(procedure="array_upper").fetchall(), list), True)


def types(cursor: pyodbc.Cursor, sql: str) -> None:
    """Values and NULLs of every type, as this driver gives them."""
    row, nulls = cursor.execute(sql).fetchall()
    wanted = {
        "boolean": True, "int2": -32768, "int4": -(2**31), "int8": 2**63 - 1, "float4": 1.5, "float8": 0.1, "infinite": -math.inf,
        "decimal": Decimal("12345.6789"), "words": "é \"x\" 'y'", "no_words": "", "bytes": b"\x00\xff\x10", "day": date(2024, 2, 29),
        "local": datetime(2023, 12, 31, 23, 59, 59, 999999), "instant": datetime(2024, 2, 29, 13, 14, 15, 123456),
        "span": "1 mon 2 days 03:04:05.678", "integers": "{1,2,NULL}", "texts": '{a,"b\\"c",NULL,""}', "days": "{2024-02-29,NULL}",
    }  # fmt: skip
    for name, value in wanted.items():
        check(name, getattr(row, name), value)
    check("clock", row.clock.replace(microsecond=0), time(13, 14, 15))
    check("NaN", math.isnan(row.not_a_number), True)
    check("a wide decimal", row.wide_decimal, Decimal("-12345678901234567890123456789012345678901234567890.1234567890"))
    check("NULLs", list(nulls), [None] * len(nulls))


def parameters(cursor: pyodbc.Cursor) -> None:
    """Values of every kind go out and come back."""
    for kind, value in (
        ("int", 42), ("bigint", 2**60), ("float8", 0.25), ("text", "it's é"), ("date", date(2024, 2, 29)), ("numeric(20, 4)", Decimal("12345.6789")),
        ("timestamp", datetime(2024, 2, 29, 1, 2, 3)), ("bytea", b"\x00\x01\xff"), ("text", None),
    ):  # fmt: skip
        check(kind, cursor.execute(f"SELECT ?::{kind}", value).fetchval(), value)
    plain = cursor.execute("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02'").fetchval()
    check("bars", cursor.execute("SELECT count(*) FROM eod WHERE symbol = ? AND date >= ?", "AAPL", date(2026, 1, 2)).fetchval(), plain)


def failures(cursor: pyodbc.Cursor) -> None:
    """SQLSTATEs reach the client."""
    for sql, wanted in (("SELEC 1", "42601"), ("SELECT * FROM nosuch", "42P01"), ("SELECT nosuch FROM eod", "42703"), ("SELECT 1 / 0", "22012")):
        try:
            cursor.execute(sql).fetchall()
        except pyodbc.Error as error:
            check(sql, error.args[0], wanted)
        else:
            raise AssertionError(f"{sql} succeeds")
    check("after errors", cursor.execute("SELECT 1").fetchval(), 1)


def by_isql(driver: str) -> None:
    """The same driver in the hands of unixODBC's own shell."""
    host, port, user, database = (os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"))
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder, "odbc.ini")
        sources.write_text(f"[tt]\nDriver={driver}\nServername={host}\nPort={port}\nDatabase={database}\nUsername={user}\nReadOnly=Yes\n")
        said = subprocess.run(
            ["isql", "-b", "-d|", "tt"], input="select symbol, type from symbols where symbol = 'SPY'\n", text=True,
            capture_output=True, timeout=30, env=os.environ | {"ODBCINI": str(sources)}, check=True,
        )  # fmt: skip
    check("isql", "SPY|etf" in said.stdout, True)


def main() -> int:
    """All checks."""
    host, port, user, database = (os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"))
    driver = next(name for name in pyodbc.drivers() if "Unicode" in name and "PostgreSQL" in name)
    address = f"DRIVER={{{driver}}};SERVER={host};PORT={port};UID={user};DATABASE={database};BoolsAsChar=0;"
    sql = Path(sys.argv[1]).read_text()
    # Whole results, and by a cursor of the server.
    for mode in ("", "UseDeclareFetch=1;Fetch=1000;"):
        with pyodbc.connect(address + mode, autocommit=not mode) as connection:
            cursor = connection.cursor()
            check("DBMS", connection.getinfo(pyodbc.SQL_DBMS_NAME), "PostgreSQL")
            catalog(cursor)
            types(cursor, sql)
            parameters(cursor)
            total = cursor.execute("SELECT count(*) FROM eod").fetchval()
            check(f"rows, {mode}", sum(1 for _ in cursor.execute("SELECT symbol, date, close FROM eod")), total)
            if not mode:
                failures(cursor)
    by_isql(driver)
    print(f"ok checks={checks}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
