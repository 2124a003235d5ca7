"""Subqueries: where they may stand, rows that are not there, and NULLs."""

from .expressions import expression
from .literals import literal
from .pick import Pick
from .queries import pair, select, small_integers
from .sources import source, table
from .statement import Statement, production


def inner(pick: Pick, outer: str = "o") -> str:
    """A condition that ties a list `i(k, g, v)` to the outer row, or none."""
    return pick.one(
        (
            f"i.g = {outer}.g",
            f"i.g = {outer}.g",
            f"i.g < {outer}.g",
            f"i.k = {outer}.k",
            f"i.g = {outer}.g AND i.v > {outer}.v",
            f"i.k <= {outer}.k",
            "i.v > 1",
            "true",
        )
    )


def lists(pick: Pick) -> tuple[str, str]:
    """Two lists of small integers, `o` and `i`, that meet and have NULLs."""
    return small_integers(pick, "o", ("k", "g", "v")), small_integers(pick, "i", ("k", "g", "v"))


@production
def scalar_subquery_without_row(pick: Pick) -> str:
    """A subquery of one value that finds no row is NULL, whatever its column promises."""
    found = {
        "sub": (
            "(SELECT symbol FROM symbols WHERE symbol = {key})", "(SELECT date FROM dividends WHERE symbol = {key} AND date = {day})",
            "(SELECT 1 WHERE {no})", "(SELECT fetched_at FROM symbols WHERE symbol = {key})",
            "(SELECT date FROM calendar WHERE date = {day})", "(SELECT close FROM eod WHERE symbol = {key} AND date = {day})",
            "(SELECT 'x'::text FROM symbols WHERE symbol = {key})", "(SELECT x FROM (VALUES (1)) v(x) WHERE x > {n})",
            "(SELECT count(*) FROM eod WHERE symbol = {key} HAVING {no})", "(SELECT symbol FROM symbols WHERE symbol = o.s)",
            "(SELECT true FROM symbols WHERE symbol = {key})", "(SELECT symbol FROM symbols WHERE symbol = {key} LIMIT 0)",
        ),
        "key": ("'NOSUCH'", "'SPY'", "'ZZ'", "'KO'"), "day": ("'2026-11-20'", "'2026-11-21'", "'1990-01-01'"), "no": ("false", "1 = 2", "true"),
        "n": ("0", "5"),
        "form": (
            "{sub} IS NULL", "{sub} IS NOT NULL", "coalesce({sub}::text, 'none')", "CASE WHEN {sub} IS NULL THEN 'no' ELSE 'yes' END", "{sub}",
            "{sub}::text || 'x'", "{sub} IS DISTINCT FROM NULL", "nullif({sub}::text, 'SPY')",
            "{sub}::text = 'SPY'", "({sub} IS NULL) IS TRUE", "NOT ({sub} IS NOT NULL)", "concat({sub}, 'y')", "count({sub})", "ARRAY[{sub}]",
            "greatest({sub}::text, 'A')", "{sub}::text IN ('SPY', 'x')",
        ),
    }  # fmt: skip
    rows = pick.one(
        ("(VALUES ('SPY'), ('NOSUCH'), (NULL)) o(s)", "(VALUES ('KO'), ('ZZ')) o(s)", "(SELECT symbol AS s FROM symbols WHERE symbol < 'AC') o")
    )
    if pick.chance(0.4):
        condition = pick.fill(
            pick.one(
                (
                    "{sub} IS NULL",
                    "{sub} IS NOT NULL",
                    "o.s = coalesce({sub}::text, 'SPY')",
                    "{sub} IS NULL OR o.s = 'KO'",
                    "NOT ({sub} IS NULL)",
                    "coalesce({sub} IS NULL, false)",
                    "{sub}::text = o.s IS NOT TRUE",
                )
            ),
            found,
        )
        return f"SELECT {pick.one(['count(*)', 'o.s', 'min(o.s), max(o.s)'])} FROM {rows} WHERE {condition}"
    item = pick.fill("{form}", found)
    return f"SELECT {item} AS x FROM {rows}" if "o.s" in item or pick.chance(0.5) else f"SELECT {item} AS x"


