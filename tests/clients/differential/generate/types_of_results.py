"""Which type a column of the result has when its parts are of several types."""

import re

from .expressions import expression
from .literals import LONG, TYPES, literal, quoted, value
from .pick import Pick
from .queries import keyed, select
from .sources import source, values
from .statement import OIDS, UNTYPED, Statement, production

# Types that PostgreSQL brings together, the narrower first.
FAMILIES = (
    ("int2", "int4", "int8", "numeric", "float4", "float8"),
    ("int4", "int8", "float8", "numeric"),
    ("date", "timestamp", "timestamptz"),
    ("text", "text"),
    ("time", "interval"),
)


def mixed(pick: Pick, count: int) -> list[str]:
    """Types of one family."""
    family = pick.one(FAMILIES)
    return [pick.one(family) for _ in range(count)]


@production
def branches_of_mixed_types(pick: Pick) -> str:
    """CASE, coalesce and their like over branches of different types."""
    kinds = mixed(pick, 3)
    rows = source(pick, pick.one(kinds))
    a, b, c = (pick.one([expression(pick, kind, rows, depth=2), literal(pick, kind, 0)]) for kind in kinds)
    condition = expression(pick, "bool", rows, depth=2)
    forms = (
        f"CASE WHEN {condition} THEN {a} ELSE {b} END", f"CASE WHEN {condition} THEN {a} WHEN {condition} IS NULL THEN {b} ELSE {c} END",
        f"CASE WHEN {condition} THEN NULL ELSE {b} END", f"coalesce({a}, {b})", f"greatest({a}, {b}, {c})", f"least({a}, {b})", f"nullif({a}, {b})",
        f"CASE {rows.key[0]} WHEN {rows.key[0]} THEN {a} ELSE {b} END", f"(ARRAY[{a}, {b}])[2]",
    )  # fmt: skip
    item = pick.one(forms)
    if pick.chance(0.3):
        item = pick.one([f"max({item})", f"count({item})", f"min({item})"])
        return select(item, rows)
    if pick.chance(0.2):
        window = f"({item}) OVER (ORDER BY {rows.order()})"
        return select([*rows.key, f"{pick.one(['lag', 'lead', 'first_value', 'max'])}{window}"], rows)
    return keyed(pick, [f"{item} AS x"], rows)


@production
def offsets_with_defaults(pick: Pick) -> str:
    """lag and lead whose default is of another type than their argument."""
    kinds = mixed(pick, 2)
    rows = values(pick, {"a": kinds[0]})
    call = f"{pick.one(['lag', 'lead'])}({expression(pick, kinds[0], rows, depth=3)}, {pick.number(0, 2)}, {literal(pick, kinds[1], 0)})"
    return keyed(pick, [f"{call} OVER (ORDER BY t.k) AS x"], rows)


@production
def set_operations_of_mixed_types(pick: Pick) -> str:
    """UNION, INTERSECT and EXCEPT of queries whose columns differ in type."""
    kinds = mixed(pick, 3)
    queries = []
    for kind in kinds[: pick.number(2, 3)]:
        rows = source(pick, kind)
        queries.append(
            pick.one(
                [
                    f"SELECT {literal(pick, kind)} AS x",
                    select(f"{expression(pick, kind, rows, depth=2)} AS x", rows),
                    f"VALUES ({literal(pick, kind)})",
                ]
            )
        )
    sql = f" {pick.one(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} ".join(f"({query})" if pick.chance(0.3) else query for query in queries)
    return pick.one(
        [sql, f"SELECT x FROM ({sql}) u(x)", f"SELECT count(*), min(x), max(x) FROM ({sql}) u(x)", f"WITH u(x) AS ({sql}) SELECT x FROM u"]
    )


