"""The PyPI client `adbc-driver-flightsql`, and pandas and polars through it: values, types, NULL, metadata at full depth,
parameters, sessions, live streams, cancel, errors.

    pip install -r requirements.txt
    python client.py 127.0.0.1:50051

Prints `ok` and the number of checks; the first failure is an exception.
"""

import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import pandas
import polars
import pyarrow as pa

from adbc_driver_flightsql import ConnectionOptions, DatabaseOptions

COOKIES = {DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}

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


def connect(address: str, **options: str) -> flightsql.Connection:
    """A connection whose statements read the latest rows, which is what the server offers."""
    return flightsql.connect(f"grpc://{address}", db_kwargs=options, autocommit=True)


def values(connection: flightsql.Connection) -> None:
    """Types of the columns, as Arrow and as Python."""
    sql = """
        SELECT true AS a, 1::smallint AS b, 2::int AS c, 3::bigint AS d, 1.5::real AS e, 2.5::float8 AS f,
            12.50::numeric(10, 2) AS g, 'é ''x''' AS h, date '2026-11-20' AS i, timestamp '2026-11-20 09:30:00.25' AS j,
            timestamptz '2026-11-20 09:30:00-05' AS k, ARRAY['a', NULL, 'b"c'] AS l, decode('00ff', 'hex') AS m,
            NULL::text AS n, NULL::float8 AS o, NULL::date AS p, NULL AS q, interval '1 day 2 hours' AS r
    """
    with connection.cursor() as cursor:
        cursor.execute(sql)
        table = cursor.fetch_arrow_table()
    types = {field.name: str(field.type) for field in table.schema}
    wanted = {
        "a": "bool", "b": "int16", "c": "int32", "d": "int64", "e": "float", "f": "double", "g": "decimal128(10, 2)",
        "h": "string", "i": "date32[day]", "j": types["j"], "k": types["k"], "l": types["l"], "m": "binary",
        "n": "string", "o": "double", "p": "date32[day]", "q": "null", "r": "month_day_nano_interval",
    }  # fmt: skip
    check("types", types, wanted)
    holds(f"moments: {types['j']}, {types['k']}", types["j"].startswith("timestamp[") and types["k"].endswith(", tz=UTC]"))
    holds(f"a list of text: {types['l']}", types["l"].startswith("list<") and "string" in types["l"])
    row = table.drop_columns(["r"]).to_pylist()[0]
    wanted = {
        "a": True, "b": 1, "c": 2, "d": 3, "e": 1.5, "f": 2.5, "g": Decimal("12.50"), "h": "é 'x'", "i": date(2026, 11, 20),
        "l": ["a", None, 'b"c'], "m": b"\x00\xff", "n": None, "o": None, "p": None, "q": None,
    }  # fmt: skip
    check("values", {name: row[name] for name in wanted}, wanted)
    check("a moment", pa.compute.cast(table["j"], pa.timestamp("us"))[0].as_py(), datetime(2026, 11, 20, 9, 30, 0, 250_000))
    check("an instant", pa.compute.cast(table["k"], pa.timestamp("us", "UTC"))[0].as_py().astimezone(UTC), datetime(2026, 11, 20, 14, 30, tzinfo=UTC))
    interval = table["r"][0].as_py()
    check("an interval", (interval.months, interval.days, interval.nanoseconds), (0, 1, 7_200_000_000_000))
    with connection.cursor() as cursor:
        cursor.execute("SELECT lists, active FROM symbols WHERE symbol = 'SPY'")
        check("SPY", cursor.fetchone(), (["etf"], True))
        cursor.execute("SELECT date, close, volume, open_interest, fetched_at FROM eod WHERE symbol = 'AAPL' ORDER BY date DESC LIMIT 1")
        bar = cursor.fetchone()
        check("types of a bar", [type(one) for one in bar], [date, float, int, type(None), datetime])
        holds("fetched lately", datetime.now(UTC) - bar[4] < timedelta(hours=1))
        cursor.execute("SELECT symbol FROM symbols WHERE false")
        check("no rows", (cursor.fetchall(), cursor.description[0][0]), ([], "symbol"))


