"""What a text means: precedence, adjacent constants, and forms of queries that PostgreSQL has."""

from .expressions import rules
from .pick import Pick
from .queries import select, small_integers
from .sources import source, values
from .statement import Statement, production


@production
def distinct_from_beside_operators(pick: Pick) -> str:
    """IS [NOT] DISTINCT FROM binds tighter than AND, OR and NOT, looser than arithmetic."""
    rows = values(pick, {"a": "int4", "b": "int4", "p": "bool", "q": "bool"}, edge=0)
    found = {
        "x": ("t.a", "t.b", "1", "NULL", "t.a + 1", "t.b * 2"), "y": ("t.p", "t.q", "true", "false", "NULL"),
        "is": ("IS DISTINCT FROM", "IS NOT DISTINCT FROM"), "cmp": ("=", "<", ">", "<>"), "logic": ("AND", "OR"),
        "form": (
            "{x} {is} {x} {logic} {y}", "{y} {is} {y} {logic} {y}", "{y} {logic} {y} {is} {y}", "NOT {y} {is} {y}", "{x} {is} {x} + {x}",
            "{y} {is} {x} {cmp} {x}", "{x} {cmp} {x} {is} {y}", "{x} {is} {x} {logic} {x} {is} {x}", "{y} {is} {y} {logic} {x} {cmp} {x} {logic} {y}",
            "CASE WHEN {y} {is} {y} {logic} {y} THEN 1 ELSE 2 END", "{x} {is} {x} IS NULL", "{y} IS NULL {is} {y}",
            "{x} {is} -{x} {logic} {x} IS NULL",
        ),
    }  # fmt: skip
    test = pick.fill("{form}", found)
    return pick.one(
        (
            f"SELECT t.k, {test} AS x FROM {rows.item}",
            f"SELECT count(*) FROM {rows.item} WHERE {test}",
            f"SELECT t.k FROM {rows.item} WHERE {test}",
            f"SELECT count(*) FROM market_metrics WHERE earnings_estimated {pick.one(found['is'])} true AND symbol < '{chr(65 + pick.number(0, 25))}' OR liquidity_rating {pick.one(found['is'])} {pick.number(1, 4)} AND beta > {pick.number(0, 2)}",
        )
    )


@production
def precedence_of_operators(pick: Pick) -> str:
    """Unary minus before ^, prefix operators after arithmetic, and what binds how."""
    found = {
        "x": ("t.a", "t.b", "2", "3", "2.0::float8", "t.f"), "i": ("t.a", "2", "5", "t.b"), "prefix": ("-", "-", "+", "@ ", "|/ ", "||/ ", "~ "),
        "op": ("+", "-", "*", "/"), "s": ("'a'", "t.s", "'ab'", "'b'"),
        "form": (
            "-{x} ^ 2", "- {i} % 3", "2 ^ {i} ^ 2", "-{x} {op} {x}", "@ {x} - {x}", "@ -{x}", "~ {i} + 1", "~ {i} & {i}", "|/ {i} + 2", "||/ {i} * 2",
            "{i} {op} {i} % 3", "{i} & {i} + 1", "{i} | {i} # {i}", "{i} << 1 + 1", "{i} = {i} IS NULL", "NOT {i} = {i}", "{i} + {i} IS NOT NULL",
            "{s} ~ 'a' || 'b'", "{s} || 'x' = 'ax'", "{s} || {i} || {s}", "{s} LIKE 'a' || '%'", "- {i}::text::int", "-{i} BETWEEN -5 AND {i} + 1",
            "{i} < {i} = true", "{s} || 'b' IN ('ab', 'bb')", "NOT {i} IN (1, 2) OR {i} = 3", "{i} > 1 AND {i} < 4 OR NOT {i} = 2", "-{x} ^ -1",
            "5 - -{i}", "{i} - {i} - {i}",
            "{i} / 2 * 2", "-2 ^ 2", "- 2::smallint", "{i} IS NULL = false", "{i} = {i} AND {i} IS DISTINCT FROM 1", "{s} < {s} IS TRUE",
            "{i} + 1 IN ({i}, 4)", "{x} * -{x}", "!!{i}", "{i} >> 1 - 1",
        ),
    }  # fmt: skip
    rows = values(pick, {"a": "int4", "b": "int4", "f": "float8", "s": "text"}, edge=0, nulls=0.1)
    return f"SELECT t.k, {pick.fill('{form}', found)} AS x FROM {rows.item}"