@production
def in_subquery_inside_condition(pick: Pick) -> str:
    """IN and NOT IN of a subquery where NULL and false are told apart, or must not be."""
    one, two = lists(pick)
    sub = pick.one(
        (
            f"SELECT i.v FROM {two}",
            f"SELECT i.g FROM {two} WHERE i.v > {pick.number(0, 3)}",
            f"SELECT DISTINCT i.v FROM {two}",
            f"SELECT i.v + 1 FROM {two}",
            f"SELECT max(i.v) FROM {two} GROUP BY i.g",
            f"SELECT i.v FROM {two} UNION SELECT 3",
        )
    )
    word = pick.one(("IN", "NOT IN", "NOT IN", "= ANY", "<> ALL", "> ANY", "<= ALL"))
    test = f"o.v {word} ({sub})"
    wrapped = pick.fill(
        pick.one(
            (
                "{t} OR o.k = {n}",
                "({t}) IS NULL",
                "({t}) IS TRUE",
                "({t}) IS NOT TRUE",
                "({t}) IS FALSE",
                "coalesce({t}, {flag})",
                "NOT ({t})",
                "NOT ({t} AND o.g > {n})",
                "({t}) = ({flag})",
                "CASE WHEN {t} THEN o.k > 1 ELSE o.g > 1 END",
                "({t}) IS DISTINCT FROM ({flag})",
                "o.k > {n} AND ({t} OR o.g IS NULL)",
                "{t}",
                "{t} AND o.g = {n}",
                "({t}) OR ({t})",
                "({t}) IS UNKNOWN",
            )
        ),  # fmt: skip
        {"t": (test,), "n": ("0", "1", "2", "3"), "flag": ("true", "false", "NULL")},
    )
    return pick.one(
        (
            f"SELECT o.k, o.g, o.v FROM {one} WHERE {wrapped}",
            f"SELECT o.k, o.v, {wrapped} AS x FROM {one}",
            f"SELECT count(*) FROM {one} WHERE {wrapped}",
            f"SELECT count(*) FILTER (WHERE {wrapped}) FROM {one}",
            f"SELECT o.g, count(*) FROM {one} WHERE {wrapped} GROUP BY o.g",
        )
    )


@production
def in_subquery_over_tables(pick: Pick) -> str:
    """The same over our tables, whose nullable columns have NULLs."""
    found = {
        "sub": (
            "SELECT date FROM dividends", "SELECT dividend_ex_date FROM market_metrics", "SELECT symbol FROM dividends WHERE date > '{day}'",
            "SELECT dividend_next_date FROM market_metrics WHERE symbol < 'C'",
            "SELECT earnings_expected_date FROM market_metrics WHERE symbol > 'S'",
            "SELECT date FROM calendar WHERE session = 'holiday'", "SELECT date FROM eod WHERE symbol = 'SPY' AND close > {n}",
        ),
        "column": ("dividend_ex_date", "dividend_next_date", "earnings_expected_date", "dividend_pay_date"),
        "day": ("2026-10-01", "2026-06-01", "2026-11-15"), "n": ("600", "650", "680", "690"), "word": ("IN", "NOT IN"),
        "test": ("{column} {word} ({sub})",),
        "where": ("{test} OR symbol = 'SPY'", "({test}) IS NULL", "{test}", "({test}) IS NOT TRUE", "NOT ({test}) AND symbol < 'M'",
            "coalesce({test}, true)", "{test} AND {test}", "{test} OR {column} IS NULL", "CASE WHEN {test} THEN true ELSE symbol < 'D' END"),
    }  # fmt: skip
    return pick.fill(
        pick.one(
            (
                "SELECT count(*) FROM market_metrics WHERE {where}",
                "SELECT symbol FROM market_metrics WHERE {where}",
                "SELECT count(*) FILTER (WHERE {where}), count(*) FROM market_metrics",
            )
        ),
        found,
    )


