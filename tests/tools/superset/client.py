"""Apache Superset over its REST API: a database, its schemas and tables, datasets, charts by time grain, SQL Lab, costs, stop.

    python client.py URL     # of Superset
"""

import json
import sys
import threading
import time
import urllib.parse
import urllib.request

import web
from checks import DATABASE, address, check, failed, holds, part, report

class Superset:
    """Requests with a token."""

    def __init__(self, base: str) -> None:
        self.base, self.token = base, None
        answer = self.ask("POST", "/api/v1/security/login", {"username": "admin", "password": "admin", "provider": "db", "refresh": False})[1]
        self.token = answer["access_token"]

    def ask(self, method: str, path: str, data: object = None) -> tuple[int, object]:
        """Status and document, or text."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return web.ask(urllib.request.build_opener(), self.base + path, method, data, headers)

    def good(self, method: str, path: str, data: object = None) -> dict:
        """A request that must succeed."""
        status, document = self.ask(method, path, data)
        check(f"{method} {path} ({'' if status < 300 else str(document)[:400]})", status < 300, True)
        return document if status < 300 and isinstance(document, dict) else {}

    def sql(self, database: int, text: str, schema: str = "public", **more: object) -> tuple[int, dict]:
        """SQL Lab, in the foreground."""
        return self.ask("POST", "/api/v1/sqllab/execute/", {"database_id": database, "sql": text, "schema": schema, "runAsync": False, "queryLimit": 1000, "expand_data": True, **more})

    def chart(self, dataset: int, **query: object) -> dict:
        """The data of a chart with one query."""
        base = {"filters": [], "extras": {"having": "", "where": ""}, "columns": [], "metrics": [], "row_limit": 5000, "annotation_layers": [], "applied_time_extras": {}}
        document = self.good("POST", "/api/v1/chart/data", {"datasource": {"id": dataset, "type": "table"}, "force": True, "queries": [base | query], "result_format": "json", "result_type": "full"})
        return (document.get("result") or [{}])[0]


def schemas(superset: Superset, database: int) -> None:
    """What the left pane lists."""
    found = superset.good("GET", f"/api/v1/database/{database}/schemas/").get("result", [])
    holds("schemas", {"public", "live", "system", "information_schema"} <= set(found), found)
    check("catalogs", superset.good("GET", f"/api/v1/database/{database}/catalogs/").get("result"), [DATABASE])
    arguments = urllib.parse.quote("(force:!t,schema_name:public)")
    rows = superset.good("GET", f"/api/v1/database/{database}/tables/?q={arguments}").get("result", [])
    kinds = {row["value"]: row["type"] for row in rows}
    check("kinds", [kinds.get(name) for name in ("eod", "symbols", "movers")], ["table", "table", "view"])
    table = superset.good("GET", f"/api/v1/database/{database}/table_metadata/?name=eod&schema=public")
    columns = {column["name"]: column["type"] for column in table.get("columns", [])}
    check("columns", [columns.get(name) for name in ("symbol", "date", "close", "volume")],
          ["TEXT", "DATE", "DOUBLE_PRECISION", "BIGINT"])  # fmt: skip
    holds("comment", table.get("comment"), table.get("comment"))
    holds("SELECT *", "FROM public.eod" in table.get("selectStar", ""), table.get("selectStar"))
    superset.good("GET", f"/api/v1/database/{database}/table_metadata/extra/?name=eod&schema=public")
    superset.good("GET", f"/api/v1/database/{database}/select_star/eod/public/")
    superset.good("GET", f"/api/v1/database/{database}/table_metadata/?name=movers&schema=public")
    names = superset.good("GET", f"/api/v1/database/{database}/function_names/").get("function_names")
    holds("names of functions", isinstance(names, list), names)


GRAINS = {
    "PT1S": "2026-11-20T14:37:42", "PT5S": "2026-11-20T14:37:40", "PT30S": "2026-11-20T14:37:30", "PT1M": "2026-11-20T14:37:00",
    "PT5M": "2026-11-20T14:35:00", "PT10M": "2026-11-20T14:30:00", "PT15M": "2026-11-20T14:30:00", "PT30M": "2026-11-20T14:30:00",
    "PT1H": "2026-11-20T14:00:00", "P1D": "2026-11-20T00:00:00", "P1W": "2026-11-16T00:00:00", "P1M": "2026-11-01T00:00:00",
    "P3M": "2026-10-01T00:00:00", "P1Y": "2026-01-01T00:00:00",
}  # fmt: skip


def moment(value: object) -> str:
    """A moment of an answer, which is a number of milliseconds or a text, as a text."""
    if isinstance(value, (int, float)):
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(value / 1000))
    return str(value)[:19].replace(" ", "T")


def charts(superset: Superset, database: int) -> None:
    """Datasets of a table and of a query; charts over them."""
    found = superset.good("POST", "/api/v1/dataset/", {"database": database, "schema": "public", "table_name": "eod"})
    eod = found["id"]
    dataset = superset.good("GET", f"/api/v1/dataset/{eod}").get("result", {})
    columns = {column["column_name"]: (column["type"], column["is_dttm"]) for column in dataset.get("columns", [])}
    check("columns of the dataset", [columns.get(name) for name in ("symbol", "date", "close", "fetched_at")],
          [("TEXT", False), ("DATE", True), ("DOUBLE PRECISION", False), ("TIMESTAMP WITH TIME ZONE", True)])  # fmt: skip
    superset.good("PUT", f"/api/v1/dataset/{eod}/refresh")
    count = {"expressionType": "SQL", "sqlExpression": "COUNT(*)", "label": "count"}
    top = {"expressionType": "SIMPLE", "column": {"column_name": "close"}, "aggregate": "MAX", "label": "top"}

    result = superset.chart(eod, columns=["symbol"], metrics=[count, top], orderby=[[count, False]], row_limit=3, filters=[{"col": "close", "op": ">", "val": 0}])
    check("a bar chart", (result.get("rowcount"), result.get("coltypes")), (3, [1, 0, 0]))
    for grain in ("P1D", "P1W", "P1M", "P3M", "P1Y"):
        axis = {"timeGrain": grain, "columnType": "BASE_AXIS", "sqlExpression": "date", "label": "date", "expressionType": "SQL"}
        result = superset.chart(eod, columns=[axis], metrics=[count, top], extras={"time_grain_sqla": grain, "where": "", "having": "(MAX(close) > 0)"},
                                filters=[{"col": "date", "op": "TEMPORAL_RANGE", "val": "2026-01-01 : 2026-11-20"}, {"col": "symbol", "op": "IN", "val": ["SPY", "AAPL"]}],
                                orderby=[[top, False]])  # fmt: skip
        holds(f"line chart by {grain}", result.get("rowcount", 0) > 0, result)
    result = superset.chart(eod, columns=["date", "symbol", "close"], row_limit=100, orderby=[["date", True]], filters=[{"col": "symbol", "op": "LIKE", "val": "SP%"}])
    check("raw rows", (result.get("rowcount"), result.get("colnames")), (100, ["date", "symbol", "close"]))
    superset.chart(eod, columns=["symbol"], metrics=[{"expressionType": "SIMPLE", "column": {"column_name": "symbol"}, "aggregate": "COUNT_DISTINCT", "label": "n"}],
                   series_columns=["symbol"], series_limit=3, series_limit_metric=top)  # fmt: skip
    answer = superset.good("GET", f"/api/v1/datasource/table/{eod}/column/symbol/values/").get("result", [])
    holds("values of a filter", "SPY" in answer, answer[:5])
    for kind in ("query", "samples"):
        document = superset.good("POST", "/api/v1/chart/data", {"datasource": {"id": eod, "type": "table"}, "queries": [{"columns": ["symbol"], "metrics": [], "row_limit": 10}], "result_format": "json", "result_type": kind})
        holds(f"a chart's {kind}", document.get("result"), document)
    status, text = superset.ask("POST", "/api/v1/chart/data", {"datasource": {"id": eod, "type": "table"}, "queries": [{"columns": ["symbol"], "metrics": [top], "row_limit": 10}], "result_format": "csv", "result_type": "full"})
    check("a chart as CSV", (status, str(text).lstrip("\ufeff").splitlines()[:1]), (200, ["symbol,top"]))

    text = "SELECT timestamptz '2026-11-20 14:37:42.5+00' AS at, timestamp '2026-11-20 14:37:42.5' AS plain, 1 AS one"
    moments = superset.good("POST", "/api/v1/dataset/", {"database": database, "schema": "public", "table_name": "moments", "sql": text})["id"]
    dataset = superset.good("GET", f"/api/v1/dataset/{moments}").get("result", {})
    columns = {column["column_name"]: column["is_dttm"] for column in dataset.get("columns", [])}
    check("moments are known", columns, {"at": True, "plain": True, "one": False})
    for column in ("at", "plain"):
        for grain, wanted in GRAINS.items():
            axis = {"timeGrain": grain, "columnType": "BASE_AXIS", "sqlExpression": column, "label": column, "expressionType": "SQL"}
            result = superset.chart(moments, columns=[axis], metrics=[{"expressionType": "SIMPLE", "column": {"column_name": "one"}, "aggregate": "SUM", "label": "sum"}],
                                    extras={"time_grain_sqla": grain}, granularity=column, time_range="2026-11-20 : 2026-11-21")  # fmt: skip
            rows = result.get("data") or [{}]
            check(f"{column} by {grain}", (moment(rows[0].get(column)), rows[0].get("sum")), (wanted, 1))


def sql_lab(superset: Superset, database: int) -> None:
    """Statements, errors, costs, a query that is stopped, CSV."""
    status, document = superset.sql(database, "SELECT 1 AS n, 'é' AS t, NULL::date AS d, 12.50::numeric(10,2) AS m, timestamptz '2026-11-20 09:30+00' AS w, ARRAY['a', NULL] AS a, date '2026-11-20' AS day, 9007199254740993 AS big, true AS b, '{\"a\": 1}'::jsonb AS j, 1.5::float8 AS f")
    check("values", status, 200)
    if status == 200:
        row = document["data"][0]
        check("values", [row[name] for name in ("n", "t", "d", "b", "f")], [1, "é", None, True, 1.5])
        holds("a moment", str(row["w"]).startswith("2026-11-20"), row["w"])
        kinds = {column["column_name"]: column["type"] for column in document["columns"]}
        check("types", [kinds[name] for name in ("n", "t", "m", "w", "day", "b", "f")], ["INTEGER", "STRING", "DECIMAL", "DATETIMETZ", "DATE", "BOOLEAN", "FLOAT"])
    status, document = superset.sql(database, "SELECT symbol, count(*) AS n FROM eod WHERE symbol = 'SPY' GROUP BY symbol")
    holds("unqualified table of the chosen schema", status == 200 and document["data"][0]["symbol"] == "SPY", document)
    status, document = superset.sql(database, "SELECT symbol FROM symbols LIMIT 3; SELECT count(*) AS c FROM movers;")
    check("two statements", (status, list((document.get("data") or [{}])[0])), (200, ["c"]))
    status, document = superset.sql(database, "SELECT symbol FROM quotes LIMIT 2", schema="live")
    holds("a schema other than public", status == 200, document)
    status, document = superset.sql(database, "SELECT * FROM eod")
    check("limited", (status, len(document.get("data", []))), (200, 1000))
    status, document = superset.sql(database, "EXPLAIN SELECT * FROM eod")
    holds("EXPLAIN", status == 200 and "cost=" in str(document["data"][0]), document)
    status, document = superset.sql(database, "SELECT nothing FROM eod")
    holds("a column that is not there", status >= 400 and "seem to resolve the column" in str(document), document)
    status, document = superset.sql(database, "SELECT FROM FROM eod")
    holds("syntax", status >= 400 and "syntax" in str(document).lower(), document)
    status, document = superset.sql(database, "SELECT 1/0")
    holds("division", status >= 400 and "division by zero" in str(document), document)

    status, document = superset.ask("POST", "/api/v1/sqllab/estimate/", {"database_id": database, "sql": "SELECT symbol, max(close) FROM eod GROUP BY symbol", "schema": "public"})
    cost = (document.get("result") or [{}])[0] if isinstance(document, dict) else {}
    holds("estimated cost", status == 200 and float(cost.get("Total cost", 0)) > 0, (status, document))

    told = []
    name = "stopped1"
    thread = threading.Thread(target=lambda: told.append(superset.sql(database, "SELECT count(*) FROM generate_series(1, 1000000000) AS a, generate_series(1, 1000) AS b", client_id=name)))
    thread.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        rows = superset.ask("GET", "/api/v1/query/")[1].get("result", [])
        if any("1000000000" in row["sql"] and row["status"] == "running" for row in rows):
            break
        time.sleep(0.2)
    else:
        failed("the query to be stopped does not run")
    status, document = superset.ask("POST", "/api/v1/query/stop", {"client_id": name})
    check(f"stopped ({document})", status, 200)
    began = time.monotonic()
    thread.join(web.WAIT)
    holds("ended by the stop", not thread.is_alive() and time.monotonic() - began < 20, told)
    status, document = superset.sql(database, "SELECT count(*) AS n FROM system.queries WHERE state = 'running' AND strpos(sql, 'GENERATE_SERIES') > 0 AND strpos(sql, 'system.queries') = 0")
    check(f"nothing runs on ({document if status != 200 else ''})", (document.get("data") or [{}])[0].get("n"), 0)

    status, document = superset.sql(database, "SELECT symbol, 'a,\"b' AS q, NULL AS n FROM symbols WHERE symbol IN ('SPY', 'AAPL') ORDER BY 1", client_id="exported1")
    status, text = superset.ask("GET", "/api/v1/sqllab/export/exported1/")
    lines = str(text).lstrip("\ufeff").splitlines()
    check("CSV", (status, lines[:1], len(lines)), (200, ["symbol,q,n"], 3))


def main() -> int:
    """All parts; a part that cannot go on is a failure."""
    superset = Superset(sys.argv[1])
    uri = address("postgresql+psycopg2")
    superset.good("POST", "/api/v1/database/test_connection/", {"sqlalchemy_uri": uri, "database_name": "tt", "extra": "{}", "server_cert": None, "impersonate_user": False})
    status, document = superset.ask("POST", "/api/v1/database/test_connection/", {"sqlalchemy_uri": uri.rsplit("/", 1)[0] + "/nothing", "database_name": "tt", "extra": "{}"})
    holds("a database that is not there", status >= 400 and "nothing" in str(document), document)
    extra = json.dumps({"cost_estimate_enabled": True, "allows_virtual_table_explore": True})
    document = superset.good("POST", "/api/v1/database/", {"database_name": "tt", "sqlalchemy_uri": uri, "expose_in_sqllab": True, "allow_ctas": False, "allow_dml": False, "extra": extra})
    database = document["id"]
    for one in (schemas, charts, sql_lab):
        with part(one.__name__):
            one(superset, database)
    return report()


if __name__ == "__main__":
    sys.exit(main())
