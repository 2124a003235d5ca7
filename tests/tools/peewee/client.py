"""peewee over psycopg 2 and 3: models that pwiz writes, queries, windows, server-side cursors, transactions, refusals."""

import subprocess
import sys
import types
from datetime import date, datetime
from decimal import Decimal

import peewee
from checks import DATABASE, HOST, PORT, USER, check, part, report
from peewee import JOIN, SQL, Case, Cast, Value, fn
from playhouse.postgres_ext import ArrayField, BinaryJSONField, PostgresqlExtDatabase, ServerSide
from playhouse.postgres_ext import Psycopg3Database as Plain3
from playhouse.reflection import Introspector

# What stands in for what pwiz writes, so that the rest is asked too.
MODELS = """
from peewee import *
from playhouse.postgres_ext import ArrayField

class Base(Model):
    pass

class Eod(Base):
    symbol, date, open, close = TextField(), DateField(), DoubleField(null=True), DoubleField(null=True)
    volume, fetched_at = BigIntegerField(null=True), DateTimeField()
    class Meta:
        primary_key = CompositeKey('symbol', 'date')

class Symbols(Base):
    symbol, description, lists = TextField(primary_key=True), TextField(null=True), ArrayField(TextField, null=True)
    active, fetched_at = BooleanField(null=True), DateTimeField()

class MarketMetrics(Base):
    symbol, dividend_ex_date = TextField(primary_key=True), DateField(null=True)
    class Meta:
        table_name = 'market_metrics'

class Quotes(Base):
    symbol = TextField(primary_key=True)
"""


def sqlstate(act: object) -> str:
    """SQLSTATE of what is refused."""
    try:
        act()
    except peewee.PeeweeException as error:
        cause = error.__cause__ or error.orig
        return getattr(cause, "sqlstate", None) or cause.pgcode
    return "it succeeds"


