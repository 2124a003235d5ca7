"""What PostgreSQL refuses, and with which SQLSTATE."""

from .literals import literal
from .pick import Pick
from .statement import Statement, production


@production
def refused_arguments(pick: Pick) -> str:
    """Arguments out of bounds, which must be refused."""
    n = pick.number(-9, 9)
    found = {
        "n": (str(n), str(-abs(n)), "0", "-1"),
        "d": ("date '2024-01-01'", "date '2024-02-29'", "timestamp '2024-02-15'", "time '10:00'", "interval '1 day'"),
        "f": ("hour", "minute", "nosuch", "second", "timezone", "week"),
        "form": (
            "sum(v) OVER (ORDER BY d RANGE BETWEEN interval '-1 day' PRECEDING AND CURRENT ROW)",
            "sum(v) OVER (ORDER BY v RANGE BETWEEN {n} PRECEDING AND CURRENT ROW)", "sum(v) OVER (ORDER BY v ROWS {n} PRECEDING)",
            "sum(v) OVER (ORDER BY v ROWS BETWEEN CURRENT ROW AND {n} FOLLOWING)", "nth_value(v, {n}) OVER (ORDER BY v)",
            "ntile({n}) OVER (ORDER BY v)", "lag(v, {n}) OVER (ORDER BY v)", "date_bin('1 month', {d}, timestamp '2024-01-01')",
            "date_bin('{n} days', timestamp '2024-02-15', timestamp '2024-01-01')", "'{n}.5'::int", "'1e40{a}'::float8",
            "'1e-40{a}'::float8", "'a' LIKE 'a\\'", "date '24-01-0{a}'", "'{a}/{a}/24'::date", "chr({n})", "chr(1114112)", "extract({f} FROM {d})",
            "date_part('{f}', {d})", "date_trunc('{f}', {d})", "{d} - 5::bigint", "{d} + 1.5", "row_number(DISTINCT v) OVER ()",
            "count(DISTINCT v) OVER ()", "sum(DISTINCT v) OVER (ORDER BY v)", "repeat('a', {n})", "lpad('a', {n})", "substring('abc' FROM 1 FOR {n})",
            "round(1.5::float8, {n})", "v / 0", "v % 0", "mod({n}, 0)",
            "sqrt({n})", "ln({n})", "power(0, {n})", "{n}::smallint * 32767::smallint", "2147483647 + {a}", "width_bucket({a}, 1, 1, 3)",
            "width_bucket(1, 0, 10, {n})", "percentile_cont({n}.5) WITHIN GROUP (ORDER BY v)", "string_agg(v, ',')", "max(v, {n})", "abs('x')",
            "upper({n})", "length({n})", "generate_series(1, 5, 0)", "array_fill(1, ARRAY[{n}])", "('{{1,2}}'::int[])[{n}:{n}:{n}]",
            "make_date(2024, {a}3, {n})", "make_time(2{a}, {n}, 0)", "to_date('2024-0{a}-40', 'YYYY-MM-DD')", "'2024-02-3{a}'::date",
            "'2{a}:61'::time", "'x{a}'::interval", "'t{a}'::bool",
            "split_part('a', ',', 0)", "regexp_replace('a', '(', 'b')", "'a' ~ '[{a}'", "format('%z', {n})", "format('%{a}$s', 'a')",
            "(SELECT v FROM t)", "(SELECT v, d FROM t LIMIT 1)", "nosuch({n})", "nosuch + {n}", "t.nosuch", "x.v", "v + d + v", "v = 'abc{a}'",
            "v AND true", "NOT v", "CASE WHEN v THEN 1 END", "CASE WHEN true THEN {n} ELSE 'a{a}' END", "coalesce({n}, 'a{a}')", "ARRAY[{n}, 'a']",
            "greatest({n}, 'x')", "v IN ({n}, 'a')", "v BETWEEN 'a' AND {n}", "v || {n}", "-d", "d * 2", "d + d", "'a' + {n}", "sum(d)", "avg(s)",
            "sum(s)", "min()", "count()",
            "v::date", "d::int", "true::date", "s::int", "{n}::bool::text", "'{n}'::bool", "setseed({n})", "trim_array(ARRAY[1], {n})",
            "to_number('x', '9{a}')", "encode('a', 'nosuch')", "decode('{a}', 'hex')", "get_byte('\\x01', {a})", "jsonb_path_query('{{}}', '$[')",
            "'{{{a}'::json", "timestamptz '2024-01-01' AT TIME ZONE 'Nosuch{a}'", "interval '1 day' / 0", "setval('x', {a})", "nextval('nosuch{a}')",
            "'{a}'::nosuch", "grouping(v)", "random({a})", "pg_sleep('x')", "v[{a}]", "(v).x", "s.nosuch", "unnest(v)",
        ),
        "a": tuple(str(one) for one in range(1, 10)),
    }  # fmt: skip
    item = pick.fill("{form}", found).replace("{{", "{").replace("}}", "}")
    return f"SELECT {item} AS x FROM (VALUES (1, date '2024-01-01', 'a'), (2, date '2024-01-02', 'b')) t(v, d, s)"