def metadata(connection: flightsql.Connection) -> None:
    """The catalog at full depth, the schema of a table, what the server tells of itself."""
    objects = connection.adbc_get_objects(depth="all").read_all().to_pylist()
    check("catalogs", [catalog["catalog_name"] for catalog in objects], ["tt"])
    schemas = {schema["db_schema_name"]: schema["db_schema_tables"] for schema in objects[0]["catalog_db_schemas"]}
    check("schemas", sorted(schemas), ["information_schema", "live", "pg_catalog", "public", "system"])
    public = {table["table_name"]: table for table in schemas["public"]}
    check("kinds", (public["eod"]["table_type"], public["movers"]["table_type"]), ("TABLE", "VIEW"))
    columns = {column["column_name"]: column for column in public["eod"]["table_columns"]}
    names = ["symbol", "date", "open", "high", "low", "close", "volume", "open_interest", "source", "fetched_at"]
    check("columns of eod", list(columns), names)
    check("their places", [column["ordinal_position"] for column in columns.values()], list(range(1, 11)))
    check("type of close", columns["close"]["xdbc_type_name"], "double precision")
    check("where it is", (columns["close"]["xdbc_scope_schema"], columns["close"]["xdbc_scope_table"]), ("public", "eod"))
    check("live tables", sorted(table["table_name"] for table in schemas["live"]), ["greeks", "quotes", "summaries", "time_and_sales", "trades"])
    for depth in ("catalogs", "db_schemas", "tables"):
        holds(depth, len(connection.adbc_get_objects(depth=depth).read_all()) == 1)
    some = connection.adbc_get_objects(depth="tables", db_schema_filter="pub%", table_name_filter="bars%", table_types_filter=["VIEW"])
    tables = some.read_all().to_pylist()[0]["catalog_db_schemas"][0]["db_schema_tables"]
    check("filters", sorted(table["table_name"] for table in tables), ["bars_latest", "bars_monthly", "bars_weekly"])
    schema = connection.adbc_get_table_schema("eod", db_schema_filter="public")
    check("columns of a table", schema.names, names)
    check("type of a column", str(schema.field("volume").type), "int64")
    check("the key is never NULL", (schema.field("symbol").nullable, schema.field("close").nullable), (False, True))
    check("kinds of tables", sorted(connection.adbc_get_table_types()), ["SYSTEM TABLE", "TABLE", "VIEW"])
    info = connection.adbc_get_info()
    check("the server", info["vendor_name"], "ttapi")
    try:
        connection.adbc_get_table_schema("nosuch")
        raise AssertionError("a table that is not there has a schema")
    except adbc_driver_manager.ProgrammingError as error:
        check("code", error.status_code, adbc_driver_manager.AdbcStatusCode.NOT_FOUND)


def parameters(connection: flightsql.Connection) -> None:
    """One row of parameters, several, NULL, and other types than the columns have."""
    sql = "SELECT count(*) FROM eod WHERE symbol = $1 AND date >= $2 AND close > $3"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02' AND close > 1")
        wanted = cursor.fetchone()
        holds("there are bars", wanted[0] > 100)
        for day in (date(2026, 1, 2), "2026-01-02"):
            for least in (1.0, 1):
                cursor.execute(sql, ("AAPL", day, least))
                check(f"bars since {day!r}, above {least!r}", cursor.fetchone(), wanted)
        cursor.execute("SELECT $1::text, $2::bigint, $3::float8", (None, None, None))
        check("NULLs", cursor.fetchone(), (None, None, None))
        cursor.execute("SELECT $1 || 'x'", ("'; drop table eod; --",))
        check("a quote", cursor.fetchone(), ("'; drop table eod; --x",))
        instant = datetime(2026, 11, 20, 14, 30, 0, 123_456, tzinfo=UTC)
        cursor.execute("SELECT $1::timestamptz = timestamptz '2026-11-20 14:30:00.123456+00'", (instant,))
        check("an instant", cursor.fetchone(), (True,))
        cursor.adbc_prepare("SELECT symbol FROM symbols WHERE symbol = $1")
        cursor.execute("SELECT symbol FROM symbols WHERE symbol = $1", pa.record_batch({"symbol": ["AAPL", None, "SPY", "nosuch"]}))
        check("several rows", cursor.fetchall(), [("AAPL",), ("SPY",)])
        schema = cursor.adbc_prepare(sql)
        check("types of parameters", [str(kind) for kind in schema.types], ["string", "date32[day]", "double"])
        schema = cursor.adbc_execute_schema("SELECT symbol, close FROM eod")
        check("a schema without running", (schema.names, [str(kind) for kind in schema.types]), (["symbol", "close"], ["string", "double"]))