@production
def juxtaposed_text(pick: Pick) -> Statement | str:
    """Constants over several lines, ISNULL and NOTNULL, escapes, and numbers that are not decimal."""
    if pick.chance(0.25):
        number = pick.number(0, 70000)
        text, decimal = pick.one(
            ((hex(number), number), (f"0X{number:X}", number), (oct(number), number), (bin(number), number), (f"{number:_}", number))
        )
        if "_" in text or not text.isdigit():
            return Statement(f"SELECT {text} AS x", wanted=((str(decimal),),))
    found = {
        "s": ("'a'", "'b c'", "'it''s'", "''", "E'\\t'", "'é'"), "nl": ("\n", "\n  ", " \n", "  \n\n "),
        "x": ("5", "NULL", "'a'", "1 + 1", "t.a", "t.b", "(1 = 1)", "-t.a"), "null": ("ISNULL", "NOTNULL", "isnull", "IS NULL"),
        "form": (
            "{s}{nl}{s}", "{s}{nl}{s}{nl}{s}", "{x} {null}", "{x} {null} AND {x} {null}", "{s}{nl}{s} || 'z'", "NOT {x} {null}", "E'{esc}{esc}'",
            "U&'{uni}'", "length({s}{nl}{s})", "$${dollar}$$", "$t${dollar}$t$", "{s}{nl}{s} = {s}", "{s} AS a", "{s} a", "{s} \"B c\"", "B'1010'",
            "X'1F'", "N{s}", "date{nl}'2024-01-31'",
            "{s} -- comment{nl}{s}", "{s} /* {s} */", "/* a /* b */ c */ {s}", "E'{esc}'{nl}'{esc}'", "CAST({s}{nl}{s} AS text)", "{s} {s}",
            "U&'{uni}' UESCAPE '!'",
        ),
        "esc": ("\\n", "\\\\", "\\'", "\\x41", "\\101", "\\u00e9", "\\U0001F4A1", "x", "\\t"),
        "uni": ("\\0061", "d\\0061t\\+000061", "\\00e9", "a", "!0061", "\\\\"), "dollar": ("a'b", "it's", "$x", "", "a\\n"),
    }  # fmt: skip
    item = pick.fill("{form}", found)
    rows = "(VALUES (1, 'x'), (NULL, NULL)) t(a, b)"
    if "t." in item:
        return pick.one(
            (f"SELECT {item} FROM {rows}", f"SELECT count(*) FROM {rows} WHERE {item}" if "ull" in item.lower() else f"SELECT {item} FROM {rows}")
        )
    return f"SELECT {item}" if pick.chance(0.8) or " a" in item.lower() else f"SELECT count(*) FROM symbols WHERE description = {item}"


@production
def order_by_expressions_of_names(pick: Pick) -> Statement:
    """ORDER BY a whole alias means the new column; inside an expression it means the table's."""
    rows = values(pick, {"x": "int4", "y": "int4", "s": "text"}, edge=0, nulls=0.15)
    items = pick.one(
        (
            "-x AS x",
            "-t.x AS y",
            "y AS x, x AS y",
            "upper(s) AS s",
            "lower(s) AS x",
            "x % 3 AS x",
            "-k AS k",
            "s AS k",
            "x + y AS x",
            "CASE WHEN x > 1 THEN 0 ELSE 1 END AS x",
            "max(x) OVER () - x AS x",
        )
    )
    order = pick.one(
        (
            "x + 0",
            "-x",
            "x",
            "y",
            "lower(s)",
            "t.x",
            "x DESC",
            "-y",
            "abs(x)",
            "s",
            "coalesce(x, 0)",
            "1",
            "x IS NULL",
            "t.y DESC",
            "x + y",
            "k % 2",
            "length(s)",
            "upper(s) DESC",
        )
    )
    return Statement(f"SELECT {items}, t.k AS key FROM {rows.item} ORDER BY {order}, t.k", ordered=True)