@production
def errors_by_sqlstate(pick: Pick) -> Statement:
    """Statements that fail in the grammar, in names, in types, in clauses, and in what they may do."""
    found = {
        "t": ("eod", "symbols", "calendar", "dividends"), "n": tuple(str(one) for one in range(1, 10)),
        "agg": ("count(*)", "sum(1)", "max(date)", "min(date)"), "w": ("row_number() OVER ()", "rank() OVER (ORDER BY 1)", "sum(1) OVER ()"),
        "form": (
            "SELEC {n}", "SELECT {n} FROM", "SELECT FROM WHERE", "SELECT * FROM {t} WHERE", "SELECT {n} +", "SELECT ({n}", "SELECT '{n}",
            "SELECT * FROM nosuch{n}", "SELECT nosuch{n} FROM {t}", "SELECT {t}.nosuch FROM {t}", "SELECT x.date FROM {t}",
            "SELECT * FROM nosuch.{t}", "SELECT nosuch({n})", "SELECT symbol FROM symbols, dividends d LIMIT 1", "SELECT a.date FROM {t} a, {t} a",
            "SELECT date, {agg} FROM {t}", "SELECT {agg} FROM {t} WHERE {agg} > {n}", "SELECT {agg} FROM {t} GROUP BY {agg}",
            "SELECT sum({agg}) FROM {t}", "SELECT {w} FROM {t} WHERE {w} > 1", "SELECT date FROM {t} GROUP BY {w}",
            "SELECT date FROM {t} HAVING date > '2024-01-0{n}'", "SELECT date FROM {t} ORDER BY {n}0", "SELECT date FROM {t} GROUP BY 2{n}",
            "SELECT date FROM {t} LIMIT -{n}", "SELECT date FROM {t} OFFSET -{n}", "SELECT date FROM {t} LIMIT 'x{n}'",
            "SELECT date FROM {t} LIMIT date", "SELECT DISTINCT date FROM {t} ORDER BY fetched_at",
            "SELECT DISTINCT ON (date) date FROM {t} ORDER BY fetched_at", "SELECT {n} UNION SELECT 1, 2", "SELECT 'a' UNION SELECT {n}",
            "SELECT {n} UNION SELECT 1 ORDER BY nosuch",
            "VALUES (1), (1, {n})", "SELECT * FROM {t} JOIN eod USING (nosuch)", "SELECT * FROM {t} NATURAL JOIN nosuch",
            "SELECT * FROM {t} a JOIN {t} b ON a.nosuch = b.date", "WITH q AS (SELECT {n}) SELECT * FROM r",
            "WITH q AS (SELECT 1), q AS (SELECT {n}) SELECT 1", "WITH q(a, b) AS (SELECT {n}) SELECT * FROM q", "SELECT * FROM (VALUES (1)) t(a, b)",
            "SELECT * FROM {t} t(a{n})", "SELECT (SELECT date FROM {t})", "SELECT (SELECT 1, {n})", "SELECT {n} IN (SELECT 1, 2)",
            "SELECT {n} = (SELECT 1 UNION SELECT 2)", "SELECT {n} WHERE 'x'", "SELECT {n} WHERE {n}", "SELECT '{n}x'::int",
            "SELECT 99999999999::int", "SELECT '9999999999{n}'::int", "SELECT 1 / ({n} - {n})", "SELECT date '2024-02-3{n}'",
            "SELECT timestamp '2024-01-01 2{n}:00'", "SELECT 'abc' + {n}", "SELECT date '2024-01-01' * {n}", "SELECT {n} || {n}", "SELECT true + {n}",
            "SELECT upper({n})", "SELECT substring({n} FROM 1)", "SELECT $1", "SELECT {n} AS a, 2 AS a ORDER BY a", "COPY nosuch{n} TO STDOUT",
            "SELECT * FROM {t} FOR UPDATE OF nosuch", "SELECT count(*) FILTER (WHERE {agg} > 1) FROM {t}", "SELECT {w} OVER w FROM {t}",
            "SELECT sum(1) OVER nosuch FROM {t}", "SELECT sum(1) OVER (w ROWS 1 PRECEDING) FROM {t} WINDOW w AS (ORDER BY date ROWS {n} PRECEDING)",
            "SELECT sum(1) OVER (w PARTITION BY date) FROM {t} WINDOW w AS (ORDER BY date)",
            "SELECT sum(1) OVER (ROWS BETWEEN {n} FOLLOWING AND 1 PRECEDING) FROM {t}", "SELECT sum(1) OVER (RANGE {n} PRECEDING) FROM {t}",
            "SELECT lag({n})", "SELECT row_number()", "SELECT percentile_cont(0.5) FROM {t}", "SELECT date, date FROM {t} a WHERE {t}.date IS NULL",
            "SELECT * FROM generate_series(1, {n}, 0)", "SELECT unnest({n})", "SELECT CAST('a' AS nosuch{n})", "SELECT a.b.c.d.e", "SELECT {n}::date",
            "SELECT '{n}'::regclass", "SELECT 'nosuch{n}'::regclass", "EXECUTE nosuch{n}", "FETCH {n} FROM nosuch", "SET nosuch = {n}",
            "SHOW nosuch{n}", "ROLLBACK TO a{n}", "DEALLOCATE nosuch{n}", "SELECT * FROM {t} LEFT JOIN eod", "SELECT {n} {n}",
            "SELECT * FROM {t} WHERE date = ALL (SELECT 1, 2)", "SELECT ARRAY[{n}, ARRAY[1]]", "SELECT ROW(1, 2) = ROW({n})",
            "SELECT ROW(1) < ROW('a', 2)", "SELECT (1, 2) IN ((1, {n}, 3))", "SELECT 1 LIMIT {n} LIMIT 1",
            "SELECT INTERVAL '{n}' DAY TO YEAR", "SELECT EXISTS (nosuch)", "SELECT CASE END", "SELECT date FROM {t} ORDER BY date USING @",
            "SELECT {n} COLLATE \"nosuch\"", "SELECT 'a' COLLATE \"C\" < 'b' COLLATE \"POSIX\"", "SELECT ''", "SELECT \"\"", "SELECT U&'\\00{n}'",
            "SELECT E'\\xZ{n}'", "SELECT * FROM {t} TABLESAMPLE SYSTEM (20{n})", "SELECT max(date) FROM {t} WHERE max(date) IS NULL",
            "SELECT date FROM {t} WHERE (SELECT count(*)) = nosuch", "SELECT {n}a", "SELECT 0x", "SELECT 1e", "SELECT ;", "SELECT @", "SELECT {n} # ",
        ),
    }  # fmt: skip
    return Statement(pick.fill("{form}", found), changes=True)