@production
def union_with_null_first(pick: Pick) -> str:
    """A NULL without a type in one of the queries, mostly the first."""
    kind = pick.one((*TYPES, "text[]", "int4[]"))
    rows = source(pick, "text")
    typed = (
        pick.one([f"SELECT ARRAY[{literal(pick, kind[:-2])}]", f"SELECT NULL::{kind}"])
        if kind.endswith("[]")
        else pick.one([f"SELECT {literal(pick, kind)}", select(expression(pick, kind, rows), rows)])
    )
    nothing = pick.one(
        [
            "SELECT NULL AS x",
            "SELECT NULL",
            "VALUES (NULL)",
            "SELECT NULL FROM symbols WHERE symbol = 'SPY'",
            f"SELECT {quoted(value(pick, 'text', 0))}" if kind == "text" else "SELECT NULL AS y",
        ]
    )
    queries = [nothing, typed]
    if pick.chance(0.25):
        queries.reverse()
    if pick.chance(0.3):
        queries.append(pick.one([nothing, typed]))
    word = pick.one(["UNION", "UNION ALL"])
    return f" {word} ".join(queries)


@production
def untyped_beside_typed(pick: Pick) -> str:
    """A quoted constant without a type takes that of what stands beside it."""
    kind = pick.one(tuple(TYPES))
    typed, plain, other = literal(pick, kind, bare=False), quoted(value(pick, kind)), quoted(value(pick, kind))
    forms = [
        f"SELECT * FROM (VALUES ({typed}, 1), ({plain}, 2)) t(a, n)", f"SELECT * FROM (VALUES ({plain}, 1), ({typed}, 2), (NULL, 3)) t(a, n)",
        f"SELECT coalesce(NULL::{LONG.get(kind, kind)}, {plain})",
        f"SELECT coalesce({plain}, {typed})", f"SELECT ARRAY[{plain}, {typed}]", f"SELECT {plain} = {typed}, {typed} < {plain}",
        f"SELECT {typed} IN ({plain}, {other})",
        f"SELECT {plain} BETWEEN {typed} AND {other}", f"SELECT CASE WHEN {typed} = {plain} THEN {plain} ELSE {typed} END",
        f"SELECT greatest({plain}, {typed}), least({typed}, {plain})",
        f"SELECT nullif({typed}, {plain})", f"SELECT {plain} UNION SELECT {typed}", f"SELECT {typed} = ANY (ARRAY[{plain}, {other}])",
        f"SELECT ({typed}, 1) = ({plain}, '1')",
        f"SELECT {plain} IS DISTINCT FROM {typed}", f"SELECT {typed} = ANY ('{{}}')", f"SELECT max(a) FROM (VALUES ({plain}), ({typed})) t(a)",
    ]  # fmt: skip
    if kind in ("int4", "int8", "float8", "numeric"):
        forms += [f"SELECT {plain} + {typed}", f"SELECT {typed} * {plain}", f"SELECT {typed} - {plain} > {other}"]
    if kind == "date":
        forms += [
            f"SELECT {typed} - {plain}",
            f"SELECT {typed} - '1 day'",
            f"SELECT {typed} + '2 hours'::interval > {plain}",
            f"SELECT count(*) FROM eod WHERE date > {plain} AND symbol = 'SPY'",
        ]
    if kind in ("timestamp", "timestamptz"):
        forms += [f"SELECT {typed} - {plain}", f"SELECT {typed} + '1 day'", f"SELECT {typed} - '3 hours' < {plain}"]
    return pick.one(forms)


@production
def literal_types(pick: Pick) -> str:
    """Types of constants without a cast, and of arithmetic over them."""
    numbers = (
        "1",
        "-3",
        "0",
        "2147483647",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "1.5",
        "0.1",
        ".5",
        "3.",
        "1e3",
        "1.50",
        "123456789012345678901234567890",
        "1e-5",
        "-2.25",
        "7",
    )
    forms = (
        "{a}", "{a} + {a}", "{a} / {b}", "{a} * {a}", "{a} - {a}", "{a} % {b}", "pg_typeof({a})", "pg_typeof({a} / {b})", "round({a})", "{a} = {a}",
        "abs({a})", "sum({a})", "avg({a})", "ARRAY[{a}, {a}]",
        "coalesce({a}, {a})", "floor({a})", "({a})::text", "power({b}, 2)", "{a}::numeric", "{a}::float8", "({a})::int", "max({a})", "{a} || 'x'",
        "ceil({a} / {b})", "mod({c}, {c})", "'x' || {a}",
    )  # fmt: skip
    found = {"a": numbers, "b": ("2", "3", "7", "2.5", "1.10", "-4"), "c": ("5", "7", "-9", "3")}
    return "SELECT " + ", ".join(pick.fill(pick.one(forms), found) for _ in range(pick.number(1, 3)))


