"""Django as its users run it: inspectdb, unmanaged models, the query builder, server-side cursors, explain, checks."""

import atexit
import io
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import django
from checks import DATABASE, HOST, PORT, USER, check, part, report
from django.conf import settings


def columns(source: str, model: str) -> dict[str, str]:
    """Field by field, what inspectdb wrote of a model, without comments."""
    body = source.split(f"class {model}(models.Model):\n")[1].split("\nclass ")[0].split("class Meta")[0]
    body = re.sub(r"(, )?db_comment=('[^']*'|\"[^\"]*\")", "", body)
    return dict(line.strip().split(" = ", 1) for line in body.splitlines() if " = models." in line)


def main() -> int:
    """All checks."""
    place = Path(tempfile.mkdtemp(prefix="tt-django-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    (place / "bars").mkdir()
    (place / "bars" / "__init__.py").write_text("")
    sys.path.insert(0, str(place))
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql", "HOST": HOST, "PORT": PORT, "USER": USER,
                "NAME": DATABASE, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True,
            }
        },
        INSTALLED_APPS=["django.contrib.postgres", "bars"], USE_TZ=True, TIME_ZONE="America/New_York", DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )  # fmt: skip

    # The models are what inspectdb writes of the tables, and what a user adds to it.
    (place / "bars" / "models.py").write_text("")
    from django.core.management import call_command

    django.setup()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        check("a plain statement", cursor.fetchone(), (1,))
        check("version", (connection.vendor, connection.pg_version // 10_000), ("postgresql", 16))
    written = io.StringIO()
    call_command("inspectdb", "eod", "symbols", "quotes", "market_metrics", "movers", "--include-views", stdout=written)
    source = written.getvalue()
    source = "\n".join(line for line in source.splitlines() if not line.startswith("#"))
    check("what inspectdb could not read", [line for line in written.getvalue().splitlines() if "Unable to inspect" in line or "The error was" in line], [])
    check("a comment", "db_comment='Trading date in New York'" in source, True)
    eod = columns(source, "Eod")
    check("a composite key", eod.get("pk"), "models.CompositePrimaryKey('symbol', 'date')")
    check("a day", eod.get("date"), "models.DateField()")
    check("a price", eod.get("close"), "models.FloatField(blank=True, null=True)")
    check("a volume", eod.get("volume"), "models.BigIntegerField(blank=True, null=True)")
    check("an instant", eod.get("fetched_at"), "models.DateTimeField()")
    symbols = columns(source, "Symbols")
    check("a key", symbols.get("symbol"), "models.TextField(primary_key=True)")
    check("a flag", symbols.get("active"), "models.BooleanField(blank=True, null=True)")
    check("a list", symbols.get("lists", "").split("(")[0], "models.TextField")
    check("a view's columns", list(columns(source, "Movers"))[:3], ["symbol", "date", "close"])
    check("unmanaged", source.count("managed = False"), 5)
    with connection.cursor() as cursor:
        found = {one.name: one.type for one in connection.introspection.get_table_list(cursor)}
        check("kinds", (found.get("eod"), found.get("movers")), ("t", "v"))
        check("relations", len(found), 37)
        unread = [name for name in ("option_chains", "earnings", "bars_weekly") if not connection.introspection.get_table_description(cursor, name)]
        check("relations without columns", unread, [])
        keys = connection.introspection.get_constraints(cursor, "eod")
        check("keys", [(one["columns"], one["primary_key"], one["unique"]) for one in keys.values() if one["primary_key"]], [(["symbol", "date"], True, True)])
        check("sequences", connection.introspection.get_sequences(cursor, "eod"), [])
        check("foreign keys", connection.introspection.get_relations(cursor, "eod"), {})
        check("comment", "the daily bar" in next(one.comment or "" for one in connection.introspection.get_table_list(cursor) if one.name == "eod"), True)

    source = source.replace("lists = models.TextField(", "lists = ArrayField(models.TextField(), ").replace("  # This field type is a guess.", "")
    source = "from django.contrib.postgres.fields import ArrayField\n" + source
    (place / "bars" / "models.py").write_text(source)
    module = type(sys)("bars.models")
    sys.modules["bars.models"] = module
    exec(compile(source, "bars/models.py", "exec"), module.__dict__)
    from django.apps import apps
    from django.contrib.postgres.aggregates import ArrayAgg, StringAgg
    from django.db import DatabaseError, OperationalError, ProgrammingError, models, transaction
    from django.db.models import Avg, Case, Count, Exists, F, Max, Min, OuterRef, Q, StdDev, Subquery, Sum, Value, When, Window
    from django.db.models.functions import Cast, Coalesce, ExtractWeekDay, ExtractYear, FirstValue, Lag, Lower, Now, Rank, Round, RowNumber, Substr, TruncDate, TruncHour, TruncMonth

    Eod, Symbols, Quotes, Metrics, Movers = (apps.get_model("bars", name) for name in ("Eod", "Symbols", "Quotes", "MarketMetrics", "Movers"))

    def value(sql: str, *arguments: object) -> object:
        """One value, without models."""
        with connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return cursor.fetchone()[0]

    bars = value("SELECT count(*) FROM eod WHERE symbol = %s", "AAPL")
    all_bars = value("SELECT count(*) FROM eod")
    aapl = Eod.objects.filter(symbol="AAPL")

    with part("filters"):
        check("count", aapl.count(), bars)
        one = Eod.objects.get(pk=("AAPL", date(2026, 11, 2)))
        check("types", [type(part) for part in (one.symbol, one.date, one.close, one.volume, one.fetched_at)], [str, date, float, int, datetime])
        check("zone", one.fetched_at.utcoffset().total_seconds(), 0.0)
        check("first and last", (aapl.order_by("date").first().date, aapl.latest("date").date), (value("SELECT min(date) FROM eod WHERE symbol = 'AAPL'"), value("SELECT max(date) FROM eod WHERE symbol = 'AAPL'")))
        check("in bulk", set(Symbols.objects.in_bulk(["AAPL", "SPY", "nosuch"])), {"AAPL", "SPY"})
        check("exists", (aapl.exists(), Eod.objects.filter(symbol="nosuch").exists()), (True, False))
        check("lookups", Symbols.objects.filter(symbol__startswith="AA", description__icontains="apple").values_list("symbol", flat=True)[0], "AAPL")
        check("a regular expression", list(Symbols.objects.filter(symbol__iregex="^spy$").values_list("symbol", flat=True)), ["SPY"])
        check("iexact, endswith", list(Symbols.objects.filter(Q(symbol__iexact="spy") | Q(symbol="AAPL", symbol__endswith="PL")).order_by("symbol").values_list("symbol", flat=True)), ["AAPL", "SPY"])
        check("no match", Symbols.objects.filter(symbol__contains="50%_").count(), 0)
        check("days of a year and a month", aapl.filter(date__year=2026, date__month=10).count(), value("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date BETWEEN '2026-10-01' AND '2026-10-31'"))
        check("a weekday", aapl.filter(date__week_day=2).count(), value("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND extract(dow FROM date) = 1"))
        check("the day of an instant", Eod.objects.filter(symbol="AAPL", fetched_at__date__lte=date(2099, 1, 1)).count(), bars)
        check("NULLs", Metrics.objects.filter(dividend_ex_date__isnull=True).count(), value("SELECT count(*) FROM market_metrics WHERE dividend_ex_date IS NULL"))
        check("excluded", Symbols.objects.exclude(active=True).count(), value("SELECT count(*) FROM symbols WHERE NOT (active AND active IS NOT NULL)"))
        check("a list", Symbols.objects.get(symbol="SPY").lists, ["etf"])
        check("in a list", Symbols.objects.filter(lists__contains=["sp500"]).count(), 503)
        check("of lists", Symbols.objects.filter(lists__overlap=["etf", "dow30"]).count(), value("SELECT count(*) FROM symbols WHERE lists && ARRAY['etf', 'dow30']"))
        check("length and element", Symbols.objects.filter(lists__len=1, lists__0="etf").count(), value("SELECT count(*) FROM symbols WHERE cardinality(lists) = 1 AND lists[1] = 'etf'"))
        check("sliced", [one.symbol for one in Symbols.objects.order_by("symbol")[2:5]], [row for row in Symbols.objects.order_by("symbol").values_list("symbol", flat=True)][2:5])
        check("deferred", Symbols.objects.only("symbol").get(symbol="AAPL").description, "APPLE INC.")
        check("distinct on", Eod.objects.order_by("symbol", "-date").distinct("symbol").count(), value("SELECT count(DISTINCT symbol) FROM eod"))
        check("dates", len(aapl.dates("date", "month")), value("SELECT count(DISTINCT date_trunc('month', date)) FROM eod WHERE symbol = 'AAPL'"))
        check("composite keys in a list", Eod.objects.filter(pk__in=[("AAPL", date(2026, 11, 2)), ("SPY", date(2026, 11, 2))]).count(), 2)
        check("nothing", list(Eod.objects.none()), [])
        union = aapl.values("symbol").union(Eod.objects.filter(symbol="SPY").values("symbol"))
        check("a union", sorted(row["symbol"] for row in union), ["AAPL", "SPY"])

    with part("aggregates"):
        got = aapl.aggregate(n=Count("*"), top=Max("close"), low=Min("date"), mean=Avg("close"), total=Sum("volume"), spread=StdDev("close"), up=Count("pk", filter=Q(close__gt=F("open"))))
        check("types of aggregates", [type(got[name]) for name in ("n", "top", "low", "mean", "spread", "up")], [int, float, date, float, float, int])
        check("the sum", got["total"], value("SELECT sum(volume) FROM eod WHERE symbol = 'AAPL'"))
        check("filtered", got["up"], value("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND close > open"))
        groups = Eod.objects.values("symbol").annotate(n=Count("date"), top=Max("close")).filter(n__gt=1).order_by("-top", "symbol")
        check("groups", groups[0]["top"], value("SELECT max(close) FROM eod"))
        check("number of groups", groups.count(), value("SELECT count(*) FROM (SELECT symbol FROM eod GROUP BY symbol HAVING count(*) > 1) x"))
        months = aapl.annotate(month=TruncMonth("date")).values("month").annotate(n=Count("date"), mean=Avg("close")).order_by("month")
        check("months", (months[0]["month"].day, sum(row["n"] for row in months)), (1, bars))
        lists = Eod.objects.filter(date=date(2026, 11, 2), symbol__in=["AAPL", "MSFT"]).aggregate(all=ArrayAgg("symbol", ordering="symbol"), text=StringAgg("symbol", delimiter=",", ordering="-symbol"))
        check("lists", (lists["all"], lists["text"]), (["AAPL", "MSFT"], "MSFT,AAPL"))
        check("a nested aggregate", Eod.objects.values("symbol").annotate(top=Max("close")).aggregate(low=Min("top"))["low"], value("SELECT min(top) FROM (SELECT max(close) AS top FROM eod GROUP BY symbol) x"))

    with part("annotations"):
        row = (
            aapl.filter(date=date(2026, 11, 2))
            .annotate(
                year=ExtractYear("date"), weekday=ExtractWeekDay("date"), hour=TruncHour("fetched_at"), day=TruncDate("fetched_at"), small=Lower("symbol"), part=Substr("symbol", 2, 2),
                exact=Cast("close", models.DecimalField(max_digits=12, decimal_places=2)), move=F("close") - F("open"), now=Now(),
                kind=Case(When(close__gt=F("open"), then=Value("up")), default=Value("down")), some=Coalesce("source", Value("none", output_field=models.TextField())),
                name=Subquery(Symbols.objects.filter(symbol=OuterRef("symbol")).values("description")[:1]), known=Exists(Symbols.objects.filter(symbol=OuterRef("symbol"))),
            )
            .get()
        )  # fmt: skip
        check("parts", (row.year, row.weekday, row.small, row.part, row.name, row.known), (2026, 2, "aapl", "AP", "APPLE INC.", True))
        check("a decimal", (type(row.exact), row.exact), (Decimal, value("SELECT close::numeric(12, 2) FROM eod WHERE symbol = 'AAPL' AND date = '2026-11-02'")))
        check("an hour in the zone of the settings", (row.hour.minute, row.hour.tzinfo is not None, str(row.hour.tzinfo)), (0, True, "America/New_York"))
        check("a day in the zone of the settings", row.day, row.fetched_at.astimezone(row.hour.tzinfo).date())
        check("now", abs((datetime.now(UTC) - row.now).total_seconds()) < 60, True)

    with part("rounded"):
        one = aapl.annotate(rounded=Round("close", 1)).get(date=date(2026, 11, 2))
        check("a rounded close", one.rounded, round(one.close, 1))

    with part("windows"):
        rows = list(
            Eod.objects.filter(symbol__in=["AAPL", "MSFT"])
            .annotate(
                previous=Window(Lag("close"), partition_by="symbol", order_by="date"), number=Window(RowNumber(), partition_by="symbol", order_by="date"),
                first=Window(FirstValue("close"), partition_by="symbol", order_by="date"), rank=Window(Rank(), order_by=F("close").desc()),
                mean=Window(Avg("close"), partition_by="symbol", order_by="date", frame=models.RowRange(start=-4, end=0)),
            )
            .order_by("symbol", "date")[:5]
        )  # fmt: skip
        check("numbers", [row.number for row in rows], [1, 2, 3, 4, 5])
        check("the close before", (rows[0].previous, rows[1].previous, rows[1].first), (None, rows[0].close, rows[0].close))
        check("a mean", round(rows[4].mean, 9), round(sum(row.close for row in rows) / 5, 9))
        last = Eod.objects.annotate(number=Window(RowNumber(), partition_by="symbol", order_by=F("date").desc())).filter(number=1)
        check("filtered by a window", last.count(), value("SELECT count(DISTINCT symbol) FROM eod"))

    with part("server-side cursors"):
        streamed = Eod.objects.order_by("symbol", "date").values_list("symbol", "date", "close").iterator(chunk_size=5000)
        first = next(streamed)
        check("the first row", first[0], value("SELECT min(symbol) FROM eod"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '\\_django\\_curs%'")
            check("cursors that are open", cursor.fetchone()[0], 1)
        check("rows", 1 + sum(1 for _ in streamed), all_bars)
        with transaction.atomic():
            check("within a transaction", sum(1 for _ in itertools.islice(aapl.iterator(chunk_size=100), 150)), 150)

    with part("explain"):
        check("a plan", "cost=" in aapl.explain(), True)
        check("its JSON", "Node Type" in aapl.explain(format="json", analyze=True, verbose=True), True)
        with_options = aapl.order_by("-close")[:3].explain(analyze=True, buffers=True, timing=False)
        check("with options", "actual rows=" in with_options and "Execution Time" in with_options, True)

    with part("raw statements"):
        rows = list(Metrics.objects.raw("SELECT symbol, beta, beta * 2 AS twice FROM market_metrics WHERE beta > %s ORDER BY beta DESC LIMIT 2", [0.5]))
        check("raw", [row.twice for row in rows], [row.beta * 2 for row in rows])
        check("a view", all(row["change_ratio"] is not None for row in Movers.objects.order_by("-change_ratio").values("symbol", "change_ratio")[:3]), True)
        check("live", Quotes.objects.filter(symbol="SPY").count(), 1)

    with part("prepared statements"):
        check("a list of symbols, again and again", {Eod.objects.filter(symbol__in=["AAPL", "SPY"], date=date(2026, 11, 2)).count() for _ in range(12)}, {2})

    with part("transactions and refusals"):
        with transaction.atomic():
            check("in a transaction", aapl.count(), bars)
            try:
                with transaction.atomic():
                    value("SELECT nosuch FROM eod")
            except ProgrammingError as error:
                check("SQLSTATE of a column", error.__cause__.sqlstate, "42703")
            check("after a savepoint", aapl.count(), bars)
            check("locked", Symbols.objects.select_for_update().get(symbol="SPY").symbol, "SPY")
        for what, act in (
            ("a new row", lambda: Symbols.objects.create(symbol="ZZZ", fetched_at=datetime.now(UTC))),
            ("rows at once", lambda: Symbols.objects.bulk_create([Symbols(symbol="ZZZ", fetched_at=datetime.now(UTC))], ignore_conflicts=True)),
            ("a change", lambda: Symbols.objects.filter(symbol="SPY").update(active=False)),
            ("a deletion", lambda: Symbols.objects.filter(symbol="SPY").delete()),
            ("a saved row", lambda: Symbols.objects.get(symbol="SPY").save()),
        ):
            try:
                act()
            except DatabaseError as error:
                check(f"SQLSTATE of {what}", error.__cause__.sqlstate, "25006")
            else:
                check(what, "succeeds", "25006")
        try:
            value("SET statement_timeout = '200ms'; SELECT count(*) FROM generate_series(1, 100000000000)")
        except OperationalError as error:
            check("SQLSTATE of a time limit", error.__cause__.sqlstate, "57014")
        connection.close()
        check("a new connection", aapl.count(), bars)

    with part("temporary tables"), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE picks (id bigint PRIMARY KEY, symbol text NOT NULL, weight numeric(6, 2), tags text[], doc jsonb)")

        class Pick(models.Model):
            id = models.BigIntegerField(primary_key=True)
            symbol = models.TextField()
            weight = models.DecimalField(max_digits=6, decimal_places=2, null=True)
            tags = apps.get_model("bars", "Symbols")._meta.get_field("lists").clone()
            doc = models.JSONField(null=True)

            class Meta:
                app_label, managed, db_table = "bars", False, "picks"

        Pick.objects.bulk_create([Pick(id=1, symbol="AAPL", weight=Decimal("1.50"), tags=["a", "b"], doc={"k": [1, 2], "s": "x"}), Pick(id=2, symbol="SPY", tags=None)])
        Pick(id=3, symbol="QQQ").save(force_insert=True)
        check("changed", Pick.objects.filter(symbol="QQQ").update(weight=F("id") * 2, symbol="IWM"), 1)
        kept = Pick.objects.get(id=2)
        kept.weight = Decimal("3.25")
        kept.save()
        check("rows", list(Pick.objects.order_by("id").values_list("symbol", "weight")), [("AAPL", Decimal("1.50")), ("SPY", Decimal("3.25")), ("IWM", Decimal("6.00"))])
        check("lists and documents", (Pick.objects.get(id=1).tags, Pick.objects.get(id=1).doc), (["a", "b"], {"k": [1, 2], "s": "x"}))
        check("a path", list(Pick.objects.filter(doc__s="x", doc__k__0=1).values_list("id", flat=True)), [1])
        check("a key, a part", (Pick.objects.filter(doc__has_key="k").count(), Pick.objects.filter(doc__contains={"s": "x"}).count(), Pick.objects.filter(doc__nosuch__isnull=True).count()), (1, 1, 3))
        Pick.objects.bulk_update([Pick(id=1, symbol="MSFT", weight=None), Pick(id=2, symbol="DIA", weight=Decimal("1"))], ["symbol", "weight"])
        check("changed at once", list(Pick.objects.order_by("id").values_list("symbol", "weight")), [("MSFT", None), ("DIA", Decimal("1.00")), ("IWM", Decimal("6.00"))])
        check("deleted", Pick.objects.filter(symbol="DIA").delete()[0], 1)
        check("by the lake", Pick.objects.filter(symbol__in=Symbols.objects.values("symbol")).count(), value("SELECT count(*) FROM symbols WHERE symbol IN ('MSFT', 'IWM')"))

    # The program as it is run from a shell.
    manage = place / "manage.py"
    manage.write_text("import sys\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n")
    (place / "bars_settings.py").write_text(
        f"DATABASES = {settings.DATABASES!r}\nINSTALLED_APPS = ['django.contrib.postgres', 'bars']\nUSE_TZ = True\nSECRET_KEY = 'x'\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n"
    )

    (place / "bars" / "migrations").mkdir()
    (place / "bars" / "migrations" / "__init__.py").write_text("")
    (place / "bars" / "migrations" / "0001_initial.py").write_text(
        "from django.db import migrations, models\n\nclass Migration(migrations.Migration):\n    operations = [migrations.CreateModel('Note', [('id', models.BigAutoField(primary_key=True))])]\n"
    )

    def run(*arguments: str) -> tuple[int, str]:
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bars_settings"}
        done = subprocess.run([sys.executable, str(manage), *arguments], cwd=place, env=environment, capture_output=True, text=True, timeout=300, check=False)
        return done.returncode, done.stdout + done.stderr

    with part("manage.py"):
        code, said = run("check", "--database", "default")
        check("manage.py check", (code, "no issues" in said), (0, True))
        check("manage.py dbshell", run("dbshell", "--", "-XAtc", "SELECT 40 + 2"), (0, "42\n"))
        code, said = run("showmigrations")
        check("manage.py showmigrations", (code, "[ ] 0001_initial" in said), (0, True))
        code, said = run("migrate")
        check("manage.py migrate", (code != 0, said.strip().splitlines()[-1].startswith("django.db")), (True, True))
        check("what a migration is told", "Unable to create the django_migrations table (cannot execute CREATE TABLE in a read-only transaction" in said, True)

    return report()


if __name__ == "__main__":
    sys.exit(main())
