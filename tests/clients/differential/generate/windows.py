"""Windows: named ones, moving frames, and what cannot go out of a frame."""

from .literals import literal
from .pick import Pick
from .sources import values
from .statement import Statement, production


def frame(pick: Pick, mode: str | None = None) -> str:
    """A frame over a column of integers."""
    mode = mode or pick.one(("ROWS", "RANGE", "GROUPS"))
    start = pick.one(("UNBOUNDED PRECEDING", "1 PRECEDING", "2 PRECEDING", "CURRENT ROW", "1 FOLLOWING"))
    end = pick.one(("CURRENT ROW", "1 FOLLOWING", "UNBOUNDED FOLLOWING", "1 PRECEDING", "2 FOLLOWING"))
    exclude = pick.one(("", "", "", " EXCLUDE CURRENT ROW", " EXCLUDE TIES", " EXCLUDE GROUP", " EXCLUDE NO OTHERS"))
    return pick.one((f"{mode} BETWEEN {start} AND {end}{exclude}", f"{mode} BETWEEN {start} AND {end}{exclude}", f"{mode} {start}"))


@production
def window_refined_from_named(pick: Pick) -> str:
    """A window that refers to a named one has its partition and order too."""
    rows = values(pick, {"g": "int4", "v": "int4"}, most=7, edge=0)
    call = pick.one(
        (
            "sum(v)",
            "count(*)",
            "row_number()",
            "rank()",
            "max(v)",
            "first_value(v)",
            "last_value(v)",
            "lag(k)",
            "array_agg(k)",
            "avg(v)",
            "dense_rank()",
            "ntile(2)",
            "min(v) FILTER (WHERE k > 1)",
            "cume_dist()",
            "percent_rank()",
            "nth_value(v, 2)",
        )
    )
    base = pick.one(
        (
            "PARTITION BY g",
            "PARTITION BY g",
            "",
            "PARTITION BY g % 2",
            "PARTITION BY v",
            "PARTITION BY g ORDER BY v, k",
            "ORDER BY k",
            "",
            "PARTITION BY g % 2 ORDER BY k DESC",
            "ORDER BY v, k ROWS 1 PRECEDING",
        )
    )
    refined = pick.one(
        (
            "w ORDER BY v, k",
            "w",
            "w ORDER BY k DESC",
            f"w ORDER BY k {frame(pick, 'ROWS')}",
            f"w {frame(pick, 'ROWS')}",
            "w PARTITION BY g",
            "w ROWS UNBOUNDED PRECEDING",
            "w ORDER BY k",
            "w ORDER BY v DESC, k ROWS 2 PRECEDING",
        )
    )
    if pick.chance(0.02):
        refined = "nosuch ORDER BY k"
    if "ORDER BY" not in base + refined:
        # Without an order, only what does not depend on it.
        refined, call = refined.partition(" ROWS")[0], pick.one(("sum(v)", "count(*)", "max(v)", "rank()", "avg(v)"))
    # By the named window itself, only what its order settles.
    named = call if "ORDER BY" in base else "sum(v)"
    forms = (
        f"SELECT k, {call} OVER ({refined}) FROM {rows.item} WINDOW w AS ({base})",
        f"SELECT k, {call} OVER w2 FROM {rows.item} WINDOW w AS ({base}), w2 AS ({refined})",
        f"SELECT k, {named} OVER w FROM {rows.item} WINDOW w AS ({base})",
        f"SELECT k, {call} OVER ({refined}), sum(k) OVER w FROM {rows.item} WINDOW w AS ({base})",
        f"SELECT k, {named} OVER w, {call} OVER ({refined}) FROM {rows.item} WINDOW w AS ({base})",
        f"SELECT k, {call} OVER w2, count(*) OVER w FROM {rows.item} WINDOW w AS ({base}), w2 AS ({refined})",
        f"SELECT k, {call} OVER w3 FROM {rows.item} WINDOW w AS ({base}), w2 AS (w), w3 AS ({refined.replace('w', 'w2', 1)})",
    )  # fmt: skip
    return pick.one(forms)