@production
def operators_of_unlike_types(pick: Pick) -> str:
    """Operators and functions over types that fit or do not: an answer, or 42883."""
    kinds = ("int2", "int4", "int8", "float4", "float8", "numeric", "text", "bool", "date", "timestamp", "timestamptz", "time", "interval")
    a, b = (literal(pick, pick.one(kinds), 0) for _ in range(2))
    op = pick.one(
        ("+", "-", "*", "/", "=", "<", "||", "%", ">=", "<>", "AND", "LIKE", "IS DISTINCT FROM", "^", "&", "IN", "BETWEEN", "~", "OVERLAPS")
    )
    if op == "IN":
        return f"SELECT {a} IN ({b}, {a}) AS x"
    if op == "BETWEEN":
        return f"SELECT {a} BETWEEN {b} AND {a} AS x"
    if op == "OVERLAPS":
        return f"SELECT ({a}, {b}) OVERLAPS ({b}, {a}) AS x"
    return pick.one((f"SELECT {a} {op} {b} AS x", f"SELECT {a} {op} {b} AS x", f"SELECT a {op} b AS x FROM (VALUES ({a}, {b})) t(a, b)"))


@production
def casts_between_types(pick: Pick) -> str:
    """Every cast between our types, of constants and columns."""
    kinds = (
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "numeric",
        "text",
        "bool",
        "date",
        "timestamp",
        "timestamptz",
        "time",
        "interval",
        "json",
        "jsonb",
        "bytea",
        "oid",
        "varchar",
        "char(3)",
        "numeric(8, 2)",
        "int4[]",
        "text[]",
        "uuid",
        "name",
    )
    given = pick.one(("int2", "int4", "int8", "float4", "float8", "numeric", "text", "bool", "date", "timestamp", "timestamptz", "time", "interval"))
    a, to = literal(pick, given, 0.15), pick.one(kinds)
    return pick.one(
        (
            f"SELECT ({a})::{to} AS x",
            f"SELECT CAST({a} AS {to}) AS x",
            f"SELECT x::{to} FROM (VALUES ({a}), (NULL)) t(x)",
            f"SELECT ({a})::{to}::text AS x",
            f"SELECT pg_typeof(({a})::{to}) AS x",
        )
    )