def frames(connection: flightsql.Connection) -> None:
    """pandas and polars through ADBC."""
    sql = "SELECT symbol, date, close, volume, open_interest FROM eod WHERE symbol IN ('AAPL', 'SPY') AND date >= '2026-10-01' ORDER BY symbol, date"
    frame = pandas.read_sql(sql, connection)
    holds("rows in pandas", len(frame) > 10)
    check("columns in pandas", list(frame.columns), ["symbol", "date", "close", "volume", "open_interest"])
    holds("numbers in pandas", frame["close"].dtype == "float64" and str(frame["volume"].dtype).lower().startswith("int64"))
    other = polars.read_database(sql, connection)
    check("rows in polars", other.height, len(frame))
    check("types in polars", other.dtypes, [polars.String, polars.Date, polars.Float64, polars.Int64, polars.Int64])
    check("the same rows", other["close"].to_list(), frame["close"].to_list())
    holds("NULL in polars", other["open_interest"].null_count() == other.height)


def sessions(address: str) -> None:
    """Settings hold with cookies, and with a login; without either they are refused."""
    with connect(address, **COOKIES) as connection, connection.cursor() as cursor:
        cursor.execute("SET timezone = 'America/New_York'")
        cursor.execute("SHOW timezone")
        check("with cookies", cursor.fetchone(), ("America/New_York",))
        cursor.execute("SELECT CAST('2026-11-04 15:30:00' AS timestamptz) = timestamptz '2026-11-04 20:30:00+00'")
        check("the zone counts", cursor.fetchone(), (True,))
        connection.adbc_connection.set_options(**{"adbc.flight.sql.session.option.max_staleness": "5s"})
        cursor.execute("SHOW max_staleness")
        check("a session option", cursor.fetchone(), ("5s",))
    with connect(address, username="ada", password="pencil") as connection, connection.cursor() as cursor:
        cursor.execute("SET freshness = 'serve'")
        cursor.execute("SELECT current_user, current_setting('freshness')")
        check("with a login", cursor.fetchone(), ("ada", "serve"))
    with connect(address) as connection, connection.cursor() as cursor:
        try:
            cursor.execute("SET freshness = 'serve'")
            raise AssertionError("a setting is lost silently")
        except adbc_driver_manager.Error as error:
            holds("the remedy is named", "with_cookie_middleware" in str(error))
    header = {DatabaseOptions.RPC_CALL_HEADER_PREFIX.value + "tt-max-staleness": "9s"}
    with connect(address, **header) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW max_staleness")
        check("with a header", cursor.fetchone(), ("9s",))


def stream(connection: flightsql.Connection) -> None:
    """An endless statement gives rows while it runs, and ends when it is left."""
    began = time.monotonic()
    rows = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT symbol, bid, ask, received_at FROM live.quotes WHERE symbol IN ('SPY', 'AAPL')")
        reader = cursor.fetch_record_batch()
        for batch in reader:
            for row in batch.to_pylist():
                holds("a quote", row["symbol"] in ("SPY", "AAPL") and 0 < row["bid"] < row["ask"])
                holds("it is of now", abs((datetime.now(UTC) - row["received_at"]).total_seconds()) < 10)
                rows += 1
            if rows >= 5:
                break
        holds("five quotes within five seconds", time.monotonic() - began < 5)
        cursor.adbc_cancel()
    ended(connection)