@production
def moving_frames_of_doubles(pick: Pick) -> str:
    """Sums, means and deviations over frames from which NaN, infinite and large values leave."""
    hard = ("1e17", "'NaN'", "'Infinity'", "'-Infinity'", "1e300", "0.1", "1", "2", "3", "-0.5", "1e-9", "1e15", "100", "NULL", "5", "5", "5")
    count = pick.number(4, 8)
    cells = ", ".join(
        f"({n}, {pick.one(hard)}{'::float8' if n == 1 else ''}, {pick.one(('1', '2', '5', '1.5', 'NULL'))}{'::float8' if n == 1 else ''})"
        for n in range(1, count)
    )
    item = f"(VALUES {cells}) t(i, v, u)"
    over = f"OVER (ORDER BY i {frame(pick)})"
    plain = (
        "sum(v) {o}",
        "avg(v) {o}",
        "min(v) {o}",
        "max(v) {o}",
        "count(v) {o}",
        "sum(u) {o}",
        "avg(u) {o}",
        "regr_count(v, u) {o}",
        "sum(v) FILTER (WHERE v < 1e10) {o}",
        "stddev_samp(v) {o} IS NULL",
        "var_samp(u) {o} = 0",
    )
    # Deviations differ in their last digits with the way of summing up.
    rounded = ("stddev(u)", "var_pop(u)", "covar_pop(u, i)", "regr_slope(u, i)", "corr(u, i)", "stddev_pop(u)", "regr_avgy(u, i)", "covar_samp(i, u)")
    items = pick.some((*plain, *(f"round(({one} {{o}})::numeric, 6)" for one in rounded)), 1, 2)
    return f"SELECT i, {', '.join(items)} FROM {item}".replace("{o}", over)


@production
def moving_frames_that_cannot_retract(pick: Pick) -> str:
    """Aggregates of text, bits, booleans, arrays and json over moving frames."""
    rows = values(pick, {"b": "bool", "n": "int4", "s": "text", "d": "date", "i": "interval", "x": "numeric"}, most=7, edge=0)
    call = pick.one(
        (
            "string_agg(s, ',')",
            "bool_and(b)",
            "bool_or(b)",
            "every(n > 1)",
            "bit_and(n)",
            "bit_or(n)",
            "bit_xor(n)",
            "array_agg(n)",
            "array_agg(s)",
            "min(s)",
            "max(s)",
            "max(d)",
            "min(i)",
            "sum(i)",
            "count(s)",
            "count(*)",
            "first_value(s)",
            "last_value(d)",
            "nth_value(n, 2)",
            "sum(x)",
            "avg(x)",
            "avg(n)",
            "sum(n)",
            "min(b::text)",
            "max(x)",
            "count(DISTINCT n)",
            "json_agg(n)",
            "string_agg(s, '' ORDER BY s)",
            "avg(i)",
            "max(n) FILTER (WHERE b)",
        )
    )
    order = pick.one(("ORDER BY k", "ORDER BY k DESC", "PARTITION BY b ORDER BY k", "PARTITION BY n ORDER BY k"))
    return f"SELECT k, {call} OVER ({order} {frame(pick)}) AS x FROM {rows.item}"


@production
def frames_over_tables(pick: Pick) -> str:
    """Moving frames over bars: means, extremes, ranges of days, and groups."""
    found = {
        "call": ("avg(close)", "sum(volume)", "max(high)", "min(low)", "count(*)", "first_value(close)", "last_value(open)", "nth_value(close, 2)",
            "sum(close)", "array_agg(date)", "avg(volume)"),
        "where": ("symbol = 'SPY' AND date > '2026-10-20'", "symbol IN ('KO', 'IBM') AND date > '2026-11-10'",
            "symbol = 'A' AND date > '2026-11-01'"),
        "frame": ("ROWS 4 PRECEDING", "ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING", "RANGE BETWEEN '7 days' PRECEDING AND CURRENT ROW",
            "RANGE BETWEEN interval '3 days' PRECEDING AND interval '1 day' FOLLOWING", "GROUPS 1 PRECEDING",
            "ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING", "RANGE BETWEEN UNBOUNDED PRECEDING AND '2 days' PRECEDING",
            "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", "RANGE BETWEEN '-1 day' PRECEDING AND CURRENT ROW", "ROWS -1 PRECEDING",
            "RANGE 1 PRECEDING", "ROWS BETWEEN 1 FOLLOWING AND CURRENT ROW"),
        "other": ("row_number()", "rank()", "lag(close, 2)", "lead(date)", "close - lag(close)", "ntile(4)", "cume_dist()", "percent_rank()",
            "lag(close, 1, 0)", "lead(volume, 3, -1)", "ntile(0)", "nth_value(close, 0)"),
        "order": ("date", "date DESC", "close, date"), "part": ("PARTITION BY symbol", "PARTITION BY symbol, date_trunc('month', date)"),
        "form": ("SELECT symbol, date, {call} OVER ({part} ORDER BY date {frame}) FROM eod WHERE {where}",
            "SELECT symbol, date, {other} OVER ({part} ORDER BY {order}) FROM eod WHERE {where}",
            "SELECT symbol, date, {call} OVER w, {other} OVER w FROM eod WHERE {where} WINDOW w AS ({part} ORDER BY date)",
            "SELECT symbol, max(x) FROM (SELECT symbol, {call} OVER ({part} ORDER BY date {frame}) AS x FROM eod WHERE {where}) q GROUP BY symbol"),
    }  # fmt: skip
    return pick.fill("{form}", found)


