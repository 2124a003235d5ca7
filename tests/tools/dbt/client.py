"""dbt with its PostgreSQL adapter, as its users run it over a server that they may only read."""

import atexit
import io
import json
import os
import shutil
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import psycopg2
from checks import DATABASE, check, failed, part, report
from dbt.cli.main import dbtRunner

PROJECT = {
    "dbt_project.yml": """
name: bars
version: "1.0"
profile: bars
flags: {send_anonymous_usage_stats: false, use_colors: false}
models: {bars: {+materialized: view}}
""",
    "profiles.yml": """
bars:
  target: dev
  outputs:
    dev: {type: postgres, host: "{{ env_var('PGHOST') }}", port: "{{ env_var('PGPORT') | int }}", user: "{{ env_var('PGUSER') }}", password: x, dbname: "{{ env_var('PGDATABASE') }}", schema: public, threads: 2}
""",
    "models/sources.yml": """
version: 2
sources:
  - name: lake
    schema: public
    tables:
      - name: eod
        loaded_at_field: fetched_at
        freshness: {warn_after: {count: 365, period: day}, error_after: {count: 3650, period: day}}
        columns:
          - name: symbol
            data_tests: [not_null]
          - name: date
            data_tests: [not_null]
      - name: symbols
        loaded_at_field: fetched_at
        freshness: {error_after: {count: 3650, period: day}}
        columns:
          - name: symbol
            data_tests: [unique, not_null]
          - name: type
            data_tests: [{accepted_values: {arguments: {values: [nosuch]}}}]
""",
    "models/tops.sql": "select symbol, max(close) as top, count(*) as bars from {{ source('lake', 'eod') }} group by symbol order by top desc, symbol\n",
    "models/above.sql": "select * from {{ ref('tops') }} where top > {{ var('least', 0) }}\n",
    "models/kept.sql": "{{ config(materialized='ephemeral') }}\nselect symbol, lists from {{ source('lake', 'symbols') }}\n",
    "models/listed.sql": "{{ config(materialized='table') }}\nselect * from {{ ref('kept') }} where 'sp500' = any(lists)\n",
    "models/added.sql": "{{ config(materialized='incremental') }}\nselect * from {{ source('lake', 'eod') }}\n",
    "seeds/picks.csv": "symbol,weight\nAAPL,0.5\n",
    "macros/adapters.sql": """
{% macro columns_of(name) %}
  {% set relation = adapter.get_relation(database=target.database, schema='public', identifier=name) %}
  {% for column in adapter.get_columns_in_relation(relation) %}{{ print('column ' ~ column.name ~ ' ' ~ column.data_type) }}{% endfor %}
  {{ print('type ' ~ relation.type) }}
  {{ print('last ' ~ run_query('select max(date) from eod').columns[0].values()[0]) }}
{% endmacro %}
""",
}