def ended(connection: flightsql.Connection) -> None:
    """No statement of this client runs any more."""
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM system.queries WHERE front_end = 'flight' AND sql LIKE '%live.%' AND sql NOT LIKE '%system.queries%'")
            if cursor.fetchone() == (0,):
                return
            holds("the statement ends with its client", time.monotonic() < deadline)


def cancel(connection: flightsql.Connection) -> None:
    """A running statement is cancelled from another thread."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM live.quotes WHERE symbol = 'nosuch'")
        timer = threading.Timer(0.3, cursor.adbc_cancel)
        timer.start()
        began = time.monotonic()
        try:
            cursor.fetchone()
            raise AssertionError("a cancelled statement succeeds")
        except adbc_driver_manager.Error as error:
            check("code of a cancel", error.status_code, adbc_driver_manager.AdbcStatusCode.CANCELLED)
        holds("cancelled within a second of asking", time.monotonic() - began < 1.3)
        timer.join()
    ended(connection)


def polled(connection: flightsql.Connection) -> None:
    """A statement that is asked for until it is complete, by PollFlightInfo."""
    with connection.cursor() as cursor:
        statement = cursor.adbc_statement
        statement.set_options(**{"adbc.statement.exec.incremental": "true"})
        statement.set_sql_query("SELECT count(*) FROM generate_series(1, 4000) a(n), generate_series(1, 4000) b(n) WHERE a.n <= b.n")
        found = []
        while partitions := statement.execute_partitions()[0]:
            found += partitions
            progress = statement.get_option_float("adbc.statement.exec.progress")
            holds("a share", 0 <= progress <= 1)
        check("partitions", len(found), 1)
        cursor.adbc_read_partition(found[0])
        check("its row", cursor.fetchone(), (8_002_000,))


def failures(connection: flightsql.Connection) -> None:
    """Errors have the code of their kind, and say what is wrong."""
    status = adbc_driver_manager.AdbcStatusCode
    for sql, wanted, part in (
        ("SELEC 1", status.INVALID_ARGUMENT, "SELEC"),
        ("SELECT * FROM nosuch", status.NOT_FOUND, "nosuch"),
        ("SELECT nosuch FROM eod", status.NOT_FOUND, "nosuch"),
        ("SELECT 'abc'::int", status.INVALID_ARGUMENT, "abc"),
        ("SELECT 1 / 0", status.INVALID_ARGUMENT, "division by zero"),
        ("DELETE FROM eod", status.UNAUTHORIZED, "DELETE"),
        ("COPY (SELECT 1) TO '/tmp/stolen'", status.UNAUTHORIZED, "COPY"),
        ("SELECT count(*) FROM live.quotes", status.NOT_IMPLEMENTED, "never give a row"),
    ):
        with connection.cursor() as cursor:
            try:
                cursor.execute(sql)
                cursor.fetchall()
            except adbc_driver_manager.Error as error:
                check(f"code of {sql}", error.status_code, wanted)
                holds(f"{sql}: {error}", part in str(error))
            else:
                raise AssertionError(f"{sql} succeeds")
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT $1::int + $2::int", (1,))
            raise AssertionError("a parameter is missing")
        except adbc_driver_manager.Error as error:
            holds(f"the number is told: {error}", "takes 2, and got 1" in str(error))
        cursor.execute("SELECT 1")
        check("the connection goes on", cursor.fetchone(), (1,))


def main() -> int:
    """All checks."""
    address = sys.argv[1]
    with connect(address) as connection:
        for part in (values, metadata, parameters, frames, stream, cancel, polled, failures):
            part(connection)
    sessions(address)
    print(f"ok checks={checks}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
