"""The PyPI client `flightsql-dbapi`: values, types, NULL, metadata, parameters, cancel, errors.

    pip install -r requirements.txt
    python client.py 127.0.0.1:50051

Prints `ok` and the number of checks; the first failure is an exception.
"""

import sys
import threading
import time

import pyarrow as pa
from flightsql import FlightSQLClient, connect
from flightsql.dbapi import Connection
from pyarrow import flight

checks = 0


def check(what: str, got: object, wanted: object) -> None:
    """Equal, and of the same type."""
    global checks
    checks += 1
    if got != wanted or type(got) is not type(wanted):
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def holds(what: str, condition: bool) -> None:
    """Fails with a sentence, also under `python -O`."""
    check(what, bool(condition), True)


def values(connection: Connection) -> None:
    """Values and NULL, and all rows of a large table: this client reads the first endpoint alone."""
    cursor = connection.cursor()
    cursor.execute("SELECT true AS yes, 1::bigint, 2.5::float8, 'é ''x''', NULL::text")
    *row, nothing = cursor.fetchone()
    check("a row", row, [True, 1, 2.5, "é 'x'"])
    # The client goes through pandas, whose missing text is a NaN.
    holds("NULL", nothing is None or nothing != nothing)
    cursor.execute("SELECT count(*) FROM eod")
    count = cursor.fetchone()[0]
    cursor.execute("SELECT symbol, close FROM eod")
    check("all rows", cursor.rowcount, count)
    check("columns", [name for name, _ in cursor.description], ["symbol", "close"])


def rows(client: FlightSQLClient, info: flight.FlightInfo) -> pa.Table:
    """All rows of a description."""
    return client.do_get(info.endpoints[0].ticket).read_all()


def types(client: FlightSQLClient) -> None:
    """Types of the columns, and of a bar."""
    sql = "SELECT true AS yes, 1::int, 2::bigint, 2.5::float8, 'x', date '2026-11-20', 12.50::numeric(10, 2), NULL::float8, ARRAY[1, 2]"
    table = rows(client, client.execute(sql))
    kinds = [str(kind) for kind in table.schema.types]
    check("types", kinds[:8], ["bool", "int32", "int64", "double", "string", "date32[day]", "decimal128(10, 2)", "double"])
    holds(f"a list: {kinds[8]}", kinds[8].startswith("list<"))
    check("NULL", table.column(7)[0].as_py(), None)
    table = rows(client, client.execute("SELECT symbol, date, close, volume, open_interest FROM eod WHERE symbol = 'AAPL' LIMIT 1"))
    check("types of a bar", [str(kind) for kind in table.schema.types], ["string", "date32[day]", "double", "int64", "int64"])


def cancel(client: FlightSQLClient) -> None:
    """A statement without end gives rows, and is cancelled from another thread."""
    reader = client.do_get(client.execute("SELECT symbol, bid FROM live.quotes WHERE symbol = 'SPY'").endpoints[0].ticket)
    holds("a quote", reader.read_chunk().data.num_rows > 0)
    timer = threading.Timer(0.2, reader.cancel)
    timer.start()
    try:
        while True:
            reader.read_chunk()
    except flight.FlightCancelledError:
        timer.join()
    deadline = time.monotonic() + 10
    count = "SELECT count(*) AS n FROM system.queries WHERE sql LIKE '%live.%' AND sql NOT LIKE '%system.queries%'"
    while rows(client, client.execute(count))["n"][0].as_py() > 0:
        holds("the statement ends with its client", time.monotonic() < deadline)


def parameters(connection: Connection) -> None:
    """Values, each of its own type."""
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02' AND close > 1")
    wanted = cursor.fetchone()
    holds("there are bars", wanted[0] > 100)
    cursor.execute("SELECT count(*) FROM eod WHERE symbol = $1 AND date >= $2 AND close > $3", ["AAPL", "2026-01-02", 1])
    check("bars", cursor.fetchone(), wanted)
    cursor.execute("SELECT $1 || 'x'", ["'; drop table eod; --"])
    check("a quote", cursor.fetchone(), ["'; drop table eod; --x"])
    cursor.execute("SELECT $1::bigint + 1", [41])
    check("a number", cursor.fetchone(), [42])


def metadata(client: FlightSQLClient, connection: Connection) -> None:
    """The catalog, the keys, and what the server tells of itself."""
    names = connection.flightsql_get_table_names("public")
    holds("tables", {"eod", "symbols", "movers"} <= set(names))
    schemas = connection.flightsql_get_schema_names()
    check("schemas", sorted(schemas), ["information_schema", "live", "pg_catalog", "public", "system"])
    columns = connection.flightsql_get_columns("eod", "public")
    check("columns", [column["name"] for column in columns[:3]], ["symbol", "date", "open"])
    check("the key is never NULL", columns[0]["nullable"], False)
    keys = connection.flightsql_get_primary_keys("eod")
    check("the key", [key["column_name"] for key in keys], ["symbol", "date"])
    check("no foreign keys", connection.flightsql_get_foreign_keys("eod"), [])
    tables = rows(client, client.get_tables(include_schema=True)).to_pylist()
    found = {(table["db_schema_name"], table["table_name"]): table for table in tables}
    eod = pa.ipc.read_schema(pa.py_buffer(found["public", "eod"]["table_schema"]))
    check("columns at full depth", (eod.names[:3], str(eod.field("close").type)), (["symbol", "date", "open"], "double"))
    holds("every table has its columns", all(table["table_schema"] for table in tables))
    check("kinds", sorted(rows(client, client.get_table_types())["table_type"].to_pylist()), ["SYSTEM TABLE", "TABLE", "VIEW"])
    check("catalogs", rows(client, client.get_catalogs())["catalog_name"].to_pylist(), ["tt"])
    names = rows(client, client.get_xdbc_type_info(None))["type_name"].to_pylist()
    holds(f"types are told: {names}", {"bigint", "text", "double precision"} <= set(names))
    info = connection.flightsql_get_sql_info([0, 3])
    check("the server", (info[0], info[3]), ("ttapi", True))


def failures(client: FlightSQLClient, connection: Connection) -> None:
    """Errors arrive; nothing is written."""
    cursor = connection.cursor()
    for sql, wanted in (("SELECT * FROM nosuch", pa.ArrowKeyError), ("SELEC 1", pa.ArrowInvalid)):
        try:
            cursor.execute(sql)
        except (pa.ArrowException, flight.FlightError) as error:
            check(f"{sql}: {error}", type(error), wanted)
        else:
            raise AssertionError(f"{sql} succeeds")
    try:
        cursor.execute("SELECT $1::bigint + $2::bigint", [1])
        raise AssertionError("a parameter is missing")
    except pa.ArrowInvalid as error:
        # The client does not look at the answer to the parameters it sends, and learns of it when it executes.
        holds(f"the number is told: {error}", "wrong number of parameters: the statement takes 2" in str(error))
    cursor.execute("SELECT 1")
    check("the connection goes on", cursor.fetchone(), [1])


def main() -> int:
    """All checks."""
    host, port = sys.argv[1].rsplit(":", 1)
    client = FlightSQLClient(host=host, port=int(port), insecure=True)
    with connect(client) as connection:
        values(connection)
        parameters(connection)
        types(client)
        metadata(client, connection)
        cancel(client)
        failures(client, connection)
    named = FlightSQLClient(host=host, port=int(port), user="ada", password="pencil", insecure=True)
    with connect(named) as connection:
        check("who", connection.execute("SELECT current_user").fetchone(), ["ada"])
    print(f"ok checks={checks}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