@production
def exists_over_aggregate(pick: Pick) -> str:
    """EXISTS and IN over a correlated subquery that aggregates, or that skips or limits rows."""
    one, two = lists(pick)
    tie = inner(pick)
    sub = pick.one(
        (
            f"SELECT max(i.v) FROM {two} WHERE {tie}", f"SELECT count(*) FROM {two} WHERE {tie}",
            f"SELECT sum(i.v) FROM {two} WHERE {tie} HAVING count(*) = {pick.number(0, 2)}", f"SELECT count(*) FROM {two} WHERE {tie} GROUP BY i.g",
            f"SELECT i.v FROM {two} WHERE {tie} ORDER BY i.v, i.k OFFSET {pick.number(0, 2)}",
            f"SELECT i.v FROM {two} WHERE {tie} LIMIT {pick.number(0, 1)}",
            f"SELECT min(i.g) FROM {two} WHERE {tie} HAVING max(i.v) > {pick.number(0, 3)}", f"SELECT DISTINCT i.v FROM {two} WHERE {tie}",
            f"SELECT count(i.v) FROM {two} WHERE {tie}",
        )
    )  # fmt: skip
    test = pick.one(
        (
            f"EXISTS ({sub})",
            f"NOT EXISTS ({sub})",
            f"o.v IN ({sub})",
            f"o.v NOT IN ({sub})",
            f"o.k = ANY ({sub})",
            f"EXISTS ({sub}) OR o.k = 2",
            f"NOT (EXISTS ({sub}) AND o.g = 1)",
        )
    )
    if "LIMIT 1" in test and "EXISTS" not in test:
        test = f"EXISTS ({sub})"
    return pick.one(
        (f"SELECT o.k, o.g FROM {one} WHERE {test}", f"SELECT o.k, o.v, {test} AS x FROM {one}", f"SELECT count(*) FROM {one} WHERE {test}")
    )


@production
def correlated_not_in_with_nulls(pick: Pick) -> str:
    """NOT IN and quantified comparisons whose subquery sees the outer row, with NULLs on both sides."""
    one, two = lists(pick)
    tie = inner(pick)
    test = pick.one(
        (
            f"o.v NOT IN (SELECT i.v FROM {two} WHERE {tie})",
            f"NOT o.k IN (SELECT i.k FROM {two} WHERE {tie})",
            f"o.v <> ALL (SELECT i.v FROM {two} WHERE {tie})",
            f"o.v > ANY (SELECT i.v FROM {two} WHERE {tie})",
            f"o.g NOT IN (SELECT i.v + o.k FROM {two} WHERE {tie})",
            f"NOT (o.v = ANY (SELECT i.v FROM {two} WHERE {tie}))",
            f"o.k >= ALL (SELECT i.v FROM {two} WHERE {tie})",
        )
    )
    return pick.one(
        (
            f"SELECT o.k, o.v FROM {one} WHERE {test}",
            f"SELECT o.k, o.v, {test} AS x FROM {one}",
            f"SELECT count(*) FROM {one} WHERE {test} OR o.g = 1",
            f"SELECT ({test}) IS NULL AS x, count(*) FROM {one} GROUP BY 1",
        )
    )