def main() -> int:
    """All checks."""
    place = Path(tempfile.mkdtemp(prefix="tt-dbt-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    for name, text in PROJECT.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text.lstrip())
    os.environ |= {"DBT_PROFILES_DIR": str(place), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    os.chdir(place)

    def run(*arguments: str) -> tuple[int, str]:
        """One command, in this process: a process for each would spend most of its time on imports."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            done = dbtRunner().invoke(list(arguments))
        return (0 if done.success else 1), said.getvalue() + str(done.exception or "")

    def shown(*arguments: str) -> list[dict[str, object]]:
        """The rows of `dbt show`, or its complaint."""
        code, said = run("--quiet", "show", "--output", "json", *arguments)
        if code:
            raise RuntimeError(said)
        return json.loads(said[said.index("{") :])["show"]

    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT symbol, max(close), count(*) FROM eod GROUP BY symbol ORDER BY 2 DESC, symbol LIMIT 3")
        tops = cursor.fetchall()
        cursor.execute("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        relations = cursor.fetchone()[0]
        cursor.execute("SELECT max(date)::text FROM eod")
        last = cursor.fetchone()[0]

    with part("debug"):
        code, said = run("debug")
        check("dbt debug", (code, "Connection test: [OK connection ok]" in said), (0, True))
        if code:
            failed(said[-600:])

    with part("list"):
        code, said = run("--quiet", "list", "--resource-type", "source", "--resource-type", "model", "--output", "name")
        check("dbt list", (code, sorted(said.split())), (0, ["above", "added", "kept", "lake.eod", "lake.symbols", "listed", "tops"]))

    with part("show"):
        rows = shown("--inline", "select symbol, date, close, volume from {{ source('lake', 'eod') }} where symbol = 'AAPL' and date = '2026-11-02'")
        check("rows of a statement", (len(rows), rows[0]["symbol"], str(rows[0]["date"])[:10], isinstance(rows[0]["close"], float)), (1, "AAPL", "2026-11-02", True))
        rows = shown("--select", "tops", "--limit", "3")
        check("rows of a model, in its order", [(row["symbol"], row["top"], row["bars"]) for row in rows], tops)
        # dbt's table cannot hold lists, so that it is asked for texts.
        rows = shown("--inline", "select symbol, array_to_string(lists, ',') as lists from {{ ref('kept') }} where symbol = 'SPY'")
        check("an ephemeral model", rows, [{"symbol": "SPY", "lists": "etf"}])
        rows = shown("--inline", "select null::int as a, 1.50::numeric(6, 2) as b, true as c, timestamptz '2026-11-02 10:00Z' as d")
        check("values", (rows[0]["a"], float(rows[0]["b"]), rows[0]["c"], str(rows[0]["d"])[:16].replace(" ", "T")), (None, 1.5, True, "2026-11-02T10:00"))
        code, said = run("show", "--inline", "select nosuch from {{ source('lake', 'eod') }}")
        check("a column that is not there", (code, 'column "nosuch" does not exist' in said), (1, True))

    with part("compile"):
        code, said = run("--quiet", "compile", "--select", "above", "--vars", "{least: 5}")
        check("dbt compile", (code, f'"{DATABASE}"."public"."tops"' in said and "top > 5" in said), (0, True))

    with part("operations"):
        code, said = run("--quiet", "run-operation", "columns_of", "--args", "{name: eod}")
        lines = [line for line in said.splitlines() if line.split(" ")[0] in ("column", "type", "last")]
        check("columns of a relation", lines[:2] + lines[5:7] + lines[9:], ["column symbol text", "column date date", "column close double precision", "column volume bigint", "column fetched_at timestamp with time zone", "type table", f"last {last}"])
        code, said = run("--quiet", "run-operation", "columns_of", "--args", "{name: movers}")
        check("a view", (code, "type view" in said), (0, True))

    with part("freshness"):
        code, said = run("source", "freshness")
        got = json.loads((place / "target" / "sources.json").read_text())["results"]
        check("dbt source freshness", (code, sorted((one["unique_id"], one["status"]) for one in got)), (0, [("source.bars.lake.eod", "pass"), ("source.bars.lake.symbols", "pass")]))
        check("moments", all(one["max_loaded_at"] <= one["snapshotted_at"] for one in got), True)

    with part("test"):
        code, said = run("test", "--select", "source:*")
        got = {one["unique_id"].split(".")[2]: (one["status"], one["failures"]) for one in json.loads((place / "target" / "run_results.json").read_text())["results"]}
        check("tests that pass", {name: one for name, one in got.items() if "accepted" not in name}, {f"source_{name}": ("pass", 0) for name in ("not_null_lake_eod_date", "not_null_lake_eod_symbol", "not_null_lake_symbols_symbol", "unique_lake_symbols_symbol")})
        check("a test that fails", [(one[0], one[1] > 0) for name, one in got.items() if "accepted" in name], [("fail", True)])

    with part("catalog"):
        code, said = run("docs", "generate", "--no-compile")
        catalog = json.loads((place / "target" / "catalog.json").read_text())
        check("dbt docs generate", (code, catalog["errors"]), (0, None))
        eod = catalog["sources"]["source.bars.lake.eod"]
        check("a table of the catalog", (eod["metadata"]["type"], eod["metadata"]["schema"], "the daily bar" in (eod["metadata"]["comment"] or "")), ("BASE TABLE", "public", True))
        got = [(one["name"], one["type"], one["index"]) for one in sorted(eod["columns"].values(), key=lambda one: one["index"])]
        check("its columns", (got[0], got[1], got[5], got[9]), (("symbol", "text", 1), ("date", "date", 2), ("close", "double precision", 6), ("fetched_at", "timestamp with time zone", 10)))

    with part("run"):
        for kind, arguments, refusal in (
            ("a view", ("run", "--select", "tops"), "cannot execute CREATE VIEW in a read-only transaction"),
            ("a table", ("run", "--select", "listed"), "cannot execute CREATE TABLE AS in a read-only transaction"),
            ("an incremental model", ("run", "--select", "added"), "cannot execute CREATE TABLE AS in a read-only transaction"),
            ("a seed", ("seed",), "cannot execute CREATE TABLE in a read-only transaction"),
        ):
            code, said = run(*arguments)
            result = json.loads((place / "target" / "run_results.json").read_text())["results"][0]
            check(f"{kind} is refused", (code, result["status"], refusal in result["message"]), (1, "error", True))
            if refusal not in result["message"]:
                failed(f"what {kind} is told: {' '.join(result['message'].split())[:300]}")

    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        check("nothing was made", cursor.fetchone()[0], relations)
    return report()


if __name__ == "__main__":
    sys.exit(main())
