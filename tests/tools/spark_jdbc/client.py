"""Spark over JDBC: the source `jdbc` and the catalog JDBCTableCatalog."""

import sys
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from checks import PLACE, USER, asked, check, failed, failures, part, report
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as f

login = {"url": f"jdbc:postgresql://{PLACE}", "user": USER, "driver": "org.postgresql.Driver"}
pushed = {f"pushDown{one}": "true" for one in ("Aggregate", "Limit", "Offset", "TableSample", "Join")}
builder = SparkSession.builder.master("local[2]")
for key, value in {
    "spark.jars": "/usr/share/java/postgresql.jar", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.log.level": "OFF",
    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.sql.session.timeZone": "UTC",
    "spark.sql.catalog.tt": "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog",
    **{f"spark.sql.catalog.tt.{one}": value for one, value in {**login, **pushed}.items()},
}.items():  # fmt: skip
    builder = builder.config(key, value)
spark = builder.getOrCreate()


def read(**options: str) -> DataFrame:
    """The source with its options."""
    return spark.read.format("jdbc").options(**login, **options).load()


def refused(what: str, run: Callable[[], object], *parts: str) -> None:
    """The statement fails, and says so with all parts."""
    try:
        run()
        failed(f"{what} succeeds")
    except Exception as error:
        said = str(error) + str(getattr(error, "_origin", "") and error._origin.toString())
        cause = getattr(error, "_origin", None)
        while cause is not None and cause.getCause() is not None:
            cause = cause.getCause()
            said += cause.toString()
        for words in parts:
            if words not in said:
                failed(f"{what}: no {words!r} in {said[:600]!r}")


def schemas() -> None:
    """Types of columns."""
    check("eod", read(dbtable="eod").dtypes, [
        ("symbol", "string"), ("date", "date"), ("open", "double"), ("high", "double"), ("low", "double"), ("close", "double"), ("volume", "bigint"),
        ("open_interest", "bigint"), ("source", "string"), ("fetched_at", "timestamp"),
    ])  # fmt: skip
    check("symbols", dict(read(dbtable="public.symbols").dtypes)["lists"], "array<string>")
    check("SPY", read(dbtable="symbols").where("symbol = 'SPY'").select("symbol", "lists", "active").collect(), [Row(symbol="SPY", lists=["etf"], active=True)])
    values = {
        "true": ("boolean", True), "1::smallint": ("smallint", 1), "2::int": ("int", 2), "3::bigint": ("bigint", 3), "1.5::real": ("float", 1.5),
        "0.1::float8": ("double", 0.1), "'x'::text": ("string", "x"), "'a'::varchar(3)": ("varchar(3)", "a"), "date '2024-02-29'": ("date", date(2024, 2, 29)),
        "timestamp '2024-02-29 10:00:00.5'": ("timestamp", datetime(2024, 2, 29, 10, 0, 0, 500_000)), "'\\x00ff'::bytea": ("binary", bytearray(b"\x00\xff")),
        "interval '1 day'": ("string", "1 day"), "'{}'::jsonb": ("string", "{}"), "ARRAY[1.5::float8, NULL]": ("array<double>", [1.5, None]),
        "ARRAY[date '2024-02-29']": ("array<date>", [date(2024, 2, 29)]), "12.50::numeric(10, 2)": ("decimal(10,2)", Decimal("12.50")),
        "1.5::float8::numeric(12, 2)": ("decimal(12,2)", Decimal("1.50")), "1.5::numeric": ("decimal(38,18)", Decimal("1.5")), "NULL::int": ("int", None),
    }  # fmt: skip
    frame = read(query="SELECT " + ", ".join(f"{one} AS c{place}" for place, one in enumerate(values)))
    row = frame.collect()[0]
    for place, (one, (kind, value)) in enumerate(values.items()):
        # Spark reads varchar(n) as a string.
        check(f"type of {one}", frame.dtypes[place][1], "string" if kind.startswith("varchar") else kind)
        check(one, row[place], value)


def partitions() -> None:
    """Ranges of a date and of an instant, and all rows by a fetch size."""
    count, volume = map(int, asked("SELECT count(*), sum(volume) FROM eod").split("|"))
    ranged = read(dbtable="eod", partitionColumn="date", lowerBound="2024-12-02", upperBound="2026-11-27", numPartitions="3", fetchsize="10000")
    check("ranges of date", (ranged.rdd.getNumPartitions(), ranged.agg(f.count("*"), f.sum("volume")).collect()[0]), (3, (count, volume)))
    instants = read(dbtable="symbols", partitionColumn="fetched_at", lowerBound="2026-01-01 00:00:00", upperBound="2026-12-31 00:00:00", numPartitions="2")
    check("ranges of fetched_at", instants.count(), int(asked("SELECT count(*) FROM symbols")))
    check("a query", read(query="SELECT symbol, count(*) AS n FROM eod GROUP BY symbol").where("n > 400 AND symbol < 'AB'").count(), int(asked("SELECT count(*) FROM (SELECT symbol FROM eod WHERE symbol < 'AB' GROUP BY symbol HAVING count(*) > 400) x")))
    check("WITH before the query", read(prepareQuery="WITH t AS (SELECT symbol FROM symbols)", query="SELECT * FROM t").count(), int(asked("SELECT count(*) FROM symbols")))
    check("a first statement", read(dbtable="eod", sessionInitStatement="SET freshness = 'serve'").where("symbol = 'SPY'").count(), int(asked("SELECT count(*) FROM eod WHERE symbol = 'SPY'")))