@production
def subqueries_in_places(pick: Pick) -> str:
    """Subqueries inside aggregates, FILTER, GROUP BY, ORDER BY, ON, CASE, rows of values, and in each other."""
    one, two = lists(pick)
    tie = inner(pick)
    scalar = pick.one(
        (
            f"(SELECT count(*) FROM {two} WHERE {tie})",
            f"(SELECT max(i.v) FROM {two} WHERE {tie})",
            f"(SELECT sum(i.g) FROM {two})",
            f"(SELECT min(i.v + o.k) FROM {two} WHERE {tie})",
        )
    )
    forms = (
        f"SELECT sum({scalar}) FROM {one}", f"SELECT count(*) FILTER (WHERE {scalar} > 0) FROM {one}",
        f"SELECT {scalar} AS x, count(*) FROM {one} GROUP BY 1", f"SELECT o.g, max({scalar}) FROM {one} GROUP BY o.g",
        f"SELECT o.k, {scalar} AS x FROM {one} ORDER BY {scalar}, o.k",
        f"SELECT (o.g, o.v) IN (SELECT i.g, i.v FROM {two}) AS x, count(*) FROM {one} GROUP BY 1",
        f"SELECT o.k FROM {one} WHERE (o.g, o.v) IN (SELECT i.g, i.v FROM {two})",
        f"SELECT o.k FROM {one} WHERE (o.g, o.v) NOT IN (SELECT i.g, i.v FROM {two} WHERE {tie})",
        f"SELECT o.k FROM {one} WHERE o.v IN (SELECT max(i.v) FROM {two} WHERE {tie})",
        f"SELECT o.k FROM {one} WHERE o.v > ANY (SELECT i.v FROM {two} WHERE {tie})",
        f"SELECT o.k, i.v FROM {one} LEFT JOIN {two} ON i.g = o.g AND EXISTS (SELECT 1 FROM symbols WHERE symbol = 'SPY' AND o.k > 1)",
        f"SELECT o.k, i.v FROM {one} LEFT JOIN {two} ON o.v IN (SELECT 2 UNION SELECT i.g)",
        f"SELECT CASE WHEN {scalar} > 1 THEN 'many' ELSE 'few' END AS x, count(*) FROM {one} GROUP BY 1",
        f"SELECT o.g, CASE WHEN o.g IN (SELECT i.g FROM {two}) THEN sum(o.v) END FROM {one} GROUP BY o.g",
        f"SELECT o.k, (SELECT array_agg(i.v ORDER BY i.v, i.k) FROM {two} WHERE {tie}) FROM {one}",
        f"SELECT o.k, ARRAY(SELECT i.v FROM {two} WHERE {tie} ORDER BY i.v) FROM {one}",
        f"SELECT o.k FROM {one} WHERE EXISTS (SELECT i.v FROM {two} WHERE {tie} UNION SELECT 1 WHERE o.k > 2)",
        f"SELECT o.k FROM {one} WHERE o.v = (SELECT max(i.v) FROM {two} WHERE i.g = (SELECT max(j.g) FROM (VALUES (1), (2)) j(g) WHERE j.g <= o.g))",
        f"SELECT o.g FROM {one} GROUP BY o.g HAVING count(*) > (SELECT count(*) FROM {two} WHERE i.g = o.g)",
        f"SELECT (SELECT {scalar} FROM {one} ORDER BY o.k, o.g, o.v LIMIT 1)",
        f"SELECT o.k, (SELECT i.v FROM {two} WHERE {tie} ORDER BY i.v, i.k LIMIT 1) FROM {one}", f"SELECT o.k, (VALUES (o.v)) AS x FROM {one}",
        f"SELECT (SELECT count(*) FROM {two} WHERE i.g = ANY (SELECT o.g FROM {one}))",
        f"SELECT sum(o.v) OVER (ORDER BY {scalar}, o.k, o.g, o.v) FROM {one}", f"SELECT o.k, coalesce({scalar}, -1) + {scalar} AS x FROM {one}",
        f"SELECT o.k FROM {one} WHERE {scalar} BETWEEN 1 AND 3",
        f"SELECT ROW(o.k, o.v) = (SELECT i.k, i.v FROM {two} ORDER BY i.k, i.v LIMIT 1) AS x FROM {one}",
    )  # fmt: skip
    return pick.one(forms)