@production
def results_of_typed_parameters(pick: Pick) -> Statement:
    """A parameter's declared type decides the type of the column it stands in."""
    kind = pick.one(("float8", "numeric", "int4", "int8", "text", "date", "float4", "timestamp"))
    rows = pick.one(
        (
            "eod WHERE symbol = 'SPY' AND date > '2026-11-01'",
            "eod WHERE symbol = 'KO' AND date = '2026-11-20'",
            "(VALUES (1::bigint, date '2026-11-20', 2.5::float8, 'a')) t(volume, date, close, symbol)",
        )
    )
    forms = {
        "float8": (
            "volume * $1",
            "$1 + 1",
            "10 / $1",
            "volume / $1",
            "CASE WHEN close > 0 THEN 1 ELSE $1 END",
            "coalesce(NULL, $1, volume)",
            "$1",
            "round($1)",
            "volume > $1",
            "greatest(volume, $1)",
            "-$1",
            "sum(volume * $1)",
        ),
        "date": (
            "date + 1 > $1",
            "$1",
            "date - $1",
            "coalesce($1, date)",
            "$1 + 3",
            "max(date) - $1",
            "greatest(date, $1)",
            "to_char($1, 'Mon')",
            "extract(day FROM $1)",
        ),
        "timestamp": (
            "$1",
            "date + time '01:00' > $1",
            "$1 - date",
            "$1 + interval '1 day'",
            "greatest($1, date)",
            "$1::date",
            "CASE WHEN true THEN date ELSE $1 END",
        ),
        "text": (
            "$1",
            "symbol || $1",
            "$1 || 'x'",
            "length($1)",
            "upper($1)",
            "symbol = $1",
            "coalesce($1, symbol)",
            "CASE WHEN symbol = $1 THEN $1 ELSE symbol END",
            "symbol LIKE $1",
        ),
    }
    form = pick.one(forms.get(kind, forms["float8"]))
    given = value(pick, kind, 0.03) if pick.chance(0.95) else None
    sql = f"SELECT {form} AS x FROM {rows}"
    if pick.chance(0.2) and "sum" not in form and "max" not in form:
        sql = pick.one(
            [f"{sql} UNION ALL SELECT $1", "SELECT 1 UNION SELECT $1", f"SELECT x FROM ({sql}) q", f"SELECT DISTINCT x, $1 FROM ({sql}) q"]
        )
    return Statement(sql, ((given, OIDS[kind]),))


