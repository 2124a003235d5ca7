"""pandas over psycopg 2, and over psycopg 3 in chunks; polars over the Postgres wire by ADBC and by SQLAlchemy."""

import sys
from datetime import date

import adbc_driver_postgresql.dbapi as adbc
import pandas
import polars
import psycopg2
import sqlalchemy
from checks import address, check, part, report
from sqlalchemy import create_engine, exc, inspect, text

BARS = "SELECT symbol, date, close, volume, fetched_at FROM eod WHERE symbol = 'AAPL' ORDER BY date"


def by_sqlalchemy(driver: str) -> None:
    """pandas over an engine."""
    engine = create_engine(address(f"postgresql+{driver}"), hide_parameters=True)
    with engine.connect() as connection:
        bars, total = connection.execute(text("SELECT count(*), sum(volume)::bigint FROM eod WHERE symbol = 'AAPL'")).one()
        all_bars = connection.execute(text("SELECT count(*) FROM eod")).scalar_one()

    with part(f"{driver}: frames"):
        frame = pandas.read_sql(BARS, engine)
        check("rows", (len(frame), int(frame["volume"].sum())), (bars, total))
        check("dtypes", [str(frame[name].dtype).split("[")[0] for name in ("close", "volume", "fetched_at")], ["float64", "int64", "datetime64"])
        check("days", (type(frame["date"].iloc[0]), frame["date"].is_monotonic_increasing), (date, True))
        arrow = pandas.read_sql(BARS, engine, dtype_backend="pyarrow", parse_dates=["date"])
        check("Arrow's dtypes", (str(arrow["close"].dtype), str(arrow["volume"].dtype)), ("double[pyarrow]", "int64[pyarrow]"))
        nullable = pandas.read_sql("SELECT dividend_yield, liquidity_rating, earnings_estimated FROM market_metrics", engine, dtype_backend="numpy_nullable")
        check("nullable dtypes", [str(kind) for kind in nullable.dtypes], ["Float64", "Int64", "boolean"])
        named = pandas.read_sql(text("SELECT symbol, lists FROM symbols WHERE symbol = ANY(:wanted) ORDER BY symbol"), engine, params={"wanted": ["AAPL", "SPY"]}, index_col="symbol")
        check("lists", named["lists"].to_dict(), {"AAPL": ["dow30", "nasdaq100", "sp500"], "SPY": ["etf"]})
        exact = pandas.read_sql("SELECT 1.50::numeric(6, 2) AS a, NULL::numeric AS b", engine, coerce_float=True)
        check("a numeric", (float(exact["a"].iloc[0]), exact["b"].isna().all()), (1.5, True))
        table = pandas.read_sql_table("eod", engine, columns=["symbol", "date", "close"], chunksize=100_000)
        check("a table in chunks", sum(len(chunk) for chunk in table), all_bars)
        none = pandas.read_sql("SELECT symbol, close FROM eod WHERE symbol = 'nosuch'", engine)
        check("no rows", (len(none), list(none.columns)), (0, ["symbol", "close"]))

    with part(f"{driver}: chunks by a server-side cursor"), engine.connect().execution_options(stream_results=True, max_row_buffer=10_000) as connection:
        sizes = [len(chunk) for chunk in pandas.read_sql(text("SELECT symbol, date, close FROM eod"), connection, chunksize=50_000)]
        check("chunks", (sum(sizes), set(sizes[:-1])), (all_bars, {50_000}))

    with part(f"{driver}: writes"):
        for how in ("fail", "append", "replace"):
            try:
                pandas.DataFrame({"symbol": ["ZZZ"], "fetched_at": [pandas.Timestamp("2026-01-02", tz="UTC")]}).to_sql("symbols" if how != "fail" else "picks", engine, if_exists=how, index=False)
            except (exc.DBAPIError, pandas.errors.DatabaseError) as error:
                cause = (error if isinstance(error, exc.DBAPIError) else error.__cause__).orig
                check(f"SQLSTATE of to_sql, {how}", getattr(cause, "sqlstate", None) or cause.pgcode, "25006")
            else:
                check(f"to_sql, {how}", "succeeds", "25006")
        check("the table that was to be replaced", inspect(engine).has_table("symbols"), True)
    with part(f"{driver}: many rows at once"):
        with engine.begin() as connection:
            connection.execute(text("CREATE TEMP TABLE picks (symbol text, day date, weight double precision, n bigint, at timestamptz, flag boolean)"))
            frame = pandas.DataFrame(
                {"symbol": [f"S{n}" for n in range(3000)], "day": date(2026, 1, 2), "weight": [None if n % 2 else n / 4 for n in range(3000)], "n": range(3000), "at": pandas.Timestamp("2026-01-02 10:00", tz="UTC"), "flag": True}
            )
            check("rows written", frame.to_sql("picks", connection, if_exists="append", index=False, method="multi", chunksize=1000), 3000)
            check("rows that are there", tuple(connection.execute(text("SELECT count(*), count(weight), sum(n)::bigint, bool_and(flag), min(at) = '2026-01-02 10:00Z' FROM picks")).one()), (3000, 1500, 4498500, True, True))
            back = pandas.read_sql("SELECT * FROM picks ORDER BY n", connection)
            check("read back", (list(back["symbol"][:2]), back["weight"].isna().sum()), (["S0", "S1"], 1500))
    engine.dispose()