@production
def sums_of_bigint_divided(pick: Pick) -> str:
    """The sum of bigint is numeric: shares, ratios and sums beyond 64 bits."""
    found = {
        "sum": ("sum(volume)", "sum(x)", "sum(x::bigint)"), "n": ("2", "3", "4", "7"),
        "where": ("symbol IN ('SPY', 'QQQ')", "symbol = 'KO' AND date > '2026-11-10'", "symbol < 'AB' AND date > '2026-11-20'"),
        "rows": ("(VALUES (1::bigint), ({big}), ({big})) t(x)", "(VALUES (1::bigint), (2), (NULL)) t(x)",
            "(VALUES (9223372036854775807), ({big})) t(x)", "(VALUES (1::int), (2), (4)) t(x)", "(VALUES (1::smallint), (2::smallint)) t(x)"),
        "big": ("9223372036854775807", "10", "3000000000", "-5", "7"),
        "form": (
            "SELECT sum(x) / {n} FROM {rows}", "SELECT sum(x) / count(*) FROM {rows}",
            "SELECT sum(x), avg(x), pg_typeof(sum(x)), pg_typeof(avg(x)) FROM {rows}",
            "SELECT symbol, round(sum(volume) / sum(sum(volume)) OVER (), 4) FROM eod WHERE {where} GROUP BY symbol",
            "SELECT symbol, sum(volume) / count(*) FROM eod WHERE {where} GROUP BY symbol", "SELECT sum(volume) * {n} / 7 FROM eod WHERE {where}",
            "SELECT date, volume / sum(volume) OVER (PARTITION BY symbol) FROM eod WHERE symbol = 'KO' AND date > '2026-11-10'",
            "SELECT sum(volume)::float8 / {n}, sum(volume) % {n} FROM eod WHERE {where}", "SELECT sum(x) OVER (ORDER BY x) / {n} FROM {rows}",
            "SELECT x / sum(x) OVER () FROM {rows}", "SELECT sum(x) = {big}, sum(x) > {big} FROM {rows}", "SELECT sum(x)::bigint FROM {rows}",
            "SELECT (sum(x) / {n})::float8 FROM {rows}", "SELECT sum(x) - sum(x) / {n} FROM {rows}",
            "SELECT avg(volume), avg(volume) / {n} FROM eod WHERE {where}", "SELECT sum(volume * {n}) / sum(volume) FROM eod WHERE {where}",
            "SELECT sum(x) FILTER (WHERE x > 1) / sum(x) FROM {rows}",
            "SELECT symbol, sum(volume) FROM eod WHERE {where} GROUP BY symbol HAVING sum(volume) / {n} > 1000.5",
            "SELECT count(*) / {n}, count(*) * 1.0 / {n} FROM eod WHERE {where}", "SELECT max(x) / {n}, sum(x) || '' FROM {rows}",
            "SELECT sum(q.s) / {n} FROM (SELECT sum(x) AS s FROM {rows}) q",
            "SELECT round(sum(x) / {n}), round(sum(x) / {n}, {n}), trunc(sum(x) / {n}) FROM {rows}",
            "SELECT sum(x) / nullif(sum(x) - sum(x), 0) FROM {rows}", "SELECT coalesce(sum(x), 0) / {n} FROM {rows}",
        ),
    }  # fmt: skip
    return pick.fill("{form}", found)