def pushdown() -> None:
    """Statements of Spark, whose parts the server computes; the same rows as psql gives."""
    for spark_sql, parts, sql in (
        ("SELECT symbol, max(close) m FROM tt.public.eod WHERE date >= DATE'2026-01-01' GROUP BY symbol ORDER BY m DESC, symbol LIMIT 3",
         ["PushedAggregates: [MAX(close)]", "PushedGroupByExpressions: [symbol]"],
         "SELECT symbol, max(close) m FROM eod WHERE date >= '2026-01-01' GROUP BY symbol ORDER BY m DESC, symbol LIMIT 3"),
        ("SELECT count(*), sum(volume) FROM tt.public.eod WHERE symbol IN ('A', 'SPY') AND contains(symbol, 'P') AND length(symbol) = 3 AND coalesce(open_interest, 0) = 0"
         " AND abs(close - open) < 100 AND date_add(date, 1) > DATE'2026-01-01' AND extract(YEAR FROM date) = 2026",
         ["PushedFilters: [symbol IS NOT NULL", "symbol IN ('A', 'SPY'"],
         "SELECT count(*), sum(volume) FROM eod WHERE symbol = 'SPY' AND abs(close - open) < 100 AND date >= '2026-01-01'"),
        ("SELECT symbol, type FROM tt.public.symbols ORDER BY symbol LIMIT 2 OFFSET 1", ["ORDER BY [symbol ASC NULLS FIRST] LIMIT"],
         "SELECT symbol, type FROM symbols ORDER BY symbol LIMIT 2 OFFSET 1"),
        ("SELECT s.market, count(*) FROM tt.public.eod e JOIN tt.public.symbols s ON e.symbol = s.symbol GROUP BY s.market ORDER BY 1", [],
         "SELECT s.market, count(*) FROM eod e JOIN symbols s USING (symbol) GROUP BY s.market ORDER BY 1"),
    ):  # fmt: skip
        frame = spark.sql(spark_sql)
        check(spark_sql, ["|".join(map(str, row)) for row in frame.collect()], asked(sql).splitlines())
        plan = frame._jdf.queryExecution().executedPlan().toString()
        for words in parts:
            if words not in plan:
                failed(f"{spark_sql}: no {words!r} in {plan[:1500]!r}")
    sampled = spark.sql("SELECT count(*) FROM tt.public.eod TABLESAMPLE (1 PERCENT) REPEATABLE (5)").collect()[0][0]
    check("a sample of 1 %", 1500 < sampled < 4000, True)
    check("namespaces", sorted(row[0] for row in spark.sql("SHOW NAMESPACES IN tt").collect()), ["information_schema", "live", "pg_catalog", "public", "system"])
    names = [row.tableName for row in spark.sql("SHOW TABLES IN tt.public").collect()]
    check("tables", sorted(names), asked("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name COLLATE \"C\"").splitlines())


def refusals() -> None:
    """Errors of the server, its time limit, and what may not be written."""
    refused("a table that is not there", lambda: read(dbtable="nosuch"), 'relation "nosuch" does not exist')
    refused("a column that is not there", lambda: read(query="SELECT nosuch FROM eod"), 'column "nosuch" does not exist')
    refused("a time limit", lambda: read(query="SELECT count(*) AS n FROM generate_series(1, 100000000000)", queryTimeout="1").collect(), "canceling statement due to")
    row = spark.createDataFrame([("x", "y")], "symbol string, type string")
    write = row.write.format("jdbc").options(**login)
    refused("a new table", lambda: write.options(dbtable="made").save(), "cannot execute CREATE TABLE in a read-only transaction")
    refused("rows", lambda: write.options(dbtable="symbols").mode("append").save(), "cannot execute INSERT in a read-only transaction")
    refused("another table", lambda: write.options(dbtable="symbols").mode("overwrite").save(), "cannot execute DROP TABLE in a read-only transaction")
    refused("an empty table", lambda: write.options(dbtable="symbols", truncate="true").mode("overwrite").save(), "cannot execute TRUNCATE TABLE in a read-only transaction")
    for sql, wanted in (
        ("CREATE TABLE tt.public.made (a int)", "cannot execute CREATE TABLE in a read-only transaction"),
        ("DROP TABLE tt.public.symbols", "cannot execute DROP TABLE in a read-only transaction"),
        ("ALTER TABLE tt.public.symbols ADD COLUMN x int", "cannot execute ALTER TABLE in a read-only transaction"),
        ("CREATE NAMESPACE tt.made", "cannot execute CREATE SCHEMA in a read-only transaction"),
        ("INSERT INTO tt.public.symbols SELECT * FROM tt.public.symbols LIMIT 1", "cannot execute INSERT in a read-only transaction"),
        ("SELECT * FROM tt.public.nosuch", "TABLE_OR_VIEW_NOT_FOUND"),
    ):
        refused(sql, lambda: spark.sql(sql).collect(), wanted)
    check("symbols after all", spark.sql("SELECT * FROM tt.public.symbols").count(), int(asked("SELECT count(*) FROM symbols")))


for one in (schemas, partitions, pushdown, refusals):
    with part(one.__name__):
        one()
spark.stop()
code = report()
print(*failures, sep="\n")
sys.exit(code)