def by_driver() -> None:
    """pandas over psycopg 2 itself, and its cursors."""
    with psycopg2.connect("") as connection:
        with connection.cursor("bars") as cursor:
            cursor.itersize = 20_000
            cursor.execute("SELECT symbol, close FROM eod WHERE date >= %s", (date(2026, 1, 1),))
            rows = sum(1 for _ in cursor)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM eod WHERE date >= '2026-01-01'")
            check("rows by a named cursor", rows, cursor.fetchone()[0])
            cursor.execute("SELECT %s, %s::date, %s, %s::numeric, %s", ("é'\\", date(2026, 1, 2), None, 1.5, ["a", None]))
            check("values", [str(one) for one in cursor.fetchone()], ["é'\\", "2026-01-02", "None", "1.5", "['a', None]"])
            try:
                cursor.execute("SELECT nosuch FROM eod")
            except psycopg2.errors.UndefinedColumn as error:
                check("its position", error.diag.statement_position, "8")
        connection.rollback()


def by_polars() -> None:
    """polars' frames, which are Arrow's."""
    uri = address()
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(volume)::bigint FROM eod WHERE symbol = 'AAPL'")
        bars, total = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM eod")
        all_bars = cursor.fetchone()[0]

    with part("polars by ADBC"):
        frame = polars.read_database_uri(BARS, uri, engine="adbc")
        check("rows", (frame.height, frame["volume"].sum()), (bars, total))
        wanted = [polars.String, polars.Date, polars.Float64, polars.Int64, polars.Datetime("us", "UTC")]
        check("types", frame.dtypes, wanted)
        lists = polars.read_database_uri("SELECT symbol, lists, active FROM symbols WHERE symbol IN ('AAPL', 'SPY') ORDER BY symbol", uri, engine="adbc")
        check("lists", (lists["lists"].to_list(), lists["active"].dtype), ([["dow30", "nasdaq100", "sp500"], ["etf"]], polars.Boolean))
        check("every bar", polars.read_database_uri("SELECT * FROM eod", uri, engine="adbc").height, all_bars)
        with adbc.connect(uri) as connection:
            parts = list(polars.read_database("SELECT symbol, close FROM eod", connection, iter_batches=True))
            check("rows in batches", sum(one.height for one in parts), all_bars)
            one = polars.read_database("SELECT close FROM eod WHERE symbol = $1 AND date = $2", connection, execute_options={"parameters": ["AAPL", date(2026, 11, 2)]})
            check("parameters", (one.height, one["close"].dtype), (1, polars.Float64))

    with part("polars by SQLAlchemy"):
        engine = create_engine(address("postgresql+psycopg"))
        frame = polars.read_database(BARS, engine)
        check("rows", (frame.height, frame["volume"].sum()), (bars, total))
        parts = polars.read_database("SELECT symbol, close FROM eod", engine.connect(), iter_batches=True, batch_size=50_000)
        check("batches", sum(one.height for one in parts), all_bars)
        for kind in ("sqlalchemy", "adbc"):
            try:
                polars.DataFrame({"a": [1]}).write_database("made", uri if kind == "adbc" else engine, engine=kind)
            except exc.DBAPIError as error:
                check(f"write_database by {kind}", error.orig.sqlstate, "25006")
            except adbc.Error as error:
                check(f"write_database by {kind}", "cannot execute CREATE TABLE in a read-only transaction" in str(error), True)
            else:
                check(f"write_database by {kind}", "succeeds", "25006")
        engine.dispose()


def main() -> int:
    """All checks."""
    for driver in ("psycopg2", "psycopg"):
        with part(driver):
            by_sqlalchemy(driver)
    with part("psycopg 2"):
        by_driver()
    by_polars()
    return report(sqlalchemy=sqlalchemy.__version__, polars=polars.__version__)


if __name__ == "__main__":
    sys.exit(main())