@production
def correlated_values(pick: Pick) -> str:
    """A subquery of one value that does not aggregate, over our tables and small lists."""
    found = {
        "day": ("'2026-11-20'", "'2026-11-24'", "'2026-11-27'", "'2026-06-01'"), "column": ("close", "open", "volume", "high - low", "date"),
        "outer": ("symbol < 'AC'", "type = 'etf'", "symbol IN ('SPY', 'KO', 'A')", "symbol LIKE 'X%'"), "n": ("1", "2", "0"),
        "sub": (
            "(SELECT {column} FROM eod e WHERE e.symbol = s.symbol AND e.date = {day})",
            "(SELECT beta FROM market_metrics m WHERE m.symbol = s.symbol)",
            "(SELECT {column} FROM eod e WHERE e.symbol = s.symbol AND e.date <= {day} ORDER BY e.date DESC LIMIT 1)",
            "(SELECT amount FROM dividends d WHERE d.symbol = s.symbol ORDER BY d.date DESC LIMIT 1 OFFSET {n})",
            "(SELECT sector FROM market_metrics WHERE symbol = s.symbol)",
            "(SELECT e.close - lag(e.close) OVER (ORDER BY e.date) FROM eod e WHERE e.symbol = s.symbol ORDER BY e.date DESC LIMIT 1)",
            "(SELECT s.symbol || 'x')",
        ),
        "form": ("{sub}", "coalesce({sub}::text, 'none')", "{sub} IS NULL", "round({sub}::text::numeric, 1)", "CASE WHEN s.active THEN {sub} END",
            "{sub}::text || s.market"),
    }  # fmt: skip
    return pick.fill(
        pick.one(
            (
                "SELECT s.symbol, {form} AS x FROM symbols s WHERE {outer}",
                "SELECT s.symbol FROM symbols s WHERE {outer} AND {sub} IS NOT NULL",
                "SELECT s.market, count({sub}) FROM symbols s WHERE {outer} GROUP BY s.market",
            )
        ),
        found,
    )


@production
def lateral_windows(pick: Pick) -> str:
    """LATERAL with windows, limits, unions and values: all of it is done again for each outer row."""
    one, two = lists(pick)
    tie = inner(pick)
    call = pick.one(("row_number()", "sum(i.v)", "lag(i.v)", "rank()", "count(*)", "first_value(i.v)", "max(i.g)", "ntile(2)"))
    over = (
        pick.one(
            ("ORDER BY i.v, i.k, i.g", "ORDER BY i.v DESC, i.k, i.g", "PARTITION BY i.g ORDER BY i.v, i.k", "ORDER BY i.k, i.g, i.v ROWS 1 PRECEDING")
        )
        if "count" not in call
        else pick.one(("", "PARTITION BY i.g"))
    )
    if call == "max(i.g)" and pick.chance(0.5):
        over = ""
    sub = pick.one(
        (
            f"SELECT i.v, {call} OVER ({over}) AS r FROM {two} WHERE {tie}",
            f"SELECT i.v, {call} OVER ({over}) AS r FROM {two} WHERE {tie} ORDER BY i.v, i.k, i.g LIMIT {pick.number(1, 2)}",
            f"SELECT i.v, i.g AS r FROM {two} WHERE {tie} ORDER BY i.v DESC, i.g, i.k LIMIT {pick.number(1, 2)} OFFSET {pick.number(0, 1)}",
            f"SELECT i.v, o.k AS r FROM {two} WHERE {tie} UNION ALL SELECT o.v, o.g", "VALUES (o.v, 1), (o.g, 2)",
            f"SELECT max(i.v), count(*) AS r FROM {two} WHERE {tie}",
            f"SELECT DISTINCT ON (i.g) i.v, i.g AS r FROM {two} WHERE {tie} ORDER BY i.g, i.v, i.k",
            f"SELECT i.v, sum(i.v) AS r FROM {two} WHERE {tie} GROUP BY i.v",
        )
    )  # fmt: skip
    join = pick.one(
        (
            "CROSS JOIN LATERAL ({s}) l(v, r)",
            "LEFT JOIN LATERAL ({s}) l(v, r) ON true",
            ", LATERAL ({s}) l(v, r)",
            "JOIN LATERAL ({s}) l(v, r) ON l.r = 1",
            "LEFT JOIN LATERAL ({s}) l(v, r) ON l.v > 1",
        )
    ).replace("{s}", sub)
    if pick.chance(0.15):
        return f"SELECT o.k FROM {one} WHERE o.v IN (SELECT {call} OVER ({over}) FROM {two} WHERE {tie})"
    return f"SELECT o.k, l.v, l.r FROM {one} {join}{pick.one(['', ' WHERE l.r = 1', ' WHERE o.k > 0'])}"