@production
def parameters_in_places(pick: Pick) -> Statement:
    """Parameters, with and without a type, where the type of a constant matters."""
    forms = (
        ("SELECT date + $1 FROM eod WHERE symbol = 'SPY' AND date > '2026-11-20'", ("int4",)),
        ("SELECT date - $1 FROM eod WHERE symbol = 'KO' AND date > '2026-11-20'", ("int4", "date")),
        ("SELECT $1", ("text[]", "int4[]", "float8[]", "date[]", "text", "int4", "bool", "interval", "timestamptz")),
        ("SELECT $1::text[]", ("text[]",)), ("SELECT symbol FROM symbols WHERE symbol = ANY ($1)", ("text[]",)),
        ("SELECT coalesce($1, close) FROM eod WHERE symbol = 'SPY' AND date > '2026-11-20'", ("float8",)),
        ("SELECT greatest($1, close) FROM eod WHERE symbol = 'SPY' AND date > '2026-11-20'", ("float8",)),
        ("SELECT CASE WHEN $1 THEN 1 ELSE 2 END", ("bool",)), ("SELECT (ARRAY[10, 20, 30])[$1]", ("int4",)), ("SELECT round(2.567, $1)", ("int4",)),
        ("SELECT round(close::numeric, $1) FROM eod WHERE symbol = 'SPY' AND date = '2026-11-20'", ("int4",)),
        ("SELECT lag(x, $1) OVER (ORDER BY x) FROM (VALUES (1), (2), (3)) t(x)", ("int4",)), ("SELECT * FROM generate_series(1, $1)", ("int4",)),
        ("SELECT generate_series($1, 5)", ("int4",)),
        ("SELECT interval '1 day' * $1", ("float8", "int4")), ("SELECT $1 * interval '1 hour'", ("float8",)), ("SELECT $1 || $2", ("text",)),
        ("SELECT $1 || 'x'", ("text", "int4")), ("SELECT $1 + $2", ("int4", "float8", "numeric")),
        ("SELECT symbol FROM symbols ORDER BY symbol LIMIT $1 OFFSET $2", ("int8",)), ("SELECT $1 = $2", ("text", "int4", "date")),
        ("SELECT $1 IN (1, 2, 3)", ("int4",)), ("SELECT 5 BETWEEN $1 AND $2", ("int4",)),
        ("SELECT length($1), upper($1)", ("text",)), ("SELECT $1::int + 1, $1::text", ("int4",)),
        ("SELECT date_trunc('month', $1)", ("timestamp", "timestamptz", "date")), ("SELECT extract(year FROM $1)", ("date", "timestamp", "interval")),
        ("SELECT count(*) FROM eod WHERE symbol = $1 AND date > $2", ("text date",)),
        ("SELECT count(*) FROM calendar WHERE open_at > $1", ("timestamptz", "timestamp", "date")), ("SELECT NULLIF($1, 'a')", ("text",)),
        ("SELECT array_length($1, 1), $1", ("int4[]", "text[]")), ("SELECT unnest($1)", ("int4[]", "text[]")),
        ("SELECT $1 IS NULL", ("int4", "text")), ("SELECT sum(x + $1) FROM (VALUES (1), (2)) t(x)", ("int4", "float8", "numeric")),
        ("SELECT substring('abcdef' FROM $1 FOR $2)", ("int4",)),
        ("SELECT x FROM (VALUES (1, 'a'), (2, 'b')) t(x, y) WHERE y = $1 OR $1 IS NULL", ("text",)),
        ("SELECT string_agg(x, $1 ORDER BY x) FROM (VALUES ('a'), ('b')) t(x)", ("text",)),
        ("SELECT to_char(date '2026-11-20', $1)", ("text",)), ("SELECT timestamptz '2026-11-20 12:00Z' AT TIME ZONE $1", ("text",)),
        ("SELECT power(2, $1), sqrt($1)", ("float8", "numeric")), ("SELECT 'abc' LIKE $1, 'abc' ~ $1", ("text",)),
    )  # fmt: skip
    sql, kinds = pick.one(forms)
    kind = pick.one(kinds)
    count = max(int(found) for found in re.findall(r"\$(\d)", sql))
    parts = kind.split(" ") if " " in kind else [kind] * count
    found = []
    for part in parts:
        given = array_text(pick, part[:-2]) if part.endswith("[]") else value(pick, part, 0.02)
        if part == "text" and "TIME ZONE" in sql:
            given = pick.one(["America/New_York", "Europe/Berlin", "UTC", "est", "+03"])
        if part == "int8" or "FOR $2" in sql or "generate_series" in sql:
            given = str(pick.number(0, 5))
        found.append((None if pick.chance(0.06) else given, UNTYPED if pick.chance(0.5) else OIDS[part]))
    return Statement(sql, tuple(found), ordered="ORDER BY symbol" in sql)


def array_text(pick: Pick, kind: str) -> str:
    """An array's text: words are quoted."""
    items = [
        '"' + value(pick, kind, 0).replace("\\", "\\\\").replace('"', '\\"') + '"' if kind in ("text", "date") else value(pick, kind, 0)
        for _ in range(pick.number(0, 3))
    ]
    if pick.chance(0.2):
        items.append("NULL")
    return "{" + ",".join(items) + "}"