@production
def groups_by_names(pick: Pick) -> str:
    """GROUP BY prefers the table's column, HAVING sees no alias, DISTINCT wants its ORDER BY."""
    rows = values(pick, {"x": "int4", "y": "int4", "s": "text"}, edge=0, nulls=0.15)
    found = {
        "alias": ("x % 2 AS x", "y AS x", "-x AS y", "upper(s) AS s", "x + y AS z", "lower(s) AS s", "coalesce(x, 0) AS x"),
        "group": ("x", "y", "1", "s", "x % 2", "t.x", "upper(s)", "x + y", "lower(s)"),
        "agg": ("count(*)", "sum(y)", "max(x)", "min(s)", "count(DISTINCT x)"),
        "form": (
            "SELECT {alias}, {agg} FROM {rows} GROUP BY {group}", "SELECT {alias}, {agg} AS n FROM {rows} GROUP BY {group} HAVING max(y) > 1",
            "SELECT {alias}, {agg} FROM {rows} GROUP BY {group} HAVING {agg} IS NOT NULL", "SELECT DISTINCT {alias} FROM {rows} ORDER BY {group}",
            "SELECT {alias} FROM {rows} WHERE z > 1",
            "SELECT {group}, {agg} FROM {rows} GROUP BY {group}, {group}", "SELECT {agg} FROM {rows} GROUP BY ()",
            "SELECT {agg} FROM {rows} GROUP BY GROUPING SETS ((x), (y), ())", "SELECT x, y, {agg}, grouping(x, y) FROM {rows} GROUP BY ROLLUP (x, y)",
            "SELECT x, s, {agg} FROM {rows} GROUP BY CUBE (x, s)",
        ),
        "rows": (rows.item,),
    }  # fmt: skip
    return pick.fill("{form}", found)


@production
def star_beside_columns_in_subquery(pick: Pick) -> str:
    """`a.*` with other columns in a query whose names are used outside."""
    one, two = small_integers(pick, "a", ("k", "v")), small_integers(pick, "b", ("j", "w"))
    inner, columns = pick.one(
        (
            (f"SELECT a.*, b.w FROM {one} JOIN {two} ON a.k = b.j", "k v w"), (f"SELECT a.*, b.* FROM {one}, {two}", "k v j w"),
            (f"SELECT *, a.k FROM {one}", "v k"), (f"SELECT b.w, a.* FROM {one}, {two}", "w k v"), (f"SELECT *, v + 1 AS u FROM {one}", "u k v"),
            (f"SELECT a.*, a.v AS x FROM {one}", "x v k"), (f"SELECT *, 1 FROM {one}", "k v"),
            (f"SELECT a.*, count(*) OVER () FROM {one}", "count k"),
            (f"SELECT a.*, b.j AS k FROM {one}, {two}", "v k"), (f"SELECT b.j, a.*, b.w FROM {one} LEFT JOIN {two} ON a.v = b.w", "j w v"),
            (f"SELECT a.k, b.* FROM {one}, {two}", "k j w"), (f"SELECT *, k + 1, v IS NULL FROM {one}", "k v"),
            ("SELECT d.*, e.close FROM dividends d JOIN eod e ON e.symbol = d.symbol AND e.date = d.date WHERE d.symbol = 'KO'",
                "close amount date symbol"),
            ("SELECT e.*, close FROM eod e WHERE symbol = 'SPY' AND date > '2026-11-20'", "volume close"),
            ("SELECT s.*, m.beta FROM symbols s JOIN market_metrics m USING (symbol) WHERE s.symbol < 'AC'", "beta symbol market"),
        )
    )  # fmt: skip
    found = {
        "inner": (inner,),
        "outer": (
            "SELECT {col} FROM ({inner}) q", "WITH q AS ({inner}) SELECT {col} FROM q", "SELECT q.{col}, q.* FROM ({inner}) q",
            "SELECT max({col}) FROM ({inner}) q", "SELECT count(*) FROM ({inner}) q WHERE {col} IS NOT NULL",
            "SELECT count(*) FROM (VALUES (1)) o(n) WHERE n::text IN (SELECT {col}::text FROM ({inner}) q)",
            "SELECT l.{col} FROM (VALUES (1)) o(n), LATERAL ({inner}) l",
            "SELECT * FROM ({inner}) q", "SELECT * FROM ({inner}) q(c1, c2)", "WITH q AS ({inner}) SELECT q.* FROM q WHERE q.{col} IS NULL",
            "SELECT {col} FROM ({inner}) q GROUP BY {col}", "SELECT * FROM ({inner} LIMIT 0) q",
            "SELECT q2.{col} FROM (SELECT q.* FROM ({inner}) q) q2", "SELECT {col}, count(*) FROM ({inner}) q GROUP BY {col} HAVING count({col}) > 0",
        ),
        "col": columns.split(" "),
    }  # fmt: skip
    return pick.fill("{outer}", found)


