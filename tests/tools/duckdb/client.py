"""DuckDB's ATTACH (TYPE postgres): schemas and tables, scans with and without pushed filters, by ctid, in text; postgres_query; refusals."""

import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import duckdb
import duckdb_extension_postgres_scanner as extension
from checks import DATABASE, HOST, PORT, USER, asked, check, failed, part, report

parameters = f"host={HOST} port={PORT} user={USER} dbname={DATABASE}"
duck = duckdb.connect()


def rows(sql: str) -> list[tuple]:
    """Rows of a statement of DuckDB."""
    return duck.execute(sql).fetchall()


def tables() -> None:
    """What DuckDB reads of the catalog."""
    found = {(schema, name): list(zip(columns, types)) for _, schema, name, columns, types, _ in rows("SHOW ALL TABLES")}
    wanted = asked("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'v') AND nspname IN ('public', 'live', 'system')")
    check("tables and views", sum(schema in ("public", "live", "system") for schema, _ in found), int(wanted))
    check("columns of symbols", found["public", "symbols"], [
        ("symbol", "VARCHAR"), ("type", "VARCHAR"), ("description", "VARCHAR"), ("market", "VARCHAR"), ("lists", "VARCHAR[]"), ("active", "BOOLEAN"),
        ("streamer_symbol", "VARCHAR"), ("fetched_at", "TIMESTAMP WITH TIME ZONE"),
    ])  # fmt: skip
    check("the key of eod", [name for name, _, _, key, _, _ in rows("DESCRIBE tt.eod") if key == "PRI"], ["symbol", "date"])
    check("comments", rows("SELECT comment FROM duckdb_columns() WHERE database_name = 'tt' AND table_name = 'symbols' AND column_name = 'lists'"), [("Symbol lists it is on",)])


def scans() -> None:
    """The same answers whichever way the rows come."""
    count, volume, top = asked("SELECT count(*), sum(volume), max(close) FROM eod").split("|")
    spy = int(asked("SELECT count(*) FROM eod WHERE symbol = 'SPY' AND date >= '2026-01-01' AND close > 5.5"))
    chains = int(asked("SELECT count(*) FROM option_chains"))
    for setting in (
        "pg_experimental_filter_pushdown = false", "pg_experimental_filter_pushdown = true", "pg_use_text_protocol = true", "pg_use_text_protocol = false",
        "pg_use_ctid_scan = false", "pg_use_ctid_scan = true", "pg_pages_per_task = 100",
    ):  # fmt: skip
        try:
            duck.execute(f"SET {setting}")
        except duckdb.CatalogException:
            # A setting of another version.
            continue
        check(f"eod, {setting}", rows("SELECT count(*), sum(volume), max(close) FROM tt.eod"), [(int(count), int(volume), float(top))])
        check(f"a filter, {setting}", rows("SELECT count(*) FROM tt.eod WHERE symbol = 'SPY' AND date >= '2026-01-01' AND close > 5.5"), [(spy,)])
        check(f"option_chains, {setting}", rows("SELECT count(*) FROM tt.option_chains"), [(chains,)])
        check(f"a list, {setting}", rows("SELECT symbol, lists, active FROM tt.symbols WHERE symbol IN ('SPY', 'nosuch')"), [("SPY", ["etf"], True)])
    check("parameters", duck.execute("SELECT count(*) FROM tt.eod WHERE symbol = ? AND date >= ?", ["SPY", date(2026, 1, 1)]).fetchall(), [(spy,)])
    day, close, interest, fetched = rows("SELECT date, close, open_interest, fetched_at FROM tt.eod WHERE symbol = 'SPY' ORDER BY date LIMIT 1")[0]
    check("types of a bar", [type(one) for one in (day, close, interest, fetched)], [date, float, type(None), datetime])
    check("a view", rows("SELECT count(*) FROM tt.movers"), [(int(asked("SELECT count(*) FROM movers")),)])
    check("a join", rows("SELECT count(*) FROM tt.eod e JOIN tt.symbols s USING (symbol) WHERE s.market = 'ARCX'"), [(int(asked("SELECT count(*) FROM eod JOIN symbols USING (symbol) WHERE market = 'ARCX'")),)])
    check("another schema", rows("SELECT count(*) > 0 FROM tt.system.freshness"), [(True,)])
    duck.execute("CREATE TABLE bars AS SELECT * FROM tt.eod")
    check("CREATE TABLE AS", rows("SELECT count(*), sum(volume), any_value(typeof(fetched_at)) FROM bars"), [(int(count), int(volume), "TIMESTAMP WITH TIME ZONE")])
    check("bars that a join finds again", rows("SELECT count(*) FROM bars b ANTI JOIN tt.eod e USING (symbol, date)"), [(0,)])
    for scan in ("postgres_scan", "postgres_scan_pushdown"):
        check(scan, rows(f"SELECT symbol, type FROM {scan}('{parameters}', 'public', 'symbols') WHERE symbol = 'SPY'"), [("SPY", "etf")])


