"""pgAdmin 4 over HTTP, as its page drives it: tree, properties, SQL, dependencies, query tool, explain, dashboard, wizards.

    python client.py URL     # of pgAdmin in desktop mode
"""

import http.cookiejar
import json
import re
import sys
import time
import urllib.parse
import urllib.request

import web
from checks import DATABASE, HOST, PORT, USER, check, holds, part, report

class Page:
    """What the browser knows: cookies, the token against forged requests, numbers of server and database."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.opener.open(base + "/browser/", timeout=web.WAIT).read()
        script = self.opener.open(base + "/browser/js/utils.js", timeout=web.WAIT).read().decode()
        self.token = re.search(r"csrf_token'\] = '([^']+)'", script)[1]
        self.transactions = 7000

    def ask(self, method: str, path: str, data: object = None) -> tuple[int, object]:
        """Status and document, or text."""
        return web.ask(self.opener, self.base + path, method, data, {"X-pgA-CSRFToken": self.token})

    def get(self, path: str) -> object:
        """The document of a request that must succeed; None after a failure."""
        status, document = self.ask("GET", path)
        message = document.get("errormsg") or document.get("info") if isinstance(document, dict) else document
        check(f"GET {path} ({str(message)[:400] if status >= 400 else ''})", status, 200)
        return document if status == 200 else None

    def nodes(self, kind: str, *ids: object) -> dict[str, object]:
        """Labels and numbers of the nodes of one kind."""
        document = self.get(f"/browser/{kind}/nodes/{path(ids)}/") or {"data": []}
        rows = document["data"] if isinstance(document, dict) else document
        return {row["label"]: row["_id"] for row in rows}

    def details(self, kind: str, *ids: object, sql: bool = True, missing: tuple[str, ...] = ()) -> tuple[dict, str]:
        """Every tab of one node: properties and SQL are answered."""
        properties = self.get(f"/browser/{kind}/obj/{path(ids)}")
        text = self.get(f"/browser/{kind}/sql/{path(ids)}") if sql else ""
        for tab in ("dependency", "dependent", "stats", "children"):
            if tab not in missing:
                self.get(f"/browser/{kind}/{tab}/{path(ids)}")
        return properties or {}, text if isinstance(text, str) else ""


def path(ids: tuple[object, ...]) -> str:
    """Numbers as a path."""
    return "/".join(map(str, ids))


class QueryTool:
    """A query tool, or the data of a table, with a connection of its own."""

    def __init__(self, page: Page, server: int, database: int, table: int | None = None, which: int = 1) -> None:
        page.transactions += 1
        self.page, self.transaction, self.data = page, page.transactions, table is not None
        if table is None:
            place = f"/sqleditor/initialize/sqleditor/{self.transaction}/1/{server}/{database}"
        else:
            place = f"/sqleditor/initialize/viewdata/{self.transaction}/{which}/table/1/{server}/{database}/{table}"
        status, document = page.ask("POST", place, {"dbname": DATABASE})
        check(f"POST {place}: {str(document)[:300]}", status, 200)

    def ask(self, method: str, what: str, data: object = None) -> object:
        """One request about this tool, which must succeed."""
        status, document = self.page.ask(method, f"/sqleditor/{what.replace('#', str(self.transaction))}", data)
        check(f"{method} {what} ({str(document)[:300] if status != 200 else ''})", status, 200)
        return document

    def poll(self) -> tuple[int, dict]:
        """Waits for the end of what runs."""
        deadline = time.monotonic() + web.WAIT
        while time.monotonic() < deadline:
            status, document = self.page.ask("GET", f"/sqleditor/poll/{self.transaction}")
            if status != 200 or document["data"]["status"] != "Busy":
                return status, document
            time.sleep(0.05)
        raise AssertionError("a query does not end")

    def start(self, sql: str, explain: dict | None = None) -> dict:
        """Sends a text."""
        return self.ask("POST", "query_tool/start/#", {"sql": sql, "explain_plan": explain})

    def run(self, sql: str, explain: dict | None = None) -> dict:
        """The result of a text that must succeed."""
        self.start(sql, explain)
        status, document = self.poll()
        check(f"{sql[:200]} ({str(document)[:300] if status != 200 else ''})", status, 200)
        return document.get("data") or {}

    def rows(self) -> dict:
        """The rows of a table, begun anew."""
        self.ask("GET", "view_data/start/#")
        status, document = self.poll()
        check(f"rows of a table ({str(document)[:300] if status != 200 else ''})", status, 200)
        return document.get("data") or {}

    def close(self) -> None:
        """Gives the connection back."""
        self.ask("DELETE", "close/#")


def connect(page: Page) -> tuple[int, int]:
    """Adds a server and connects to it, as its dialog does; numbers of the server and its database."""
    server = {
        "name": f"tt {PORT}", "host": HOST, "port": int(PORT),
        "db": DATABASE, "username": USER, "password": "", "save_password": False,
        "gid": 1, "comment": "", "shared": False, "kerberos_conn": False, "use_ssh_tunnel": 0, "connect_now": False,
        "connection_params": [{"name": "sslmode", "value": "prefer", "keyword": "sslmode"},
                              {"name": "connect_timeout", "value": 30, "keyword": "connect_timeout"}],
    }  # fmt: skip
    status, document = page.ask("POST", "/browser/server/obj/1/", server)
    check("server added", status, 200)
    sid = int(document["node"]["_id"])
    status, document = page.ask("POST", f"/browser/server/connect/1/{sid}", {"password": ""})
    check("server connected", (status, document.get("info")), (200, "Server connected."))
    data = document["data"]
    check("type of the server", (data["server_type"], data["version"] // 10000), ("pg", 16))
    check("user", data["user"]["name"], USER)
    check("not in recovery", data["in_recovery"], False)
    did = page.nodes("database", 1, sid)[DATABASE]
    status, document = page.ask("POST", f"/browser/database/connect/1/{sid}/{did}", {})
    check(f"database connected: {str(document)[:300]}", status, 200)
    return sid, did


def server_nodes(page: Page, sid: int, did: int) -> None:
    """What stands beside and above the schemas."""
    for tab in ("obj", "stats", "dependency", "dependent", "children"):
        page.get(f"/browser/server/{tab}/1/{sid}")
    properties, sql = page.details("database", 1, sid, did, missing=("children",))
    check("database", (properties.get("name"), properties.get("encoding")), (DATABASE, "UTF8"))
    holds("CREATE DATABASE", f"CREATE DATABASE {DATABASE}" in sql, sql)
    page.get(f"/browser/database/stats/1/{sid}/")
    for label, number in list(page.nodes("role", 1, sid).items())[:2]:
        properties, sql = page.details("role", 1, sid, number, missing=("stats", "children"))
        holds("CREATE ROLE", label in sql, sql)
    for label, number in page.nodes("tablespace", 1, sid).items():
        properties, sql = page.details("tablespace", 1, sid, number, missing=("children",))
        check("tablespace", properties.get("name"), label)
    for kind in ("cast", "event_trigger", "extension", "foreign_data_wrapper", "language", "publication", "subscription"):
        for _, number in list(page.nodes(kind, 1, sid, did).items())[:2]:
            page.details(kind, 1, sid, did, number, missing=("stats", "children"))
        page.get(f"/browser/{kind}/obj/1/{sid}/{did}/")
    for what in ("get_encodings", "get_ctypes", "get_icu_locale", "vopts"):
        page.get(f"/browser/database/{what}/1/{sid}/")


IN_SCHEMAS = (
    "aggregate", "collation", "domain", "foreign_table", "fts_configuration", "fts_dictionary", "fts_parser", "fts_template",
    "function", "mview", "operator", "procedure", "sequence", "table", "trigger_function", "type", "view",
)  # fmt: skip
IN_TABLES = (
    "column", "constraints", "check_constraint", "exclusion_constraint", "foreign_key", "primary_key", "unique_constraint", "index",
    "partition", "row_security_policy", "rule", "trigger",
)  # fmt: skip


def schemas(page: Page, sid: int, did: int) -> dict[str, object]:
    """Schemas with all that may be in them; numbers of the tables in public."""
    found = page.nodes("schema", 1, sid, did)
    holds("schemas", {"public", "live", "system"} <= found.keys(), list(found))
    page.get(f"/browser/schema/obj/1/{sid}/{did}/")
    tables = {}
    for schema, number in found.items():
        properties, sql = page.details("schema", 1, sid, did, number, missing=("stats",))
        check("schema", properties.get("name"), schema)
        for kind in IN_SCHEMAS:
            inside = page.nodes(kind, 1, sid, did, number)
            if schema == "public":
                page.get(f"/browser/{kind}/obj/1/{sid}/{did}/{number}/")
            if kind == "table":
                # The Properties tab lists them too: what follows needs their numbers in any case.
                listed = page.get(f"/browser/table/obj/1/{sid}/{did}/{number}/") or []
                tables[schema] = {row["name"]: row["oid"] for row in listed}
                check(f"tables of {schema} as nodes", list(inside), list(tables[schema]))
                page.get(f"/browser/table/stats/1/{sid}/{did}/{number}/")
            elif kind == "view" and schema == "public":
                tables["views"] = inside
    holds("tables of live", {"quotes", "trades", "greeks"} <= tables["live"].keys(), list(tables["live"]))
    holds("tables of public", {"eod", "symbols", "market_metrics", "option_chains"} <= tables["public"].keys(), list(tables["public"]))
    catalogs = page.nodes("catalog", 1, sid, did)
    for label, number in catalogs.items():
        page.details("catalog", 1, sid, did, number, missing=("stats",))
        if "pg_catalog" in label:
            for kind in ("aggregate", "collation", "domain", "function", "operator", "table", "type", "view"):
                for name, one in list(page.nodes(kind, 1, sid, did, number).items())[:2]:
                    page.details(kind, 1, sid, did, number, one, missing=("stats", "children") + (("dependency", "dependent") if kind in ("aggregate", "operator") else ()))
        else:
            for name, one in list(page.nodes("catalog_object", 1, sid, did, number).items())[:2]:
                page.get(f"/browser/catalog_object/obj/1/{sid}/{did}/{number}/{one}")
                page.nodes("catalog_object_column", 1, sid, did, number, one)
    holds("catalogs", len(catalogs) == 2, catalogs)
    return tables


def table(page: Page, sid: int, did: int, tables: dict) -> None:
    """One table and one view, with all tabs."""
    eod = tables["public"]["eod"]
    here = (1, sid, did, 2200, eod)
    properties, sql = page.details("table", *here)
    check("table", (properties.get("name"), properties.get("schema")), ("eod", "public"))
    wanted = ("CREATE TABLE IF NOT EXISTS public.eod", 'symbol text COLLATE pg_catalog."default" NOT NULL', "date date NOT NULL",
              "PRIMARY KEY (symbol, date)", "COMMENT ON TABLE public.eod")  # fmt: skip
    for line in wanted:
        holds(f"SQL of eod has {line}", line in sql, sql)
    names = [column["name"] for column in properties.get("columns", [])]
    check("columns of eod", names[:2], ["symbol", "date"])
    for kind in IN_TABLES:
        # pgAdmin fails by itself over these where there is none.
        if kind not in ("foreign_key", "check_constraint"):
            page.get(f"/browser/{kind}/obj/{path(here)}/")
        elif kind == "check_constraint":
            continue
        inside = page.nodes(kind, *here)
        if kind == "column":
            check("columns as nodes", list(inside), names)
            properties, sql = page.details("column", *here, inside["symbol"], missing=("children",))
            check("type of symbol", (properties.get("cltype"), properties.get("attnotnull")), ("text", True))
        elif kind in ("primary_key", "index"):
            for label, number in inside.items():
                properties, sql = page.details(kind, *here, number, missing=("children",))
                if kind == "primary_key":
                    check("columns of the key", [one["column"] for one in properties.get("columns", [])], ["symbol", "date"])
    scripts = {"select_sql": "SELECT symbol, date", "insert_sql": "INSERT INTO public.eod", "update_sql": "UPDATE public.eod",
               "delete_sql": "DELETE FROM public.eod"}  # fmt: skip
    for what, wanted in scripts.items():
        text = page.get(f"/browser/table/{what}/{path(here)}")
        holds(what, wanted in str(text), text)
    counted = page.get(f"/browser/table/count_rows/{path(here)}")
    holds("count of rows", counted and int(counted["data"]["total_rows"]) > 0, counted)
    for what in ("get_inherits", "get_relations", "get_types", "get_table_access_methods", "get_op_class", "get_oftype",
                 "get_table_vacuum", "get_toast_table_vacuum", "get_columns"):  # fmt: skip
        page.get(f"/browser/table/{what}/{path(here[:4])}/" + (f"?tid={eod}" if what == "get_columns" else ""))
    for label in ("quotes",):
        schema = page.nodes("schema", 1, sid, did)["live"]
        page.details("table", 1, sid, did, schema, tables["live"][label])
    view = (1, sid, did, 2200, tables["views"]["movers"])
    properties, sql = page.details("view", *view, missing=("stats",))
    holds("SQL of a view", "CREATE OR REPLACE VIEW public.movers" in sql and "SELECT" in sql, sql)
    for kind in ("column", "rule", "trigger"):
        page.nodes(kind, *view)
    holds("SELECT of a view", "public.movers" in str(page.get(f"/browser/view/select_sql/{path(view)}")), "")


def dashboard(page: Page, sid: int, did: int) -> None:
    """What the panels ask every few seconds."""
    for what in ("activity", "locks", "prepared"):
        page.get(f"/dashboard/{what}/{sid}")
        page.get(f"/dashboard/{what}/{sid}/{did}")
    found = (page.get(f"/dashboard/activity/{sid}/{did}") or [{}])[0].get("activity", [])
    holds("own session among the activity", any("pgAdmin" in (row["application_name"] or "") for row in found), found)
    config = page.get(f"/dashboard/config/{sid}") or []
    holds("settings", {"search_path", "statement_timeout", "TimeZone"} <= {row["name"] for row in config}, len(config))
    charts = ["session_stats", "tps_stats", "ti_stats", "to_stats", "bio_stats"]
    for place in (f"{sid}", f"{sid}/{did}"):
        answer = page.get(f"/dashboard/dashboard_stats/{place}?chart_names={','.join(charts)}") or {}
        check(f"charts of {place}", sorted(answer), sorted(charts))
        check("sessions", sorted(answer.get("session_stats", {})), ["Active", "Idle", "Total"])
    for what in ("replication_slots", "replication_stats", "check_extension/system_statistics", "log_formats"):
        page.get(f"/dashboard/{what}/{sid}")


def search(page: Page, sid: int, did: int) -> None:
    """Tools → Search Objects, for every type, then each type alone."""
    types = page.get(f"/search_objects/types/{sid}/{did}") or {"data": {}}
    for kind in ["all", *types["data"]]:
        answer = page.get(f"/search_objects/search/{sid}/{did}?text=eod&type={kind}") or {"data": []}
        if kind in ("all", "table"):
            names = {row["name"] for row in answer["data"]}
            holds(f"eod among {kind}", "eod" in names, names)


def query_tool(page: Page, sid: int, did: int) -> None:
    """Queries, values, pages of rows, errors, transactions, EXPLAIN, cancel, CSV, completion."""
    tool = QueryTool(page, sid, did)
    result = tool.run(
        "SELECT 1 AS n, 'é'::text AS t, NULL::date AS d, 12.50::numeric(10,2) AS m, timestamptz '2026-11-20 09:30+00' AT TIME ZONE 'UTC' AS w,"
        " ARRAY['a', NULL] AS a, 1e300::float8 AS f, 9007199254740993::bigint AS big, '{\"a\": 1}'::jsonb AS j, interval '1 day 2 hours' AS i"
    )
    check("values", result["result"], [[1, "é", None, "12.50", "2026-11-20 09:30:00", "{a,NULL}", "1e+300", "9007199254740993", '{"a": 1}', "1 day 02:00:00"]])
    names = {kind["oid"]: kind["typname"] for kind in result["types"]}
    kinds = [names.get(column["type_code"]) for column in result["colinfo"]]
    check("types", kinds, ["integer", "text", "date", "numeric", "timestamp without time zone", "text[]", "double precision", "bigint", "jsonb", "interval"])

    result = tool.run("SELECT i, i::text AS t FROM generate_series(1, 5000) AS i ORDER BY i")
    check("rows", (result["rows_affected"], len(result["result"])), (5000, 1000))
    window = tool.ask("GET", "fetch_window/#/1001/2000")["data"]["result"]
    check("second page", (len(window), window[0]), (1000, [1001, "1001"]))

    result = tool.run("SELECT symbol, close, date FROM eod WHERE symbol = 'SPY' ORDER BY date DESC LIMIT 5")
    check("a query over a key is known by it", list(result["primary_keys"] or {}), ["symbol", "date"])
    check("columns", [column["name"] for column in result["colinfo"]], ["symbol", "close", "date"])

    status, document = 0, {}
    tool.start("SELECT nothing FROM eod")
    status, document = tool.poll()
    check("error", status, 500)
    for words in ('column "nothing" does not exist', "LINE 1: SELECT nothing FROM eod", "SQL state: 42703", "Character: 8"):
        holds(f"error says {words}", words in str(document.get("errormsg")), document.get("errormsg"))
    result = tool.run("SELECT 2")
    check("after an error", result["result"], [[2]])

    tool.ask("POST", "auto_commit/#", False)
    check("statement in a transaction", tool.run("SELECT 3")["result"], [[3]])
    check("a transaction is open", tool.ask("GET", "status/#")["data"]["status"], 2)
    tool.run("CREATE TEMP TABLE kept (id int PRIMARY KEY, what text); INSERT INTO kept VALUES (1, 'a'), (2, NULL)")
    check("temporary table", tool.run("SELECT * FROM kept ORDER BY id")["result"], [[1, "a"], [2, None]])
    tool.run("ROLLBACK")
    tool.ask("POST", "auto_commit/#", True)
    check("rolled back", tool.run("SELECT to_regclass('kept')")["result"], [[None]])
    tool.start("UPDATE eod SET close = 1")
    status, document = tool.poll()
    holds("change refused", status == 500 and "25006" in str(document), document)

    options = {"format": "json", "analyze": False, "verbose": True, "costs": True, "buffers": False, "timing": False, "summary": False, "settings": False, "wal": False}
    for analyze in (False, True):
        plan = tool.run("SELECT symbol, max(close) FROM eod GROUP BY symbol", options | {"analyze": analyze, "timing": analyze, "summary": analyze, "buffers": analyze})
        cell = plan["result"][0][0]
        top = (json.loads(cell) if isinstance(cell, str) else cell)[0]["Plan"]
        holds("plan", {"Node Type", "Total Cost", "Plan Rows", "Plan Width"} <= top.keys(), top)
        if analyze:
            holds("times of the plan", {"Actual Rows", "Actual Total Time", "Actual Loops"} <= top.keys(), top)
    tool.run("EXPLAIN SELECT 1")

    tool.start("SELECT count(*) FROM generate_series(1, 1000000000) AS a, generate_series(1, 1000) AS b")
    time.sleep(0.5)
    stopped = tool.ask("POST", "cancel/#")
    check("cancelled", stopped["data"]["status"], True)
    status, document = tool.poll()
    holds("cancel told", "57014" in str(document) or "cancel" in str(document).lower(), document)
    check("after a cancel", tool.run("SELECT 4")["result"], [[4]])

    tool.run("SELECT symbol, NULL AS n, 'a,\"b' AS q FROM symbols ORDER BY symbol LIMIT 3")
    status, text = page.ask("POST", f"/sqleditor/query_tool/download/{tool.transaction}",
                            {"query": "SELECT symbol, NULL AS n, 'a,\"b' AS q FROM symbols ORDER BY symbol LIMIT 3", "query_commited": True, "filename": "x.csv"})  # fmt: skip
    lines = str(text).splitlines()
    check("CSV", (status, lines[0], len(lines)), (200, '"symbol","n","q"', 4))

    for typed, wanted in (("SELECT * FROM eo", "eod"), ("SELECT * FROM live.qu", "quotes"), ("SELECT clo FROM eod", "close")):
        answer = tool.ask("POST", "autocomplete/#", [typed, typed if not typed.endswith("FROM eod") else "SELECT clo"])
        holds(f"completion of {typed}", wanted in str(answer["data"]["result"]), answer["data"]["result"])

    tool.ask("POST", "server_cursor/#", True)
    result = tool.run("SELECT i FROM generate_series(1, 3000) AS i")
    check("server-side cursor", (len(result["result"]), result["pagination"]["next_page"]), (1000, 1))
    tool.close()


def view_data(page: Page, sid: int, did: int, tables: dict) -> None:
    """View/Edit Data: the first and last 100 rows, all rows, a filter, an order."""
    eod = tables["public"]["eod"]
    data = QueryTool(page, sid, did, eod, 1)
    result = data.rows()
    check("first 100 rows", (len(result["result"]), list(result["primary_keys"])), (100, ["symbol", "date"]))
    keys = [(row[0], row[1]) for row in result["result"]]
    check("in the order of the key", keys, sorted(keys))
    data.close()

    data = QueryTool(page, sid, did, eod, 2)
    result = data.rows()
    keys = [(row[0], row[1]) for row in result["result"]]
    check("last 100 rows", (len(keys), keys), (100, sorted(keys, reverse=True)))
    data.close()

    data = QueryTool(page, sid, did, eod, 3)
    data.ask("POST", "filter/inclusive/#", {"symbol": "SPY"})
    data.ask("POST", "limit/#", 50)
    result = data.rows()
    check("rows by a value", (len(result["result"]), {row[0] for row in result["result"]}), (50, {"SPY"}))
    saved = data.ask("PUT", "filter_dialog/#", {"sql": "symbol = 'SPY' AND close > 0", "data_sorting": [{"name": "date", "order": "desc"}]})
    check("filter taken", saved["data"]["status"], True)
    dates = [row[1] for row in data.rows()["result"]]
    check("sorted", dates, sorted(dates, reverse=True))
    saved = data.ask("PUT", "filter_dialog/#", {"sql": "nothing = 1", "data_sorting": []})
    holds("wrong filter", "nothing" in str(saved["data"]["result"]), saved)
    data.ask("POST", "filter/remove/#")
    data.close()
    status, document = page.ask("POST", f"/sqleditor/filter/validate/{sid}/{did}/{eod}", {"filter_sql": "symbol = 'SPY'"})
    check("filter validated", (status, document["data"]["status"]), (200, True))


def wizards(page: Page, sid: int, did: int) -> None:
    """Grants, maintenance and a backup, which are refused with a sentence."""
    page.get(f"/grant_wizard/acl/{sid}/{did}/")
    listed = page.get(f"/grant_wizard/{sid}/{did}/2200/schema/") or {}
    rows = listed.get("result") or []
    holds("objects to grant on", any(row["name"] == "eod" for row in rows), str(listed)[:300])
    grants = {
        "acl": [{"grantee": "PUBLIC", "grantor": USER, "privileges": [{"privilege_type": "r", "privilege": True, "with_grant": False}]}],
        "objects": [{"nspname": "public", "object_type": "Table", "name": "eod", "name_with_args": "eod"}],
    }
    status, document = page.ask("POST", f"/grant_wizard/sql/{sid}/{did}/", grants)
    holds("text of the grant", "GRANT SELECT ON TABLE public.eod TO PUBLIC" in str(document), document)
    status, document = page.ask("POST", f"/grant_wizard/{sid}/{did}/", grants)
    holds("grant refused", status == 500 and "25006" in str(document) or "read-only" in str(document), (status, document))

    status, document = page.ask("POST", f"/backup/job/{sid}/object", {"file": "backup.sql", "format": "plain", "database": DATABASE, "type": "objects",
                                "schemas": [], "tables": [], "objects": {}, "verbose": True})  # fmt: skip
    if status == 200 and document.get("success") == 1:
        job = document["data"]["job_id"]
        deadline = time.monotonic() + web.WAIT
        while True:
            state = page.get(f"/misc/bgprocess/{job}/0/0/")
            if not state or state.get("exit_code") is not None or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        lines = [line[1] for line in state["err"]["lines"]] + [line[1] for line in state["out"]["lines"]]
        holds("backup refused", state["exit_code"] == 1 and "error" in " ".join(lines), (state["exit_code"], lines))
        print("backup said:", lines, file=sys.stderr)
    for schema in page.get(f"/backup/objects/{sid}/{did}")["data"]:
        holds("objects to back up", schema, schema)


def main() -> int:
    """All parts; a part that cannot go on is a failure."""
    page = Page(sys.argv[1])
    sid, did = connect(page)
    tables = schemas(page, sid, did)
    for one, about in (
        (server_nodes, ()), (table, (tables,)), (dashboard, ()), (search, ()), (query_tool, ()), (view_data, (tables,)), (wizards, ()),
    ):  # fmt: skip
        with part(one.__name__):
            one(page, sid, did, *about)
    page.ask("DELETE", f"/browser/server/connect/1/{sid}")
    page.ask("DELETE", f"/browser/server/obj/1/{sid}")
    return report()


if __name__ == "__main__":
    sys.exit(main())