@production
def merged_column_of_using(pick: Pick) -> str:
    """The merged column of USING and NATURAL JOIN, without a table's name, in every clause."""
    one, two, three = small_integers(pick, "a", ("k", "v")), small_integers(pick, "b", ("k", "w")), small_integers(pick, "c", ("k", "u"))
    found = {
        "join": ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"),
        "from": (f"{one} {{join}} {two} USING (k)", f"{one} NATURAL {{join}} {two}", f"{one} {{join}} {two} USING (k) {{join}} {three} USING (k)",
            f"{one} {{join}} ({two} {{join}} {three} USING (k)) USING (k)", f"{one} {{join}} {two} USING (k) AS j"),
        "k": ("k", "k", "k", "a.k", "b.k"),
        "test": ("{k} > 1", "{k} IS NULL", "{k} = 2 OR v IS NULL", "{k} IN (1, 2)", "coalesce({k}, 0) < 3",
            "EXISTS (SELECT 1 FROM (VALUES (1), (2)) x(y) WHERE y = k)", "NOT {k} = 1", "k = (SELECT max(z) FROM (VALUES (1), (2)) x(z))"),
        "form": (
            "SELECT {k}, v, w FROM {from} WHERE {test}", "SELECT k, count(*) FROM {from} WHERE {test} GROUP BY k",
            "SELECT k FROM {from} GROUP BY k HAVING max(v) > 1", "SELECT k, v, w FROM {from}", "SELECT max(k) FILTER (WHERE {test}) FROM {from}",
            "SELECT a.k, b.k, k FROM {from} WHERE {test}", "SELECT * FROM {from} WHERE {test}",
            "SELECT k, sum(v) OVER (PARTITION BY k) FROM {from}", "SELECT DISTINCT k FROM {from} WHERE {test}",
            "SELECT q.k FROM (SELECT k, v FROM {from} WHERE {test}) q", "SELECT count(*) FROM {from} WHERE {test} AND {test}",
            "SELECT k + 1 FROM {from} WHERE {test}",
        ),
    }  # fmt: skip
    if pick.chance(0.25):
        more = {
            "from": ("eod {join} dividends USING (symbol, date)", "dividends d {join} eod e USING (symbol, date)",
                "symbols {join} market_metrics USING (symbol)", "dividends NATURAL JOIN (SELECT symbol, date, close FROM eod) e",
                "market_metrics m {join} symbols s USING (symbol)"),
            "join": ("JOIN", "LEFT JOIN", "RIGHT JOIN"),
            "where": ("symbol = 'KO'", "symbol IN ('SPY', 'KO')", "symbol = 'SPY' AND symbol > 'A'", "symbol = upper('ko')"),
            "column": ("symbol", "count(*)", "max(symbol), count(*)", "symbol || 'x'"),
        }  # fmt: skip
        return pick.fill(
            pick.one(
                (
                    "SELECT {column} FROM {from} WHERE {where} {group}",
                    "SELECT count(*) FROM {from} WHERE {where}",
                    "SELECT count(*) FROM symbols s WHERE s.symbol < 'B' AND EXISTS (SELECT 1 FROM {from} WHERE {where} AND symbol = s.symbol)",
                )
            ),
            more,
        ).replace("{group}", "")
    return pick.fill("{form}", found)