@production
def prepared_statements(pick: Pick) -> Statement:
    """PREPARE with and without types, and EXECUTE with constants of other types."""
    kind = pick.one(("float8", "int4", "numeric", "text", "date", "int8"))
    body = pick.one(
        {
            "text": ("SELECT $1 || 'x'", "SELECT symbol FROM symbols WHERE symbol = $1", "SELECT coalesce($1, 'none')", "SELECT length($1)"),
            "date": (
                "SELECT count(*) FROM eod WHERE date > $1 AND symbol = 'SPY'",
                "SELECT $1 + 1",
                "SELECT date - $1 FROM eod WHERE symbol = 'KO' AND date > '2026-11-20'",
            ),
        }.get(
            kind,
            (
                "SELECT $1 + 1",
                "SELECT volume * $1 FROM eod WHERE symbol = 'SPY' AND date > '2026-11-20'",
                "SELECT 10 / $1",
                "SELECT $1",
                "SELECT 1 UNION SELECT $1",
                "SELECT CASE WHEN $1 > 1 THEN 1 ELSE $1 END",
            ),
        )
    )
    types = f"({LONG.get(kind, kind)})" if pick.chance(0.7) else ""
    return Statement(f"EXECUTE q({pick.one([literal(pick, kind), quoted(value(pick, kind, 0)), 'NULL'])})", setup=(f"PREPARE q{types} AS {body}",))


@production
def types_of_date_functions(pick: Pick) -> Statement:
    """Which type a function of dates and moments gives, in a zone."""
    forms = (
        "date_trunc({unit}, {date})", "generate_series({date}, {date} + 2, interval '1 day')", "{date} - {date}", "{date} + 1",
        "{date} + interval '1 day'", "{date} + time '09:30'", "date_trunc({unit}, {timestamp})",
        "date_trunc({unit}, {timestamptz})", "{timestamp} - {timestamp}", "{timestamptz} - {timestamptz}", "{date} - interval '1 hour'",
        "({date} - {date}) / 2", "age({date}, {date})", "extract(year FROM {date})", "date_part('year', {date})",
        "to_date('2024-03-05', 'YYYY-MM-DD')", "to_timestamp('2024-03-05', 'YYYY-MM-DD')", "make_date(2024, 2, 29)",
        "{date} = date_trunc('day', {timestamptz})", "{date} < date_trunc({unit}, {date})", "greatest({date}, {timestamp})",
        "coalesce({date}, {timestamptz})", "date_bin('1 day', {timestamp}, {timestamp})", "timezone('UTC', {timestamp})",
        "{timestamptz}::date - {date}", "{timestamp} + time '01:00'", "{time} + interval '1 hour'", "{date}::timestamptz",
    )  # fmt: skip
    rows = source(pick, "date", *(("timestamptz",) if pick.chance(0.3) else ()))
    found = {
        "date": tuple(rows.of("date")) + (literal(pick, "date", 0.02),),
        "timestamp": (literal(pick, "timestamp", 0.02),),
        "timestamptz": (*rows.of("timestamptz"), literal(pick, "timestamptz", 0.02)),
        "time": (literal(pick, "time", 0),),
    }
    item = pick.fill(pick.one(forms), found)
    zone = pick.one(("UTC", "America/New_York", "Asia/Tokyo", "Europe/Berlin"))
    if "generate_series" in item:
        return Statement(
            f"SELECT {item} AS x FROM (SELECT 1) q"
            if "." not in item
            else f"SELECT pg_typeof(x) FROM (SELECT {item} AS x FROM {rows.item} WHERE {rows.where} LIMIT 3) q LIMIT 1",
            zone=zone,
        )
    if pick.chance(0.3):
        return Statement(f"SELECT DISTINCT pg_typeof({item}) FROM {rows.item} WHERE {rows.where}", zone=zone)
    return Statement(keyed(pick, [item], rows), zone=zone)