def main() -> int:
    """All checks."""
    done = subprocess.run(
        [sys.executable, "-m", "pwiz", "-e", "postgresql", "-H", HOST, "-p", PORT, "-u", USER, "-t", "eod,symbols,market_metrics,quotes", DATABASE],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    check("pwiz", (done.returncode, done.stderr[-300:]), (0, ""))
    source = done.stdout or MODELS
    for line in () if done.returncode else (
        "close = DoubleField(null=True)", "date = DateField()", "volume = BigIntegerField(null=True)", "active = BooleanField(null=True)", "symbol = TextField(primary_key=True)",
        "primary_key = CompositeKey('symbol', 'date')", "table_name = 'market_metrics'",
    ):  # fmt: skip
        check(f"pwiz writes {line}", line in source, True)
    check("pwiz writes lists", "lists = ArrayField(" in source, True)
    check("pwiz writes instants", "fetched_at = DateTimeField(" in source, True)
    for driver in ("psycopg2", "psycopg3"):
        module = types.ModuleType("models")
        exec(compile(source, "models.py", "exec"), module.__dict__)
        every = (module.Eod, module.Symbols, module.MarketMetrics, module.Quotes)
        kind = Plain3 if driver == "psycopg3" else PostgresqlExtDatabase
        database = kind(DATABASE, host=HOST, port=int(PORT), user=USER)
        database.bind(every)
        with part(driver), database.connection_context():
            queries(driver, database, *every)
    return report()


def queries(driver: str, database: peewee.Database, Eod: type, Symbols: type, Metrics: type, Quotes: type) -> None:
    """What a user asks, by one driver."""

    def value(sql: str) -> object:
        return database.execute_sql(sql).fetchone()[0]

    bars, all_bars = value("SELECT count(*) FROM eod WHERE symbol = 'AAPL'"), value("SELECT count(*) FROM eod")
    aapl = Eod.select().where(Eod.symbol == "AAPL")

    with part(f"{driver}: introspection"):
        check("tables", {"eod", "symbols", "quotes"} <= set(database.get_tables()), True)
        check("live tables", set(database.get_tables(schema="live")), {"greeks", "quotes", "summaries", "time_and_sales", "trades"})
        check("views", "movers" in {view.name for view in database.get_views()}, True)
        columns = {one.name: one for one in database.get_columns("eod")}
        check("columns", (columns["symbol"].data_type, columns["symbol"].null, columns["date"].primary_key, columns["close"].null), ("text", False, True, True))
        check("keys", database.get_primary_keys("eod"), ["symbol", "date"])
        check("indexes", [(one.columns, one.unique) for one in database.get_indexes("eod")], [(["symbol", "date"], True)])
        check("foreign keys", database.get_foreign_keys("eod"), [])
        check("is there", (database.table_exists("eod"), database.table_exists("nosuch")), (True, False))
        models = Introspector.from_database(database).generate_models(table_names=["calendar"])
        check("models at run time", models["calendar"].select().count() > 0, True)
        check("server version", str(database.server_version)[:2], "16")

    with part(f"{driver}: rows"):
        check("count", aapl.count(), bars)
        row = Eod.get((Eod.symbol == "AAPL") & (Eod.date == date(2026, 11, 2)))
        check("types", [type(one) for one in (row.symbol, row.date, row.close, row.volume, row.fetched_at)], [str, date, float, int, datetime])
        check("by key", Eod.get_by_id(("AAPL", date(2026, 11, 2))).close, row.close)
        check("order", [one.date for one in aapl.order_by(Eod.date).limit(3)], [one[0] for one in database.execute_sql("SELECT date FROM eod WHERE symbol = 'AAPL' ORDER BY date LIMIT 3")])
        check("in a list", [one.symbol for one in Symbols.select().where(Symbols.symbol.in_(["AAPL", "SPY", "nosuch"])).order_by(Symbols.symbol)], ["AAPL", "SPY"])
        check("texts", [one.symbol for one in Symbols.select().where(Symbols.description.contains("apple inc") & Symbols.symbol.startswith("A"))], ["AAPL"])
        check("a regular expression", Symbols.select().where(Symbols.symbol.iregexp("^spy$")).count(), 1)
        check("NULLs", Metrics.select().where(Metrics.dividend_ex_date.is_null()).count(), value("SELECT count(*) FROM market_metrics WHERE dividend_ex_date IS NULL"))
        check("a year", aapl.where(Eod.date.year == 2026).count(), value("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-01'"))
        check("lists", Symbols.get_by_id("SPY").lists, ["etf"])
        check("lists that contain", Symbols.select().where(Symbols.lists.contains("sp500")).count(), 503)
        check("lists with any", Symbols.select().where(Symbols.lists.contains_any("etf", "dow30")).count(), value("SELECT count(*) FROM symbols WHERE lists && ARRAY['etf', 'dow30']"))
        check("dicts, tuples", (aapl.dicts()[0]["symbol"], aapl.tuples()[0][0]), ("AAPL", "AAPL"))
        check("distinct on", Eod.select(Eod.symbol, Eod.close).distinct(Eod.symbol).order_by(Eod.symbol, Eod.date.desc()).count(), value("SELECT count(DISTINCT symbol) FROM eod"))
        check("a scalar", aapl.select(fn.MAX(Eod.close)).scalar(), value("SELECT max(close) FROM eod WHERE symbol = 'AAPL'"))
        check("exists", (aapl.exists(), Eod.select().where(Eod.symbol == "nosuch").exists()), (True, False))
        check("pages", len(list(Symbols.select().order_by(Symbols.symbol).paginate(2, 20))), 20)

    with part(f"{driver}: lists as texts"):
        query = Symbols.select().where(Symbols.lists.contains_any("etf", "dow30"))
        for test in ("lists && '{etf,dow30}'", "'{etf,dow30}' && lists", "(lists @> '{etf}' OR lists @> '{dow30}')"):
            check(test, Symbols.select().where(SQL(test)).count(), query.count())

    with part(f"{driver}: groups and joins"):
        n = fn.COUNT(Eod.date).alias("n")
        groups = Eod.select(Eod.symbol, n, fn.MAX(Eod.close).alias("top")).group_by(Eod.symbol).having(fn.COUNT(Eod.date) > 1).order_by(SQL("top").desc())
        check("groups", groups[0].top, value("SELECT max(close) FROM eod"))
        months = Eod.select(Eod.date.truncate("month").alias("month"), n).where(Eod.symbol == "AAPL").group_by(SQL("month")).order_by(SQL("month")).tuples()
        check("months", sum(one[1] for one in months), bars)
        joined = Eod.select(Eod.date, Symbols.description).join(Symbols, JOIN.LEFT_OUTER, on=(Symbols.symbol == Eod.symbol)).where(Eod.symbol == "AAPL").limit(2).tuples()
        check("joined", [one[1] for one in joined], ["APPLE INC."] * 2)
        latest = Eod.select(Eod.symbol, fn.MAX(Eod.date).alias("day")).group_by(Eod.symbol).alias("latest")
        last = Eod.select(Eod).join(latest, on=((Eod.symbol == latest.c.symbol) & (Eod.date == latest.c.day)))
        check("the latest of each", last.count(), value("SELECT count(DISTINCT symbol) FROM eod"))
        step = Eod.select(Eod.symbol, Eod.close).where(Eod.date == date(2026, 11, 2)).cte("step", columns=("symbol", "close"))
        check("a CTE", step.select_from(fn.COUNT(step.c.symbol)).scalar(), value("SELECT count(*) FROM eod WHERE date = '2026-11-02'"))
        base = peewee.Select(columns=[Cast(Value(1), "integer").alias("n")]).cte("numbers", recursive=True, columns=("n",))
        numbers = base.union_all(peewee.Select([base], [base.c.n + 1]).where(base.c.n < 5))
        check("a recursive CTE", [one[0] for one in numbers.select_from(numbers.c.n).bind(database).tuples()], [1, 2, 3, 4, 5])
        pick = Case(None, [(Eod.close > Eod.open, "up")], "down")
        check("a case", {one[0] for one in aapl.select(pick).distinct().tuples()}, {"up", "down"})
        values = peewee.ValuesList([("AAPL", 2), ("SPY", 3)], columns=("symbol", "weight"), alias="w")
        weighed = Symbols.select(Symbols.symbol, values.c.weight).join(values, on=(values.c.symbol == Symbols.symbol)).order_by(Symbols.symbol).tuples()
        check("values", list(weighed), [("AAPL", 2), ("SPY", 3)])
        check("a union", sorted(one.symbol for one in (aapl.select(Eod.symbol) | Eod.select(Eod.symbol).where(Eod.symbol == "SPY"))), ["AAPL", "SPY"])

    with part(f"{driver}: windows"):
        rows = list(
            Eod.select(
                Eod.close, fn.LAG(Eod.close).over(partition_by=[Eod.symbol], order_by=[Eod.date]).alias("previous"), fn.ROW_NUMBER().over(partition_by=[Eod.symbol], order_by=[Eod.date]).alias("number"),
                fn.AVG(Eod.close).over(partition_by=[Eod.symbol], order_by=[Eod.date], start=peewee.Window.preceding(4), end=peewee.Window.CURRENT_ROW).alias("mean"),
            ).where(Eod.symbol == "AAPL").order_by(Eod.date).limit(5).namedtuples()
        )  # fmt: skip
        check("numbers", [row.number for row in rows], [1, 2, 3, 4, 5])
        check("the close before", (rows[0].previous, rows[1].previous), (None, rows[0].close))
        check("a mean", round(rows[4].mean, 9), round(sum(row.close for row in rows) / 5, 9))

    with part(f"{driver}: server-side cursors"):
        query = Eod.select(Eod.symbol, Eod.date, Eod.close).order_by(Eod.symbol, Eod.date).tuples()
        with database.atomic():
            check("rows by a cursor", sum(1 for _ in ServerSide(query)), all_bars)
        check("rows, iterated", sum(1 for _ in query.iterator()), all_bars)

    with part(f"{driver}: transactions and refusals"):
        for sql, code in (("SELECT nosuch FROM eod", "42703"), ("SELECT * FROM nosuch", "42P01"), ("SELECT 1 / 0", "22012"), ("SELEC 1", "42601")):
            check(f"SQLSTATE of {sql}", sqlstate(lambda sql=sql: value(sql)), code)
        with database.atomic() as outer:
            with database.atomic() as inner:
                check("SQLSTATE in a savepoint", sqlstate(lambda: value("SELECT nosuch FROM eod")), "42703")
                inner.rollback()
            check("after a savepoint", aapl.count(), bars)
            outer.rollback()
        check("a new row", sqlstate(lambda: Symbols.create(symbol="ZZZ", fetched_at=datetime(2026, 1, 1))), "25006")
        check("a change", sqlstate(lambda: Symbols.update(active=False).where(Symbols.symbol == "SPY").execute()), "25006")
        check("a deletion", sqlstate(lambda: Symbols.delete().where(Symbols.symbol == "SPY").execute()), "25006")
        check("a new table", sqlstate(lambda: database.execute_sql("CREATE TABLE made (a int)")), "25006")
        check("a time limit", sqlstate(lambda: (value("SELECT set_config('statement_timeout', '200ms', false)"), value("SELECT count(*) FROM generate_series(1, 100000000000)"))), "57014")
        database.execute_sql("RESET statement_timeout")
        check("after it", aapl.count(), bars)

    with part(f"{driver}: a temporary table"):

        class Pick(peewee.Model):
            symbol = peewee.TextField()
            weight = peewee.DecimalField(6, 2, null=True)
            tags = ArrayField(peewee.TextField, index=False, null=True)
            doc = BinaryJSONField(index=False, null=True)

            class Meta:
                temporary, primary_key, table_name = True, peewee.CompositeKey("symbol"), "picks"

        database.bind([Pick])
        database.create_tables([Pick])
        # Without a key of numbers nothing is asked for with RETURNING.
        Pick.insert_many([("AAPL", Decimal("1.5"), ["a", "b"], {"k": [1, 2]}), ("SPY", None, None, None)]).returning().execute()
        check("rows", list(Pick.select(Pick.symbol, Pick.weight, Pick.tags, Pick.doc).order_by(Pick.symbol).tuples()), [("AAPL", Decimal("1.50"), ["a", "b"], {"k": [1, 2]}), ("SPY", None, None, None)])
        check("changed", Pick.update(weight=Pick.weight * 2).where(Pick.symbol == "AAPL").execute(), 1)
        check("a document", Pick.select().where(Pick.doc["k"][0] == "1").count(), 1)
        check("by the lake", Symbols.select().join(Pick, on=(Pick.symbol == Symbols.symbol)).count(), 2)
        check("deleted", Pick.delete().where(Pick.symbol == "SPY").execute(), 1)
        database.drop_tables([Pick])
        check("dropped", database.table_exists("picks"), False)

    with part(f"{driver}: live rows"):
        check("a quote", Quotes.select().where(Quotes.symbol == "SPY").count(), 1)


if __name__ == "__main__":
    sys.exit(main())