@production
def percentiles(pick: Pick) -> str:
    """percentile_cont, percentile_disc and mode, of doubles, integers, intervals and text."""
    p = pick.one(("0.5", "0.95", "0.25", "0", "1", "0.0000001", "0.3333333", "0.999", "NULL", "1.5", "-0.1", "0.1", f"0.{pick.number(1, 999):03}"))
    found = {
        "p": (p, p, f"ARRAY[0.25, {p}]", "ARRAY[0.1, 0.5, 0.9]"), "col": ("close", "volume", "volume", "high - low"),
        "where": ("symbol = 'SPY'", "symbol = 'KO' AND date > '2026-10-01'", "symbol IN ('A', 'IBM') AND date > '2026-09-01'", "symbol = 'NOSUCH'"),
        "dir": ("", " DESC"), "f": ("percentile_cont", "percentile_disc"),
        "rows": (values(pick, {"x": "float8", "n": "int4", "s": "text", "i": "interval", "d": "date", "q": "numeric"}, most=7, edge=0.03).item,),
        "arg": ("x", "n", "i", "q"), "any": ("x", "n", "s", "i", "d", "q"),
        "form": (
            "SELECT {f}({p}) WITHIN GROUP (ORDER BY {col}{dir}) FROM eod WHERE {where}",
            "SELECT symbol, {f}({p}) WITHIN GROUP (ORDER BY {col}{dir}) FROM eod WHERE {where} GROUP BY symbol",
            "SELECT percentile_cont({p}) WITHIN GROUP (ORDER BY {arg}{dir}) FROM {rows}",
            "SELECT percentile_disc({p}) WITHIN GROUP (ORDER BY {any}{dir}) FROM {rows}",
            "SELECT mode() WITHIN GROUP (ORDER BY {any}{dir}) FROM {rows}",
            "SELECT {f}({p}) WITHIN GROUP (ORDER BY {arg}) FILTER (WHERE k > 1) FROM {rows}",
            "SELECT rank({n}) WITHIN GROUP (ORDER BY n), dense_rank({n}) WITHIN GROUP (ORDER BY n), cume_dist({n}) WITHIN GROUP (ORDER BY n) FROM {rows}",
            "SELECT {f}({p}) WITHIN GROUP (ORDER BY {col}), {f}(0.5) WITHIN GROUP (ORDER BY {col}) FROM eod WHERE {where}",
            "SELECT mode() WITHIN GROUP (ORDER BY date_trunc('month', date)) FROM eod WHERE {where}",
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s) FROM {rows}",
        ),
        "n": ("1", "2", "5", "100"),
    }  # fmt: skip
    return pick.fill("{form}", found)


@production
def aggregates_of_nan_and_constants(pick: Pick) -> str:
    """Statistics of NaN, infinite and equal values, of one row and of none."""
    hard = ("'NaN'", "'Infinity'", "'-Infinity'", "5", "5", "1", "2", "0", "NULL", "3.5")
    count = pick.number(1, 5)
    flat = pick.chance(0.3)
    lines = ", ".join(
        f"({pick.one(hard)}{'::float8' if n == 0 else ''}, {'5' if flat else pick.one(hard)}{'::float8' if n == 0 else ''}, {pick.one(('1', '3', '6', 'NULL'))}{'::int' if n == 0 else ''})"
        for n in range(count)
    )
    item = f"(VALUES {lines}) t(x, y, n)"
    call = pick.one(
        (
            "corr(y, x)",
            "regr_r2(y, x)",
            "regr_slope(y, x)",
            "regr_intercept(x, y)",
            "regr_count(y, x)",
            "regr_avgx(y, x)",
            "regr_sxx(y, x)",
            "regr_syy(x, y)",
            "regr_sxy(x, y)",
            "covar_pop(x, y)",
            "covar_samp(y, x)",
            "stddev_pop(x)",
            "var_pop(x)",
            "stddev(x)",
            "variance(y)",
            "var_samp(n)",
            "stddev(n)",
            "bit_xor(n)",
            "bit_and(n)",
            "bit_or(n)",
            "avg(x)",
            "sum(x)",
            "max(x)",
            "min(x)",
            "max(y)",
            "count(x)",
            "bool_and(x > 1)",
            "avg(n)",
            "sum(n)",
            "array_agg(x)",
            "sum(x::numeric)",
            "avg(x::numeric)",
            "stddev_pop(n)",
            "greatest(max(x), max(y))",
            "every(n > 1)",
            "string_agg(n::text, ',')",
        )
    )
    forms = (
        f"SELECT {call} FROM {item}",
        f"SELECT {call} FROM {item} WHERE false",
        f"SELECT n, {call} FROM {item} GROUP BY n",
        f"SELECT {call} FILTER (WHERE n > 1) FROM {item}",
        f"SELECT {call}, count(*) FROM {item} WHERE x < 'Infinity'",
    )
    sql = pick.one(forms)
    return sql if "array_agg" not in sql else sql.replace("array_agg(x)", "array_agg(x ORDER BY x)")