@production
def lateral_over_tables(pick: Pick) -> str:
    """The latest rows of each symbol and their like."""
    found = {
        "outer": ("symbol < 'AC'", "type = 'etf'", "symbol IN ('SPY', 'KO', 'NOSUCH')"), "n": ("1", "2", "3"),
        "column": ("e.close", "e.date", "e.volume", "e.close - e.open"),
        "order": ("e.date DESC", "e.date", "e.close DESC, e.date", "e.volume, e.date"),
        "join": ("CROSS JOIN LATERAL ({sub}) l", "LEFT JOIN LATERAL ({sub}) l ON true", ", LATERAL ({sub}) l"),
        "sub": (
            "SELECT {column} AS x FROM eod e WHERE e.symbol = s.symbol ORDER BY {order} LIMIT {n}",
            "SELECT {column} AS x FROM eod e WHERE e.symbol = s.symbol AND e.date > '2026-11-20'",
            "SELECT sum(e.volume) AS x FROM eod e WHERE e.symbol = s.symbol",
            "SELECT d.amount AS x FROM dividends d WHERE d.symbol = s.symbol ORDER BY d.date DESC FETCH FIRST {n} ROWS ONLY",
            "SELECT x FROM (SELECT {column} AS x, row_number() OVER (ORDER BY e.date DESC) AS r FROM eod e WHERE e.symbol = s.symbol) q WHERE r <= {n}",
            "SELECT avg(e.close) OVER (ORDER BY e.date ROWS 2 PRECEDING) AS x FROM eod e WHERE e.symbol = s.symbol ORDER BY e.date DESC LIMIT {n}",
        ),
    }  # fmt: skip
    return pick.fill("SELECT s.symbol, l.x FROM symbols s {join}", found).replace(
        " l.x FROM symbols s", " l.x FROM (SELECT * FROM symbols WHERE " + pick.fill("{outer}", found) + ") s"
    )


@production
def with_query_used_twice(pick: Pick) -> Statement:
    """A WITH query that is referred to more than once is run once."""
    volatile = pick.one(("random()", "gen_random_uuid()", "clock_timestamp()", "random() * 10", "floor(random() * 1000000)"))
    word = pick.one(("AS MATERIALIZED", "AS"))
    k = pick.number(1, 9)
    forms = (
        f"WITH a {word} (SELECT {volatile} AS r) SELECT x.r = y.r FROM a x, a y",
        f"WITH a {word} (SELECT {volatile} AS r, {k} AS k) SELECT count(*) FROM a x JOIN a y USING (r)",
        f"WITH a(r) {word} (SELECT {volatile} FROM generate_series(1, {k})) SELECT count(*) FROM (SELECT r FROM a EXCEPT SELECT r FROM a) q",
        f"WITH a(n, r) {word} (SELECT n, {volatile} FROM generate_series(1, {k}) n) SELECT count(*) FROM a WHERE r NOT IN (SELECT r FROM a)",
        f"WITH a {word} (SELECT {volatile} AS r) SELECT count(DISTINCT r) FROM (SELECT r FROM a UNION ALL SELECT r FROM a) q",
        f"WITH a {word} (SELECT {volatile} AS r) SELECT (SELECT r FROM a) = (SELECT r FROM a)",
        f"WITH a {word} (SELECT symbol, {volatile} AS r FROM symbols WHERE symbol < 'A{chr(64 + k)}') SELECT bool_and(x.r = y.r) FROM a x JOIN a y USING (symbol)",
        f"WITH a {word} (SELECT {volatile} AS r), b AS (SELECT r FROM a) SELECT a.r = b.r FROM a, b",
        f"WITH a {word} (SELECT date, close FROM eod WHERE symbol = 'SPY' AND date > '2026-11-{9 + k}') SELECT count(*), max(x.close - y.close) FROM a x, a y",
        f"WITH a AS NOT MATERIALIZED (SELECT {k} AS r) SELECT x.r = y.r FROM a x, a y",
    )  # fmt: skip
    return Statement(pick.one(forms))