@production
def star_of_merged_joins(pick: Pick) -> str:
    """SELECT * of USING and NATURAL JOIN: the merged columns come first, once."""
    columns = [pick.one((("x", "y"), ("y", "x"), ("a", "y", "x"), ("y", "b"), ("c", "x", "y"))) for _ in range(3)]
    lists = [small_integers(pick, f"t{number}", names) for number, names in enumerate(columns)]
    join = pick.one(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
    common = [name for name in ("y", "x") if name in columns[0] and name in columns[1]]
    using = ", ".join(pick.some(common, 1, 2)) or "y"
    tables = (
        "eod JOIN calendar USING (date) WHERE eod.symbol = 'SPY' AND date > '2026-11-20'",
        "calendar NATURAL JOIN (SELECT symbol, date, close FROM eod WHERE symbol = 'KO') e WHERE date > '2026-11-20'",
        "symbols JOIN option_chains USING (symbol, streamer_symbol)",
        "dividends d JOIN (SELECT close, date, symbol FROM eod) e USING (date, symbol) WHERE symbol = 'KO'",
    )  # fmt: skip
    forms = (
        f"SELECT * FROM {lists[0]} {join} {lists[1]} USING ({using})", f"SELECT * FROM {lists[0]} NATURAL {join} {lists[1]}",
        f"SELECT * FROM ({lists[0]} {join} {lists[1]} USING (y)) {join} {lists[2]} USING (y)",
        f"SELECT t1.*, t0.* FROM {lists[0]} {join} {lists[1]} USING ({using})",
        f"SELECT *, 1 AS one FROM {lists[0]} {join} {lists[1]} USING ({using})",
        f"SELECT q.* FROM (SELECT * FROM {lists[0]} {join} {lists[1]} USING ({using})) q",
        f"SELECT * FROM {lists[0]} CROSS JOIN {lists[1]} JOIN {lists[2]} USING (x)" if pick.chance(0.3) else f"SELECT * FROM {lists[0]} NATURAL {join} {lists[1]} NATURAL {join} {lists[2]}",
        "SELECT * FROM " + pick.one(tables),
    )  # fmt: skip
    return pick.one(forms)


@production
def forms_of_queries(pick: Pick) -> Statement:
    """Forms that PostgreSQL's grammar has beside the common ones."""
    rows = values(pick, {"a": "int4", "b": "text", "c": "float8"}, edge=0, nulls=0.15)
    found = {
        "rows": (rows.item,), "n": ("0", "1", "2", "3"), "col": ("a", "b", "c", "k"), "table": ("symbols", "calendar", "dividends"),
        "any": ("LIKE ANY", "ILIKE ANY", "LIKE ALL", "NOT LIKE ALL", "~ ANY", "NOT ILIKE ANY", "~* ALL"),
        "dir": ("", " DESC", " NULLS FIRST", " DESC NULLS LAST", " USING >", " USING <"),
        "form": (
            "WITH q AS (SELECT {n} AS x) SELECT * FROM q, (WITH q AS (SELECT {n} + 1 AS x) SELECT * FROM q) r",
            "SELECT *, {col} AS {col} FROM {rows}", "SELECT t.*, t.* FROM {rows}", "SELECT t FROM {rows}", "SELECT (t).{col} FROM {rows}",
            "SELECT (t).* FROM {rows}", "SELECT count(t) FROM {rows}",
            "SELECT t.k, t IS NULL, t IS NOT NULL FROM {rows}", "SELECT {col} FROM {rows} ORDER BY {col} FETCH FIRST {n} ROWS WITH TIES",
            "SELECT k FROM {rows} WHERE b {any} (ARRAY['a%', '%c'])", "SELECT k, a BETWEEN SYMMETRIC {n} AND 1 FROM {rows}",
            "SELECT k, a NOT BETWEEN SYMMETRIC 5 AND {n} FROM {rows}",
            "TABLE calendar", "SELECT count(*) FROM ONLY {table}", "SELECT count(*) FROM {table} *", "SELECT sum(a) FROM {rows} GROUP BY ()",
            "SELECT DISTINCT ON ({col}) {col}, k FROM {rows} ORDER BY {col}{dir}, k", "SELECT DISTINCT ON (a, b) k FROM {rows} ORDER BY b, a, k",
            "SELECT k FROM {rows} ORDER BY {col}{dir}, k",
            "SELECT k FROM {rows} ORDER BY k LIMIT (SELECT {n})", "SELECT k FROM {rows} ORDER BY k LIMIT '{n}'",
            "SELECT k FROM {rows} ORDER BY k OFFSET {n} ROWS FETCH NEXT {n} ROWS ONLY", "SELECT k FROM {rows} ORDER BY k LIMIT ALL OFFSET {n}",
            "SELECT k FROM {rows} ORDER BY k LIMIT NULL", "SELECT k FROM {rows} ORDER BY k LIMIT 1 + {n}",
            "SELECT count(*) FROM (SELECT k FROM {rows} FOR UPDATE) q", "SELECT symbol FROM symbols WHERE symbol < 'AC' FOR {lock}",
            "SELECT s.symbol, s.type, count(*) FROM symbols s JOIN eod e ON e.symbol = s.symbol WHERE s.symbol < 'AC' GROUP BY s.symbol",
            "SELECT FROM {rows}", "SELECT", "SELECT WHERE {n} > 1",
            "VALUES ({n}, 'a'), (2, 'b') ORDER BY 1 DESC", "VALUES ({n}), (2) LIMIT 1", "(SELECT {n}) UNION (SELECT 2 ORDER BY 1 LIMIT 1)",
            "SELECT * FROM (VALUES ({n})) AS v", "SELECT column1 FROM (VALUES ({n}), (5)) v",
            "SELECT a.* FROM ROWS FROM (generate_series(1, {n}), generate_series(1, 2)) a",
            "SELECT * FROM generate_series(1, {n}) WITH ORDINALITY AS g(x, n)",
            "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < {n} + 2) SELECT * FROM r",
            "SELECT k FROM {rows} WHERE (a, k) IN (({n}, 1), (2, 2))", "SELECT x.a, y.k FROM {rows} AS x(k, a) JOIN {rows2} ON y.k = x.k",
            "SELECT t.\"k\", T.K FROM {rows}",
            "SELECT count(*) FILTER (WHERE a > {n}) FROM {rows}", "SELECT array_agg(k ORDER BY {col}{dir}, k) FROM {rows}",
            "SELECT string_agg(b, ',' ORDER BY k) FROM {rows}", "SELECT string_agg(DISTINCT b, ',' ORDER BY b) FROM {rows}",
            "SELECT sum(DISTINCT a), count(DISTINCT b) FROM {rows}", "SELECT every(a > {n}) FROM {rows}",
            "SELECT CASE a WHEN {n} THEN 'x' WHEN 2 THEN 'y' END FROM {rows}", "SELECT a::text COLLATE \"C\" FROM {rows}",
            "SELECT k FROM {rows} ORDER BY b COLLATE \"C\", k", "SELECT ALL k FROM {rows}", "SELECT k AS select FROM {rows}",
            "SELECT k \"from\" FROM {rows}", "SELECT {n} AS value, 2 AS date, 3 AS time", "SELECT * FROM {rows} WHERE k = {n} OR TRUE",
            "SELECT ((({n})))", "SELECT +{n}, - {n}", "SELECT t.* FROM {rows} WHERE t.{col} IS NOT NULL",
            "SELECT public.symbols.symbol FROM public.symbols WHERE public.symbols.symbol < 'AC'",
            "SELECT symbol FROM public.symbols WHERE symbol = 'SPY' LIMIT {n}",
        ),
        "lock": ("UPDATE", "SHARE", "NO KEY UPDATE", "KEY SHARE", "UPDATE NOWAIT", "SHARE SKIP LOCKED", "UPDATE OF symbols"),
        "rows2": ("(VALUES (1), (2)) y(k)",),
    }  # fmt: skip
    sql = pick.fill("{form}", found)
    tail = sql.rpartition("ORDER BY")[2]
    return Statement(sql, ordered=sql.startswith("SELECT k FROM") and "ORDER BY" in sql and ")" not in tail)


@production
def sampled_tables(pick: Pick) -> Statement:
    """TABLESAMPLE: all rows at 100 %, none at 0 %, a part between."""
    table, total = pick.one((("eod", 260_000), ("option_chains", 15_000), ("dividends", 9_000)))
    method = pick.one(("SYSTEM", "BERNOULLI", "system", "bernoulli"))
    share = pick.number(1, 60)
    repeatable = pick.one(("", f" REPEATABLE ({pick.number(0, 99)})"))
    forms = (
        (f"SELECT count(*) FROM {table} TABLESAMPLE {method} (100){repeatable}", False),
        (f"SELECT count(*) FROM {table} TABLESAMPLE {method} (0){repeatable}", False),
        (f"SELECT count(*) < {total} FROM {table} TABLESAMPLE {method} ({share}){repeatable}", False),
        (f"SELECT count(*) FROM {table} TABLESAMPLE {method} ({share}){repeatable}", True),
        (f"SELECT count(*) FROM {table} t TABLESAMPLE {method} (101)", False),
        (f"SELECT count(*) FROM {table} TABLESAMPLE {method} (-{share})", False),
        (f"SELECT a.n = b.n FROM (SELECT count(*) AS n FROM {table} TABLESAMPLE {method} ({share}) REPEATABLE (7)) a, (SELECT count(*) AS n FROM {table} TABLESAMPLE {method} ({share}) REPEATABLE (7)) b",
            False),
        (f"SELECT count(*) >= 0 FROM {table} AS t TABLESAMPLE {method} ({share}.5){repeatable} WHERE t.symbol < 'M'", False),
        (f"SELECT count(*) FROM (SELECT 1) q TABLESAMPLE {method} ({share})", False),
        (f"SELECT count(*) FROM {table} TABLESAMPLE {method} ('{share}')", True),
        (f"SELECT count(*) FROM {table} TABLESAMPLE nosuch ({share})", False),
    )  # fmt: skip
    sql, only = pick.one(forms)
    return Statement(sql, only_outcome=only)


@production
def same_aggregate_over_casts(pick: Pick) -> str:
    """One aggregate over a column and over a cast of it, in one list."""
    found = {
        "agg": ("sum", "avg", "min", "max", "count", "stddev", "variance"),
        "cast": ("::numeric", "::float8", "::bigint", "::numeric(20, 2)", "::real", ""), "col": ("volume", "close", "volume", "open"),
        "where": ("symbol = 'SPY'", "symbol = 'KO' AND date > '2026-10-01'", "symbol IN ('A', 'KO') AND date > '2026-11-01'"),
        "form": (
            "SELECT {1_agg}({1_col}), {1_agg}({1_col}{cast}), {1_agg}({1_col}{cast}) FROM eod WHERE {where}",
            "SELECT {1_agg}({1_col}) AS a, {1_agg}({1_col}{cast}) AS b FROM eod WHERE {where}",
            "SELECT symbol, {1_agg}({1_col}), {1_agg}({1_col}{cast}) FROM eod WHERE {where} GROUP BY symbol",
            "SELECT {1_agg}({1_col}) FILTER (WHERE close > open), {1_agg}({1_col}{cast}) FILTER (WHERE close > open) FROM eod WHERE {where}",
            "SELECT date, date::text, count(*) FROM eod WHERE {where} GROUP BY date, date::text",
            "SELECT lag({1_col}) OVER (ORDER BY symbol, date), lag({1_col}{cast}) OVER (ORDER BY symbol, date) FROM eod WHERE {where}",
            "SELECT {1_agg}(a), {1_agg}(a::bigint), {1_agg}(a::numeric), {1_agg}(a::float8) FROM (VALUES (1), (2), (4)) t(a)",
            "SELECT count(symbol), count(symbol::text), count(DISTINCT date), count(DISTINCT date::text) FROM eod WHERE {where}",
            "SELECT {1_agg}({1_col}) OVER (PARTITION BY symbol), {1_agg}({1_col}{cast}) OVER (PARTITION BY symbol) FROM eod WHERE {where}",
            "SELECT {1_agg}({1_col}) - {1_agg}({1_col}{cast}) FROM eod WHERE {where} HAVING {1_agg}({1_col}{cast}) IS NOT NULL",
            "SELECT volume, volume::int AS v, volume::text FROM eod WHERE {where} GROUP BY volume, volume::int, volume::text",
        ),
    }  # fmt: skip
    sql = pick.fill("{form}", found)
    # The last digits of a variance depend on how it is summed up.
    return sql.replace("stddev(", "max(").replace("variance(", "min(") if "float8" in sql or "real" in sql or "close" in sql or "open" in sql else sql


@production
def distinct_over_truth_tests(pick: Pick) -> str:
    """DISTINCT, UNION and GROUP BY over `(condition) IS [NOT] TRUE` and its like."""
    rows = source(pick, "bool") if pick.chance(0.4) else source(pick, "float8", "text")
    test = pick.fill("({bool}) IS {truth}", rules(pick, rows), 1)
    other = pick.fill("({bool}) IS {truth}", rules(pick, rows), 2)
    forms = (
        select(f"DISTINCT {test} AS x", rows), f"{select(f'{test} AS x', rows)} UNION {select(f'{other} AS x', rows)}",
        f"SELECT x, count(*) FROM ({select(f'{test} AS x', rows)}) q GROUP BY x",
        f"SELECT DISTINCT ON (x) x FROM ({select(f'{test} AS x', rows)}) q ORDER BY x", select(f"count(DISTINCT {test})", rows),
        select(f"DISTINCT {test} AS x, {other} AS y", rows), f"{select(f'{test} AS x', rows)} EXCEPT {select(f'{other} AS x', rows)}",
        select(f"{test} AS x, count(*)", rows, tail="GROUP BY 1"), select("count(*)", rows, where=test),
        select(f"DISTINCT NOT {test} AS x", rows, tail="ORDER BY 1"),
    )  # fmt: skip
    return pick.one(forms)


@production
def guarded_failures(pick: Pick) -> str:
    """What fails only for rows that a condition keeps away."""
    found = {
        "d": ("0", "2", "5", "NULL", "-1"), "rows": ("(VALUES ({d}), ({d}), (3)) t(y)", "(VALUES (0), ({d}), ({d})) t(y)"),
        "guard": ("y <> 0", "y > 0", "NOT y = 0", "y IS NOT NULL AND y <> 0", "abs(y) > 0"),
        "fail": ("10 / y", "10 % y", "100 / (y * 2)", "1.5 / y", "10 / y + y"), "bad": ("y = 0", "y IS NULL OR y = 0"),
        "text": ("(VALUES ('1'), ('x'), ('25'), (NULL)) t(s)", "(VALUES ('7'), ('abc'), ('')) t(s)", "(VALUES ('2024-01-31'), ('no')) t(s)"),
        "isnum": ("s ~ '^[0-9]+$'", "s SIMILAR TO '[0-9]+'", "s BETWEEN '0' AND '99' AND s <> ''"),
        "form": (
            "SELECT y FROM {rows} WHERE {guard} AND {fail} > 1", "SELECT CASE WHEN {guard} AND {fail} > 1 THEN 'big' ELSE 'small' END FROM {rows}",
            "SELECT CASE WHEN {guard} THEN {fail} END FROM {rows}", "SELECT CASE WHEN {bad} THEN 0 ELSE {fail} END FROM {rows}",
            "SELECT {guard} AND {fail} > 2 FROM {rows}", "SELECT {bad} OR {fail} > 2 FROM {rows}",
            "SELECT {fail} AS x FROM (SELECT y FROM {rows} WHERE {guard}) q", "SELECT sum({fail}) FILTER (WHERE {guard}) FROM {rows}",
            "SELECT coalesce(NULLIF(y, 0), {fail}) FROM {rows}", "SELECT y FROM {rows} WHERE CASE WHEN {guard} THEN {fail} > 1 ELSE false END",
            "SELECT coalesce(y, {fail}) FROM {rows} WHERE y <> 0",
            "SELECT s FROM {text} WHERE {isnum} AND s::int > 5", "SELECT CASE WHEN {isnum} THEN s::int ELSE 0 END FROM {text}",
            "SELECT {isnum} AND s::int > 3 FROM {text}", "SELECT CASE WHEN y >= 0 THEN sqrt(y) ELSE -1 END FROM {rows}",
            "SELECT y >= 0 AND sqrt(y) > 1 FROM {rows}", "SELECT CASE WHEN y > 0 AND ln(y) > 0 THEN 1 ELSE 0 END FROM {rows}",
            "SELECT t.y, u.y FROM {rows} JOIN (VALUES (1), (2)) u(y) ON {jguard} AND 10 / t.y > u.y",
            "SELECT y, sum({fail}) FROM {rows} WHERE {guard} GROUP BY y HAVING min({fail}) > 0",
            "SELECT count(*) FROM eod, (VALUES (0), (2)) t(y) WHERE y <> 0 AND volume / y > 1000 AND symbol = 'SPY'",
            "SELECT CASE WHEN false THEN 1 / 0 ELSE 2 END",
            "SELECT CASE WHEN y = 0 THEN 'zero' WHEN {fail} > 3 THEN 'big' ELSE 'rest' END FROM {rows}",
            "SELECT y FROM {rows} WHERE {bad} OR {fail} > 1",
            "WITH q AS (SELECT y FROM {rows} WHERE {guard}) SELECT y, {fail} FROM q ORDER BY {fail}",
            "SELECT count(*) FILTER (WHERE {guard} AND {fail} > 1) FROM {rows}",
        ),
        "jguard": ("t.y <> 0", "t.y > 0"),
    }  # fmt: skip
    return pick.fill("{form}", found)