def queries() -> None:
    """SQL of the server, with a value and a NULL of every type."""
    values = {
        "true": True, "1::smallint": 1, "2::int": 2, "3::bigint": 3, "1.5::real": 1.5, "0.1::float8": 0.1,
        "'é ''x'''::text": "é 'x'", "'a'::varchar(3)": "a", "date '2024-02-29'": date(2024, 2, 29), "time '10:00'": time(10),
        "timestamp '2024-02-29 10:00:00.5'": datetime(2024, 2, 29, 10, 0, 0, 500_000), "timestamptz '2024-02-29 05:00-05'": datetime(2024, 2, 29, 10, tzinfo=UTC),
        "interval '1 day 2 hours'": timedelta(days=1, hours=2), "'\\x00ff'::bytea": b"\x00\xff", "ARRAY[1, 2, NULL]": [1, 2, None], "ARRAY['a', 'b\"c']": ["a", 'b"c'],
        "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid": UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "'{\"a\": 1}'::jsonb": '{"a": 1}',
    }  # fmt: skip
    sql = "SELECT " + ", ".join(f"{one} AS c{place}" for place, one in enumerate(values)) + " UNION ALL SELECT " + ", ".join("NULL" for _ in values)
    duck.execute("SET TimeZone = 'UTC'")
    first, nulls = sorted(duck.execute("SELECT * FROM postgres_query('tt', ?)", [sql]).fetchall(), key=lambda row: row[0] is None)
    for (one, value), got in zip(values.items(), first, strict=True):
        check(one, got, value)
        check(f"type of {one}", type(got), type(value))
    check("NULLs", set(nulls), {None})
    # A number without its digits is a DOUBLE here.
    digits = rows("SELECT * FROM postgres_query('tt', 'SELECT 12.50::numeric(10, 2) AS a, 12.50::numeric AS b')")[0]
    check("numbers with and without digits", [repr(one) for one in digits], ["Decimal('12.50')", "12.5"])
    grouped = rows("SELECT * FROM postgres_query('tt', 'SELECT symbol, count(*) AS n FROM eod GROUP BY symbol ORDER BY symbol LIMIT 2')")
    check("an order of the server", [symbol for symbol, _ in grouped], ["A", "AAPL"])
    duck.execute("BEGIN")
    check("in a transaction", rows("SELECT (SELECT count(*) FROM tt.symbols) = (SELECT count(*) FROM postgres_query('tt', 'SELECT symbol FROM symbols'))"), [(True,)])
    duck.execute("COMMIT")


def refusals() -> None:
    """Errors of the server, and what may not be written."""
    duck.execute(f"ATTACH '{parameters}' AS writable (TYPE postgres)")
    for sql, wanted in (
        ("SELECT * FROM postgres_query('tt', 'SELECT nosuch FROM eod')", 'column "nosuch" does not exist'),
        ("SELECT * FROM postgres_query('tt', 'SELECT * FROM nosuch')", 'relation "nosuch" does not exist'),
        ("SELECT * FROM postgres_query('tt', 'SELECT 1 / (volume - volume) FROM eod')", "division by zero"),
        ("SELECT * FROM tt.nosuch", "nosuch does not exist"),
        ("INSERT INTO tt.symbols (symbol) VALUES ('x')", "read-only mode"),
        ("CREATE TABLE writable.made (a int)", "cannot execute CREATE TABLE in a read-only transaction"),
        ("INSERT INTO writable.symbols (symbol) VALUES ('x')", "read-only transaction"),
        ("UPDATE writable.symbols SET type = 'x' WHERE symbol = 'A'", "read-only transaction"),
        ("DELETE FROM writable.symbols WHERE symbol = 'A'", "read-only transaction"),
        ("DROP TABLE writable.symbols", "cannot execute DROP TABLE in a read-only transaction"),
        ("CREATE SCHEMA writable.made", "cannot execute CREATE SCHEMA in a read-only transaction"),
        ("CREATE INDEX made ON writable.symbols (type)", "cannot execute CREATE INDEX in a read-only transaction"),
    ):
        try:
            rows(sql)
            failed(f"{sql} succeeds")
        except duckdb.Error as error:
            if wanted not in str(error):
                failed(f"{sql}: wanted {wanted!r}, got {error}")
    check("after errors", rows("SELECT count(*) FROM writable.symbols"), [(int(asked("SELECT count(*) FROM symbols")),)])
    duck.execute("CALL postgres_execute('writable', 'SET statement_timeout = 300')")
    duck.execute("CALL pg_clear_cache()")
    check("after the catalog is forgotten", rows("SELECT symbol FROM tt.symbols ORDER BY symbol LIMIT 2"), [("A",), ("AAPL",)])


# The package brings the file, which DuckDB checks by its signature.
path = next(Path(extension.__file__).parent.glob("extensions/*/*.duckdb_extension"))
duck.execute(f"LOAD '{path}'")
duck.execute(f"ATTACH '{parameters}' AS tt (TYPE postgres, READ_ONLY)")
for one in (tables, scans, queries, refusals):
    with part(one.__name__):
        one()
sys.exit(report())