@production
def nested_queries(pick: Pick) -> str:
    """Queries over queries: joins, groups, orders and limits of random expressions."""
    rows = source(pick, "text", "float8") if pick.chance(0.5) else source(pick, "int4")
    items = [
        f"{expression(pick, kind, rows, depth=2)} AS c{number}"
        for number, kind in enumerate(pick.some(("int4", "float8", "text", "date", "bool", "int8", "numeric", "timestamp"), 1, 3), 1)
    ]
    inside = select([f"{rows.key[0]} AS key", *items], rows)
    other = table(pick, "symbols", "s")
    forms = (
        f"SELECT * FROM ({inside}) q WHERE c1 IS NOT NULL",
        f"SELECT c1, count(*) FROM ({inside}) q GROUP BY c1 HAVING count(*) >= {pick.number(1, 2)}",
        f"SELECT count(*), count(c1), count(DISTINCT c1), min(key), max(c1) FROM ({inside}) q", f"SELECT DISTINCT c1 FROM ({inside}) q",
        f"WITH q AS ({inside}) SELECT a.key, b.c1 FROM q a LEFT JOIN q b ON a.key = b.key AND b.c1 IS NOT NULL" if "date" not in rows.order() else f"WITH q AS ({inside}) SELECT count(*) FROM q",
        f"SELECT key, c1, row_number() OVER (PARTITION BY key ORDER BY c1) FROM ({inside}) q",
        f"SELECT q.*, s.symbol FROM ({inside}) q LEFT JOIN symbols s ON s.symbol = q.key::text",
        f"SELECT max(n) FROM (SELECT c1, count(*) AS n FROM ({inside}) q GROUP BY c1) r",
        f"SELECT key FROM ({inside}) q WHERE c1 IS NULL UNION SELECT key FROM ({inside}) q WHERE key IS NOT NULL",
        f"SELECT {literal(pick, 'int4')}, c1 FROM ({inside}) q ORDER BY c1 NULLS FIRST LIMIT 0",
    )  # fmt: skip
    return pick.one(forms) if pick.chance(0.9) else f"SELECT count(*) FROM {other.item}, ({inside}) q WHERE {other.where}"