@production
def aggregates_over_tables(pick: Pick) -> str:
    """Groups, FILTER, DISTINCT and HAVING over our tables."""
    found = {
        "table": (
            "eod WHERE symbol IN ('SPY', 'KO', 'A') AND date > '2026-11-01'", "eod WHERE symbol < 'AB' AND date >= '2026-11-20'",
        ),
        "agg": ("count(*)", "sum(volume)", "avg(volume)", "min(close)", "max(date)", "count(DISTINCT date)", "sum(close)", "avg(close)",
            "round(avg(close)::numeric, 2)", "max(close) - min(close)", "bool_or(close > open)", "count(open_interest)",
            "array_agg(date ORDER BY date DESC)", "string_agg(date::text, ',' ORDER BY date)", "min(symbol)",
            "sum(volume) FILTER (WHERE close > open)", "count(*) FILTER (WHERE close < open)", "max(volume) / 2", "sum(DISTINCT volume)",
            "(array_agg(close ORDER BY date, symbol))[1]"),
        "by": ("symbol", "date", "extract(week FROM date)", "date_trunc('week', date)", "symbol, date_trunc('month', date)", "close > open",
            "left(symbol, 1)", "symbol, close > open", "date - 1", "to_char(date, 'Dy')", "volume % 3"),
        "having": ("count(*) > 1", "max(close) > 100", "sum(volume) > 1000000", "min(date) > '2026-11-02'", "avg(close) IS NOT NULL"),
        "form": ("SELECT {by}, {agg}, {agg} FROM {table} GROUP BY {by}", "SELECT {1_by}, {agg}, {agg} FROM {table} GROUP BY {1_by}",
            "SELECT {1_by}, {agg} FROM {table} GROUP BY {1_by} HAVING {having}", "SELECT {agg}, {agg}, {agg} FROM {table}",
            "SELECT {agg} FROM (SELECT * FROM {table}) q WHERE false", "SELECT {1_by}, {agg} FROM {table} GROUP BY ROLLUP ({1_by})",
            "SELECT {1_by}, grouping(symbol), {agg} FROM {table} GROUP BY GROUPING SETS (({1_by}), (symbol), ())"),
    }  # fmt: skip
    return pick.fill("{form}", found)


@production
def windows_over_expressions(pick: Pick) -> Statement:
    """Ranking and offsets over columns of every type, with NULLs."""
    kind = pick.one(("int4", "float8", "text", "date", "timestamptz", "interval", "numeric", "bool", "time"))
    rows = values(pick, {"a": kind, "g": "int4"}, most=7, edge=0.04)
    call = pick.one(
        (
            "row_number()",
            "rank()",
            "dense_rank()",
            "percent_rank()",
            "cume_dist()",
            "lag(a)",
            "lead(a, 2)",
            f"lag(a, 1, {literal(pick, kind, 0)})",
            "first_value(a)",
            "last_value(a)",
            "nth_value(a, 2)",
            "ntile(3)",
            "max(a)",
            "count(a)",
            "lag(a, g)",
            "lag(a, -1)",
            "lag(a, NULL)",
        )
    )
    if kind == "bool":
        call = call.replace("max(a)", "count(a)")
    order = pick.one(("a, k", "a DESC, k", "a NULLS FIRST, k", "g, k", "a DESC NULLS LAST, k DESC", "a"))
    if order == "a" and not any(word in call for word in ("rank", "cume", "count", "max")):
        order = "a, k"
    part = pick.one(("", "PARTITION BY g ", "PARTITION BY a ", "PARTITION BY g > 1 "))
    return Statement(f"SELECT k, {call} OVER ({part}ORDER BY {order}) AS x FROM {rows.item}")
