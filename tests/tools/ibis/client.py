"""ibis with its PostgreSQL backend, as its users write: expressions, memtables, windows, nested rows, batches, temporaries."""

import sys
from datetime import date, datetime

import ibis
import pandas
import psycopg
from checks import DATABASE, HOST, PORT, USER, check, part, report
from ibis import _


def refused(what: str, code: str, act: object) -> None:
    """An error of the server with this SQLSTATE."""
    try:
        act()
    except psycopg.Error as error:
        check(f"SQLSTATE of {what}", error.sqlstate, code)
    else:
        check(what, "succeeds", code)


def main() -> int:
    """All checks."""
    con = ibis.postgres.connect(host=HOST, port=int(PORT), user=USER, database=DATABASE)

    def value(sql: str) -> object:
        """One value, by psycopg alone."""
        with con.con.cursor() as cursor:
            return cursor.execute(sql).fetchone()[0]

    eod, symbols = con.table("eod"), con.table("symbols")
    aapl = eod.filter(_.symbol == "AAPL")
    bars = value("SELECT count(*) FROM eod WHERE symbol = 'AAPL'")
    all_bars = value("SELECT count(*) FROM eod")

    with part("listing"):
        check("version", con.version.split()[0] if con.version else None, "16.6")
        tables = set(con.list_tables())
        check("tables that are missing", {"eod", "symbols", "quotes", "movers", "market_metrics"} - tables, set())
        check("tables like", con.list_tables(like="^symb"), ["symbols"])
        check("live tables", set(con.list_tables(database="live")), {"greeks", "quotes", "summaries", "time_and_sales", "trades"})
        check("schemas that are missing", {"live", "public", "system"} - set(con.list_databases()), set())
        check("catalogs", DATABASE in con.list_catalogs(), True)
        check("current", (con.current_catalog, con.current_database), (DATABASE, "public"))

    with part("schemas"):
        wanted = ibis.schema(
            {
                "symbol": "!string", "date": "!date", "open": "float64", "high": "float64", "low": "float64", "close": "float64", "volume": "int64",
                "open_interest": "int64", "source": "string", "fetched_at": "!timestamp('UTC', 6)",
            }
        )  # fmt: skip
        check("schema of eod", {name: str(kind) for name, kind in eod.schema().items()}, {name: str(kind) for name, kind in wanted.items()})
        kinds = {name: str(kind) for name, kind in symbols.schema().items()}
        check("lists and active", (kinds["lists"], kinds["active"]), ("array<string>", "boolean"))
        check("a live table", str(con.table("quotes", database="live").schema()["bid"]), "float64")
        refused("a table that is not there", "42P01", lambda: con.sql("SELECT * FROM nosuch"))

    with part("schema of a statement"):
        made = con.sql(
            "SELECT 1::smallint AS a, 2::int AS b, 3::bigint AS c, 1.5::real AS d, 1.5::numeric(10, 2) AS e, 'x'::varchar AS f, '{1,2}'::int[] AS g,"
            " '{}'::jsonb AS h, '1 day'::interval AS i, '\\x00'::bytea AS j, timestamp '2026-01-02 03:04:05' AS k, time '01:02:03' AS l, gen_random_uuid() AS m"
        )
        # Bytes, intervals and clocks have units of their own here, so that only their kinds are compared.
        got = [str(kind).split("(")[0].removeprefix("!") for kind in made.schema().types]
        wanted = ["int16", "int32", "int64", "float32", "decimal", "string", "array<int32>", "jsonb", "interval", "binary", "timestamp", "time", "uuid"]
        check("types of a statement", got, wanted)
        check("precision of a decimal", (made.schema()["e"].precision, made.schema()["e"].scale), (10, 2))
        check("columns of a statement may be NULL", [kind.nullable for kind in made.schema().types], [True] * 13)

    with part("frames"):
        frame = aapl.order_by("date").to_pandas()
        check("rows", len(frame), bars)
        check("dtypes", (str(frame["close"].dtype), str(frame["volume"].dtype)), ("float64", "int64"))
        check("dates", isinstance(frame["date"].iloc[0], (date, pandas.Timestamp)), True)
        check("zone", str(frame["fetched_at"].dtype).startswith("datetime64") and "UTC" in str(frame["fetched_at"].dtype), True)
        check("order", list(frame["date"]) == sorted(frame["date"]), True)
        check("volume", int(frame["volume"].sum()), int(value("SELECT sum(volume) FROM eod WHERE symbol = 'AAPL'")))
        lists = symbols.filter(_.symbol.isin(["AAPL", "SPY"])).order_by("symbol").select("symbol", "lists").to_pandas()
        check("lists", [list(one) for one in lists["lists"]], [["dow30", "nasdaq100", "sp500"], ["etf"]])
        check("head", len(eod.head(7).to_pandas()), 7)
        check("count", int(eod.count().to_pandas()), all_bars)

    with part("batches"):
        parts = list(eod.select("symbol", "date", "close").to_pyarrow_batches(chunk_size=50_000))
        check("rows in batches", sum(one.num_rows for one in parts), all_bars)
        check("batches", len(parts) >= all_bars // 50_000, True)
        check("types in Arrow", [str(kind) for kind in parts[0].schema.types], ["string", "date32[day]", "double"])
        check("an Arrow table", aapl.to_pyarrow().num_rows, bars)

    with part("grouping"):
        top = (
            eod.group_by("symbol")
            .agg(bars=_.count(), last=_.date.max(), top=_.close.max(), mean=_.close.mean(), spread=_.close.std(), median=_.close.median())
            .order_by(ibis.desc("top"))
            .limit(5)
        )
        rows = top.to_pandas()
        check("sorted, then cut", list(con.sql("SELECT symbol, close FROM eod WHERE date = '2026-11-02' ORDER BY close DESC, symbol").limit(3).to_pandas()["symbol"]),
              [row[0] for row in con.raw_sql("SELECT symbol FROM eod WHERE date = '2026-11-02' ORDER BY close DESC, symbol LIMIT 3").fetchall()])
        check("groups", list(rows["top"]), [row[0] for row in con.raw_sql("SELECT max(close) FROM eod GROUP BY symbol ORDER BY 1 DESC LIMIT 5").fetchall()])
        symbol = rows["symbol"].iloc[0]
        median = value(f"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY close) FROM eod WHERE symbol = '{symbol}'")
        check("the median of a group", float(rows["median"].iloc[0]), median)
        months = aapl.mutate(month=_.date.truncate("M")).group_by("month").agg(close=_.close.mean(), n=_.count()).order_by("month").to_pandas()
        check("months", int(months["n"].sum()), bars)
        check("months grow", bool(months["month"].is_monotonic_increasing), True)
        check("nunique", int(eod.symbol.nunique().to_pandas()), value("SELECT count(DISTINCT symbol) FROM eod"))
        check("value counts", int(symbols.type.value_counts().to_pandas().iloc[:, 1].sum()), value("SELECT count(*) FROM symbols"))
        having = eod.group_by("symbol").having(_.count() > 1).agg(n=_.count())
        check("having", int(having.count().to_pandas()), value("SELECT count(*) FROM (SELECT symbol FROM eod GROUP BY symbol HAVING count(*) > 1) x"))
        check("described", len(eod.select("close", "volume").describe().to_pandas()), 2)
        check("its info", set(symbols.info().to_pandas()["name"]), set(symbols.columns))
        check("quantile", float(aapl.close.quantile(0.9).to_pandas()), value("SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY close) FROM eod WHERE symbol = 'AAPL'"))
        check("an arg max", aapl.date.argmax(aapl.close).to_pandas().date(), value("SELECT date FROM eod WHERE symbol = 'AAPL' ORDER BY close DESC LIMIT 1"))
        joined = symbols.filter(_.symbol.isin(["AAPL", "SPY"])).agg(joined=_.symbol.group_concat(",", order_by=_.symbol)).joined.to_pandas()
        check("concatenated", list(joined), ["AAPL,SPY"])

    with part("windows"):
        window = ibis.window(group_by="symbol", order_by="date")
        changes = eod.filter(_.symbol.isin(["AAPL", "MSFT"])).mutate(
            previous=_.close.lag().over(window),
            rank=ibis.row_number().over(window),
            mean=_.close.mean().over(ibis.trailing_window(4, group_by="symbol", order_by="date")),
            )
        rows = changes.order_by("symbol", "date").to_pandas()
        check("no close before the first", bool(pandas.isna(rows["previous"].iloc[0])), True)
        check("the close before", float(rows["previous"].iloc[1]), float(rows["close"].iloc[0]))
        check("ranks", [int(one) for one in rows["rank"].head(3)], [0, 1, 2])
        check("means", round(float(rows["mean"].iloc[4]), 9), round(float(rows["close"].iloc[:5].mean()), 9))
        latest = changes.mutate(last=ibis.row_number().over(group_by="symbol", order_by=ibis.desc("date"))).filter(_.last == 0).to_pandas()
        check("the latest of each", sorted(latest["symbol"]), ["AAPL", "MSFT"])

    with part("windows over time"):
        week = _.close.count().over(ibis.window(group_by="symbol", order_by="date", range=(-ibis.interval(days=7), 0)))
        rows = aapl.select("date", week=week).order_by("date").to_pandas()
        wanted = con.raw_sql("SELECT count(close) OVER (ORDER BY date RANGE INTERVAL '7 days' PRECEDING) FROM eod WHERE symbol = 'AAPL' ORDER BY date").fetchall()
        check("counts of a week", [int(one) for one in rows["week"]], [row[0] for row in wanted])

    with part("dates and texts"):
        moments = aapl.filter(_.date.between(date(2026, 11, 2), date(2026, 11, 6))).order_by("date").mutate(
            year=_.date.year(), weekday=_.date.day_of_week.full_name(), next=_.date + ibis.interval(days=1), shown=_.date.strftime("%Y/%m"),
            hour=_.fetched_at.truncate("h"), low_name=_.symbol.lower(), found=_.symbol.re_search("^A+"),
            part=_.symbol.substr(1, 2), kind=ibis.cases((_.close > _.open, "up"), else_="down"), rounded=_.close.round(1), whole=_.close.cast("int64"),
            exact=_.close.cast("decimal(12, 2)"), gone=_.source.nullif("x").fill_null("none"), epoch=_.fetched_at.epoch_seconds(),
        )  # fmt: skip
        rows = moments.to_pandas()
        check("days", len(rows), value("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date BETWEEN '2026-11-02' AND '2026-11-06'"))
        first = rows.iloc[0]
        got = (int(first["year"]), first["weekday"], str(first["next"])[:10], first["shown"], first["low_name"], bool(first["found"]), first["part"])
        check("parts of the first", got, (2026, "Monday", "2026-11-03", "2026/11", "aapl", True, "AP"))
        check("an exact close", str(first["exact"]), str(value("SELECT close::numeric(12, 2) FROM eod WHERE symbol = 'AAPL' AND date = '2026-11-02'")))
        check("seconds", abs(int(first["epoch"]) - first["fetched_at"].timestamp()) <= 1, True)

    with part("arrays"):
        tags = symbols.select("symbol", tag=_.lists.unnest())
        check("unnested", int(tags.filter(_.tag == "sp500").count().to_pandas()), 503)
        check("contains", int(symbols.lists.contains("sp500").sum().to_pandas()), 503)
        check("lengths", int(symbols.lists.length().max().to_pandas()), value("SELECT max(cardinality(lists)) FROM symbols"))
        collected = eod.filter(_.symbol == "AAPL").close.collect(order_by=_.date).to_pandas()
        check("collected", len(collected), bars)
        first = symbols.filter(_.symbol == "AAPL").select(first=_.lists[0], cut=_.lists[1:], joined=_.lists.join("+"), more=_.lists.concat(["x"])).to_pandas().iloc[0]
        check("parts of a list", (first["first"], list(first["cut"]), first["joined"]), ("dow30", ["nasdaq100", "sp500"], "dow30+nasdaq100+sp500"))
        check("a longer list", list(first["more"]), ["dow30", "nasdaq100", "sp500", "x"])

    with part("lists mapped and sorted"):
        mapped = symbols.filter(_.symbol == "AAPL").select(up=_.lists.map(lambda one: one.upper()), kept=_.lists.filter(lambda one: one != "dow30"), sorted=_.lists.sort())
        row = mapped.to_pandas().iloc[0]
        check("mapped", list(row["up"]), ["DOW30", "NASDAQ100", "SP500"])
        check("filtered", list(row["kept"]), ["nasdaq100", "sp500"])
        check("sorted", list(row["sorted"]), ["dow30", "nasdaq100", "sp500"])

    with part("nested rows"):
        sql = "SELECT json_agg(row_to_json(t)) AS j FROM (SELECT symbol, close FROM eod WHERE symbol = 'AAPL' ORDER BY date LIMIT 2) t"
        documents = con.sql(sql).to_pandas()["j"].iloc[0]
        check("json_agg", [document["symbol"] for document in documents], ["AAPL", "AAPL"])
        picked = con.sql("SELECT jsonb_build_object('a', 1, 'b', jsonb_build_array('x', 'y')) AS j").mutate(a=_.j["a"].int, b=_.j["b"][1].str)
        row = picked.to_pandas().iloc[0]
        check("parts of a document", (int(row["a"]), row["b"]), (1, "y"))

    with part("joins"):
        rows = aapl.join(symbols, "symbol").select("symbol", "date", "description").limit(3).to_pandas()
        check("joined", list(rows["symbol"]), ["AAPL"] * 3)
        check("semi", int(symbols.semi_join(eod, "symbol").count().to_pandas()), value("SELECT count(*) FROM symbols WHERE symbol IN (SELECT symbol FROM eod)"))
        check("anti", int(symbols.anti_join(eod, "symbol").count().to_pandas()), value("SELECT count(*) FROM symbols WHERE symbol NOT IN (SELECT symbol FROM eod)"))
        union = ibis.union(aapl.select("symbol"), eod.filter(_.symbol == "MSFT").select("symbol"), distinct=True)
        check("a union", sorted(union.to_pandas()["symbol"]), ["AAPL", "MSFT"])
        check("a subquery", int(eod.filter(_.close == eod.close.max()).count().to_pandas()) >= 1, True)
        asof = symbols.filter(_.symbol == "AAPL").join(eod, "symbol", how="left").count().to_pandas()
        check("left", int(asof), bars)
        pivot = eod.filter(_.symbol.isin(["AAPL", "MSFT"]) & (_.date >= date(2026, 11, 2))).pivot_wider(id_cols="date", names_from="symbol", names=["AAPL", "MSFT"], values_from="close", values_agg="max")
        check("columns of a pivot", pivot.to_pandas().columns.tolist(), ["date", "AAPL", "MSFT"])

    with part("memtables"):
        weights = ibis.memtable(pandas.DataFrame({"symbol": ["AAPL", "MSFT", "SPY"], "weight": [0.5, 0.3, None], "at": [datetime(2026, 11, 2)] * 3, "n": [1, 2, 3]}))
        rows = weights.left_join(eod.filter(_.date == date(2026, 11, 2)), "symbol").select("symbol", "weight", "close", "at", "n").order_by("symbol").to_pandas()
        check("symbols of a memtable", list(rows["symbol"]), ["AAPL", "MSFT", "SPY"])
        check("weights", [None if pandas.isna(one) else one for one in rows["weight"]], [0.5, 0.3, None])
        check("moments", [str(one) for one in rows["at"]], ["2026-11-02 00:00:00"] * 3)
        close = value("SELECT close FROM eod WHERE symbol = 'AAPL' AND date = '2026-11-02'")
        check("a joined close", float(rows["close"].iloc[0]), close)
        check("the sum", float(con.to_pandas((weights.weight * 2).sum())), 1.6)
        lists = ibis.memtable({"k": ["a", "b"], "v": [[1, 2], [3]]})
        check("lists of a memtable", [list(one) for one in con.to_pandas(lists.order_by("k"))["v"]], [[1, 2], [3]])

    with part("temporary tables"):
        kept = con.create_table("picks", aapl.select("symbol", "date", "close"), temp=True)
        check("rows kept", int(kept.count().to_pandas()), bars)
        con.insert("picks", ibis.memtable({"symbol": ["ZZZ"], "date": [date(2026, 1, 2)], "close": [1.5]}))
        check("one more", int(con.table("picks").count().to_pandas()), bars + 1)
        check("joined to the lake", int(con.table("picks").semi_join(eod, ["symbol", "date"]).count().to_pandas()), bars)
        con.truncate_table("picks")
        check("emptied", int(con.table("picks").count().to_pandas()), 0)
        con.drop_table("picks")
        made = con.create_table("made", schema=ibis.schema({"a": "!int64", "b": "string", "c": "array<string>", "d": "decimal(10, 2)", "e": "timestamp('UTC')"}), temp=True)
        check("schema of what was made", {name: str(kind) for name, kind in con.table("made").schema().items()}, {"a": "!int64", "b": "string", "c": "array<string>", "d": "decimal(10, 2)", "e": "timestamp('UTC', 6)"})
        check("listed", "made" in con.list_tables(), True)
        con.drop_table("made", force=True)
        check("dropped", "made" in con.list_tables(), False)

    with part("a temporary table that is replaced"):
        con.create_table("made", pandas.DataFrame({"x": [0]}), temp=True)
        again = con.create_table("made", pandas.DataFrame({"x": [1, 2], "y": ["a", None]}), temp=True, overwrite=True)
        check("overwritten", again.order_by("x").to_pandas()["x"].tolist(), [1, 2])

    with part("temporary views"):
        with aapl.cache() as cached:
            check("a cached expression", int(cached.count().to_pandas()), bars)
        con.raw_sql("CREATE TEMP VIEW recent AS SELECT * FROM eod WHERE date >= '2026-11-02'")
        recent = con.table("recent")
        check("a temporary view", int(recent.count().to_pandas()), value("SELECT count(*) FROM eod WHERE date >= '2026-11-02'"))
        con.drop_view("recent")

    with part("statements over expressions"):
        view = aapl.alias("mine").sql("SELECT date, close FROM mine WHERE close > 0 ORDER BY date")
        check("an alias in SQL", int(view.count().to_pandas()), bars)
        check("an expression over SQL", float(con.sql("SELECT symbol, close FROM eod WHERE symbol = 'AAPL'").close.max().to_pandas()), value("SELECT max(close) FROM eod WHERE symbol = 'AAPL'"))
        check("another dialect", int(con.sql("SELECT COUNT(*) AS n FROM eod WHERE symbol = 'AAPL'", dialect="duckdb").to_pandas()["n"].iloc[0]), bars)
        wanted = ibis.param("string")
        check("a parameter", int(eod.filter(_.symbol == wanted).count().to_pandas(params={wanted: "AAPL"})), bars)
        check("sampled", 0 < int(eod.sample(0.1).count().to_pandas()) < all_bars, True)

    with part("refusals"):
        refused("a division", "22012", lambda: con.sql("SELECT 1 / (symbol = 'x')::int AS a FROM symbols").to_pandas())
        refused("a table that stays", "25006", lambda: con.create_table("stays", aapl))
        refused("a view that stays", "25006", lambda: con.create_view("stays", aapl))
        refused("rows into the lake", "25006", lambda: con.insert("symbols", symbols.limit(1)))
        refused("a dropped table", "25006", lambda: con.drop_table("symbols"))
        refused("a time limit", "57014", lambda: (con.raw_sql("SET statement_timeout = '200ms'"), con.sql("SELECT count(*) FROM generate_series(1, 100000000000) n").to_pandas()))
        con.raw_sql("SET statement_timeout = 0")
        check("after it", int(aapl.count().to_pandas()), bars)

    con.disconnect()
    return report()


if __name__ == "__main__":
    sys.exit(main())