@production
def joins_of_small_lists(pick: Pick) -> str:
    """Every kind of join over keys with NULLs, with conditions on either side."""
    one, two = pair(pick, pick.one(("int4", "text", "float8", "date")))
    kind = pick.one(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
    on = pick.one(
        (
            "o.g = i.g",
            "o.g = i.g AND o.v = i.v",
            "o.k = i.k",
            "o.g = i.g AND i.k > 1",
            "o.g <= i.g",
            "o.v IS NOT DISTINCT FROM i.v",
            "o.g = i.g AND o.v IS NULL",
        )
    )
    if kind == "FULL JOIN":
        on = pick.one(("o.g = i.g", "o.k = i.k", "o.g = i.g AND o.v = i.v"))
    return f"SELECT o.k, o.g, o.v, i.k, i.v FROM {one.item} {kind} {two.item} ON {on}{pick.one(['', '', ' WHERE i.k IS NULL', ' WHERE o.v IS NULL OR i.v IS NULL', ' WHERE coalesce(o.k, 0) < 3'])}"


@production
def row_comparisons(pick: Pick) -> str:
    """Rows compared with rows, with NULLs inside."""
    one, two = lists(pick)
    cell = ("1", "2", "3", "NULL", "NULL::int")
    found = {
        "n": cell, "row": ("({n}, {n})", "ROW({n}, {n})", "({n}, {n}, {n})"), "two": ("({n}, {n})", "ROW({n}, {n})"),
        "op": ("=", "<>", "<", "<=", ">", ">="),
        "form": (
            "{two} {op} {two}", "{two} IN ({two}, {two})", "{two} NOT IN ({two}, {two})", "{row} IS NULL", "{row} IS NOT NULL", "NOT ({two} = {two})",
            "{two} IS DISTINCT FROM {two}", "({two} = {two}) IS NULL", "{two} BETWEEN {two} AND {two}", "CASE WHEN {two} = {two} THEN 1 ELSE 0 END",
            "({n}, 'a') {op} ({n}, 'b')", "{two} = ANY (ARRAY[{two}])",
        ),
    }  # fmt: skip
    if pick.chance(0.5):
        return "SELECT " + ", ".join(pick.fill("{form}", found) for _ in range(pick.number(1, 2)))
    over = (
        f"SELECT o.k FROM {one} WHERE (o.g, o.v) {pick.one(found['op'])} (1, 2)", f"SELECT o.k, i.k FROM {one} JOIN {two} ON (o.g, o.v) = (i.g, i.v)",
        f"SELECT o.k, i.k FROM {one} LEFT JOIN {two} ON (o.g, o.v) {pick.one(found['op'])} (i.g, i.v)",
        f"SELECT o.k, (o.*) IS NULL, (o.*) IS NOT NULL FROM {one}",
        f"SELECT (o.g, o.v) IN ((1, 2), (3, NULL)) FROM {one}", f"SELECT ROW(o.g, o.v) IS NULL, ROW(o.g, o.v) IS NOT NULL FROM {one}",
        f"SELECT o.k FROM {one} WHERE (o.k, o.g) NOT IN ((1, 1), (2, NULL))",
        f"SELECT count(*) FROM eod WHERE (symbol, date) {pick.one(found['op'])} ('SPY', '2026-11-{pick.number(10, 27)}') AND symbol IN ('SPY', 'KO')",
        f"SELECT ROW(o.g, o.v) FROM {one}", f"SELECT o.k, ROW(o.g, o.v) = ROW(o.v, o.g) FROM {one}", f"SELECT DISTINCT (o.g, o.v) FROM {one}",
        f"SELECT max(ROW(o.g, o.v)::text) FROM {one}",
    )  # fmt: skip
    return pick.one(over)


@production
def set_operations_all(pick: Pick) -> str:
    """INTERSECT ALL and EXCEPT ALL count duplicates; NULLs are alike."""
    columns = pick.one((("a",), ("a", "b")))
    queries = [f"SELECT {', '.join(columns)} FROM {small_integers(pick, 't', columns, most=7)}" for _ in range(pick.number(2, 3))]
    words = [pick.one(("EXCEPT ALL", "INTERSECT ALL", "EXCEPT", "INTERSECT", "UNION ALL", "UNION")) for _ in queries]
    sql = queries[0]
    for word, query in zip(words, queries[1:], strict=False):
        sql = f"({sql}) {word} {query}" if pick.chance(0.4) else f"{sql} {word} {query}"
    return pick.one((sql, f"SELECT count(*) FROM ({sql}) u", f"SELECT a, count(*) FROM ({sql}) u GROUP BY a"))
