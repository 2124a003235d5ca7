"""The PyPI client `SQLAlchemy` 2, and pandas over it: reflection, typed values, parameters, streams.

    pip install -r requirements.txt
    python client.py                       # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Prints `ok` and the number of reflected tables; the first failure is an exception.
"""

import os
import sys
from datetime import date, datetime

import pandas
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, Double, MetaData, Table, Text, create_engine, func, inspect, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP


def check(what: str, got: object, wanted: object) -> None:
    """Fails with a sentence, also under `python -O`."""
    if got != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def temporary(engine: object) -> None:
    """A temporary table of SQLAlchemy's, and pandas' rows in it."""
    picks = Table("picks", MetaData(), Column("symbol", Text, primary_key=True), Column("weight", Double), prefixes=["TEMPORARY"])
    with engine.connect() as connection:
        picks.create(connection)
        connection.execute(picks.insert(), [{"symbol": "AAPL", "weight": 0.5}, {"symbol": "SPY", "weight": None}])
        connection.execute(picks.update().where(picks.c.symbol == "SPY").values(weight=picks.c.weight + 1))
        pandas.DataFrame({"symbol": ["QQQ"], "weight": [2.5]}).to_sql("picks", connection, if_exists="append", index=False)
        rows = connection.execute(select(picks).order_by(picks.c.symbol)).all()
        check("rows", [tuple(row) for row in rows], [("AAPL", 0.5), ("QQQ", 2.5), ("SPY", None)])
        connection.rollback()
        check("after a rollback", inspect(connection).has_table("picks"), False)


def main() -> int:
    """All checks."""
    host, port, user, database = (os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"))
    engine = create_engine(f"postgresql+psycopg://{user}@{host}:{port}/{database}")

    temporary(engine)
    found = inspect(engine)
    tables, views = set(found.get_table_names()), set(found.get_view_names())
    wanted = {"calendar", "dividends", "earnings", "eod", "expirations", "market_metrics", "option_chains", "quotes", "symbols"}
    check("tables that are missing", wanted - tables, set())
    check("views that are missing", {"bars_latest", "movers", "iv_rank_screen", "returns_daily"} - views, set())
    check("tables that are views too", tables & views, set())
    check("schemas", {"live", "public", "system"} <= set(found.get_schema_names()), True)
    check("live tables", set(found.get_table_names(schema="live")) | set(found.get_view_names(schema="live")), {"greeks", "quotes", "summaries", "time_and_sales", "trades"})
    check("a table that is there", (found.has_table("eod"), found.has_table("nosuch")), (True, False))

    columns = {column["name"]: column for column in found.get_columns("eod")}
    for name, kind, nullable in (
        ("symbol", Text, False),
        ("date", Date, False),
        ("close", Double, True),
        ("volume", BigInteger, True),
        ("fetched_at", TIMESTAMP, False),
    ):
        column = columns[name]
        check(f"type of {name}", isinstance(column["type"], kind), True)
        check(f"NULL in {name}", column["nullable"], nullable)
    check("zone of fetched_at", columns["fetched_at"]["type"].timezone, True)
    symbols = {column["name"]: column["type"] for column in found.get_columns("symbols")}
    check("type of lists", isinstance(symbols["lists"], ARRAY) and isinstance(symbols["lists"].item_type, Text), True)
    check("type of active", isinstance(symbols["active"], Boolean), True)
    check("columns of a view", [column["name"] for column in found.get_columns("movers")][:2], ["symbol", "date"])
    check("definition of a view", "previous_close" in found.get_view_definition("movers"), True)
    check("keys and indexes", (found.get_foreign_keys("eod"), found.get_indexes("eod")), ([], []))
    check("comment", "the daily bar" in (found.get_table_comment("eod")["text"] or ""), True)

    metadata = MetaData()
    eod = Table("eod", metadata, autoload_with=engine)
    with engine.connect() as connection:
        latest = select(eod.c.symbol, eod.c.date, eod.c.close, eod.c.volume).where(eod.c.symbol.in_(["AAPL", "MSFT"]))
        rows = connection.execute(latest.where(eod.c.date >= date(2026, 11, 1)).order_by(eod.c.symbol, eod.c.date)).all()
        check("types of a bar", [type(one) for one in rows[0]], [str, date, float, int])
        check("symbols", {row.symbol for row in rows}, {"AAPL", "MSFT"})
        counted = connection.execute(select(eod.c.symbol, func.count()).where(eod.c.symbol == "AAPL").group_by(eod.c.symbol)).one()
        plain = connection.execute(text("SELECT count(*) FROM eod WHERE symbol = :symbol"), {"symbol": "AAPL"}).scalar_one()
        check("bars of AAPL", counted, ("AAPL", plain))
        check("a list", connection.execute(text("SELECT lists FROM symbols WHERE symbol = 'SPY'")).scalar_one(), ["etf"])
        streamed = connection.execution_options(stream_results=True, max_row_buffer=500).execute(select(eod.c.symbol))
        total = connection.execute(select(func.count()).select_from(eod)).scalar_one()
        check("streamed rows", sum(len(part) for part in streamed.partitions(5000)), total)

    everything = MetaData()
    everything.reflect(engine, views=True)
    check("reflected", set(everything.tables) >= wanted | {"movers"}, True)

    bars = pandas.read_sql("SELECT * FROM eod WHERE symbol = 'AAPL' ORDER BY date", engine, parse_dates=["date"])
    check("rows in pandas", len(bars), plain)
    check("dtypes", (str(bars["close"].dtype), str(bars["volume"].dtype), bars["date"].dtype.kind), ("float64", "int64", "M"))
    check("an instant in pandas", isinstance(bars["fetched_at"].iloc[0].to_pydatetime(), datetime), True)
    check("its zone", bars["fetched_at"].dt.tz is not None, True)
    check("a sane close", bool((bars["close"] > 0).all()), True)
    with engine.connect() as connection:
        summed = connection.execute(text("SELECT sum(volume)::bigint FROM eod WHERE symbol = 'AAPL'")).scalar_one()
    check("volume in pandas", int(bars["volume"].sum()), summed)
    movers = pandas.read_sql_query(text("SELECT symbol, change_ratio FROM movers WHERE change_ratio > :least"), engine, params={"least": 0.0})
    check("gainers gain", bool((movers["change_ratio"] > 0).all()) and len(movers) > 0, True)
    chunks = pandas.read_sql("SELECT symbol, date, close FROM eod", engine, chunksize=50_000)
    check("rows in chunks", sum(len(chunk) for chunk in chunks), total)
    parts = pandas.read_sql_table("symbols", engine, columns=["symbol", "lists", "active"])
    check("read_sql_table", int(parts["lists"].map(lambda lists: "sp500" in lists).sum()), 503)
    engine.dispose()
    print(f"ok tables={len(tables)} views={len(views)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
