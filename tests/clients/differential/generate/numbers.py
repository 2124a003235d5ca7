"""Numbers: domains, digits, rounding, patterns of to_char, and zeros with a sign."""

from .expressions import expression
from .literals import literal
from .pick import Pick
from .queries import keyed, select
from .sources import source, values
from .statement import production


@production
def double_domain_errors(pick: Pick) -> str:
    """Doubles outside of a function's domain, and results that are too large or too small."""
    x = pick.one(
        (
            "0",
            "-1",
            "1",
            "2",
            "-8",
            "1e308",
            "1e-308",
            "1e200",
            "-1e200",
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "0.5",
            "710",
            "-746",
            "1e300",
            "'-0'",
            "1.5",
        )
    )
    y = pick.one(("0", "2", "-1", "1.0 / 3", "1e308", "0.5", "'NaN'", "'Infinity'", "1e-300", "-3", "1e10"))
    found = {
        "a": ("x", "x::float8", f"({x})::float8", "-x"), "b": ("y", f"({y})::float8"),
        "trig": ("asin", "acos", "atan", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "cot", "sind", "cosd", "tand",
            "asind", "acosd", "atand", "cotd", "degrees", "radians"),
        "log": ("ln", "log", "log10", "sqrt", "cbrt", "exp", "ceil", "floor", "round", "trunc", "sign", "abs"),
        "form": (
            "{log}({a})", "{trig}({a})", "power({a}, {b})", "{a} ^ {b}", "{a} * {b}", "{a} + {a} * {b}", "{a} / {b}", "{a} - {b}", "atan2({a}, {b})",
            "atan2d({a}, {b})", "{a}::float4", "({a} * 10)::real", "{a}::int", "{a}::bigint", "{a}::smallint", "log({a}::numeric, {b}::numeric)",
            "ln({a}::numeric)", "sqrt({a}::numeric)", "exp({a}::numeric)", "power({a}::numeric, 2)", "{log}({a}) > 1",
            "mod({a}::numeric, {b}::numeric)", "{a}::numeric",
            "|/ {a}", "||/ {a}", "{a}::text::float8", "factorial(5)", "greatest({a}, {b})", "{a} = {b}", "{a} < {b}", "round({a}::numeric, 3)",
            "width_bucket({a}, 0, 10, 5)", "-{a}", "exp({a}) * exp({b})",
        ),
    }  # fmt: skip
    item = pick.fill("{form}", found)
    # The last digit of a function of the mathematical library is its own.
    rows = f"(VALUES (({x})::float8, ({y})::float8)) t(x, y)"
    return pick.one(
        (
            f"SELECT {item} AS r FROM {rows}",
            f"SELECT {item} AS r FROM {rows}",
            f"SELECT sum({item}) FROM {rows}",
            f"SELECT count(*) FROM {rows} WHERE ({item})::text = '1'",
            f"SELECT {item} FROM (VALUES (({x})::float8, ({y})::float8), (NULL, 1), (1, 2)) t(x, y)",
        )
    )


@production
def integer_arithmetic(pick: Pick) -> str:
    """Integers of all widths: overflow, division, remainders, bits and casts."""
    kinds = [pick.one(("int2", "int4", "int8")) for _ in range(2)]
    rows = values(pick, {"a": kinds[0], "b": kinds[1]}, edge=0.25, nulls=0.1, most=3)
    form = pick.one(
        (
            "t.a + t.b",
            "t.a - t.b",
            "t.a * t.b",
            "t.a / t.b",
            "t.a % t.b",
            "-t.a",
            "abs(t.a)",
            "t.a & t.b",
            "t.a | t.b",
            "t.a # t.b",
            "~t.a",
            "t.a << 2",
            "t.a >> 1",
            "t.a::smallint",
            "t.b::int",
            "t.a::bigint * t.b",
            "t.a::float8 / t.b",
            "t.a ^ 2",
            "mod(t.a, t.b)",
            "gcd(t.a, t.b)",
            "lcm(t.a, t.b)",
            "div(t.a, t.b)",
            "sign(t.a)",
            "t.a = t.b",
            "t.a::bool",
            "t.a::text || t.b",
            "to_hex(t.a)",
            "chr(t.a::int)",
            "power(t.a, t.b)",
            "t.a / nullif(t.b, 0)",
            "sum(t.a)",
            "avg(t.b)",
            "t.a::numeric / t.b",
            "greatest(t.a, t.b)",
            "t.a / 2 * 2",
            "t.a BETWEEN t.b AND 10",
            "width_bucket(t.a, 0, 100, 4)",
            "t.a::real",
            "t.a::oid",
        )
    )
    return select(form, rows) if form[:3] in ("sum", "avg") else keyed(pick, [f"{form} AS x"], rows)


@production
def numeric_precision(pick: Pick) -> str:
    """Digits of numeric: of quotients, means, deviations, casts, and of constants of many digits."""
    rows = values(pick, {"a": "numeric", "b": "numeric"}, edge=0.1, nulls=0.1)
    found = {
        "x": ("t.a", "t.b", "{lit}"),
        "lit": (literal(pick, "numeric"), literal(pick, "numeric", 0.5), f"{pick.number(1, 10**9)}.{pick.number(0, 10**6)}::numeric"),
        "n": ("0", "1", "2", "5", "-1", "-2", "20"), "i": ("3", "7", "2", "11"),
        "form": (
            "{x} / {i}", "{x} * {x}", "{x} + {x}", "{x} - {x}", "{x} / nullif({x}, 0)", "{x} % nullif({x}, 0)", "round({x}, {n})", "trunc({x}, {n})",
            "{x}::numeric(10, 2)", "{x}::numeric(5, 1)", "{x}::int", "{x}::float8", "{x}::text", "sqrt(abs({x}))", "power({x}, 2)", "{x} ^ 3",
            "ln(abs({x}) + 1)", "exp({x} / 1000000)", "scale({x})", "min_scale({x})", "trim_scale({x})", "div({x}, {i})", "ceil({x})", "floor({x})",
            "abs({x})", "sign({x})", "-{x}", "{x} = {x}", "{x} > {i}",
            "{x} || ''", "log(abs({x}) + 1)", "mod({x}, {i})", "{x} / 3 * 3", "1 / ({x} * {x} + 1)", "{x}::numeric(30, 10)", "greatest({x}, {i})",
            "width_bucket({x}, 0, 100, {i})", "{x}::bigint", "round({x})", "gcd({x}, {i})", "{x}::numeric(2, -2)", "factorial({i})",
            "to_char({x}, '999D99')",
        ),
        "agg": ("avg", "sum", "stddev", "variance", "stddev_pop", "var_pop", "min", "max", "count"),
    }  # fmt: skip
    if pick.chance(0.3):
        return f"SELECT {pick.one(found['agg'])}({pick.fill('{x}', found)}), {pick.one(found['agg'])}(t.b) FROM {rows.item}"
    return keyed(pick, [pick.fill("{form}", found)], rows)


@production
def rounding(pick: Pick) -> str:
    """Halves and large values, of doubles, numerics and casts to integers."""
    x = pick.one(
        (
            "0.5",
            "1.5",
            "2.5",
            "-0.5",
            "-1.5",
            "-2.5",
            "3.5",
            "2.675",
            "1.005",
            "1e15",
            "0.49999999999999994",
            "4503599627370497.5",
            "-3.7",
            "1.25",
            "0.125",
            "-0.05",
            "12345.6789",
            "99.995",
            f"{pick.number(-50, 50)}.5",
            f"{pick.number(-999, 999) / 8}",
        )
    )
    kind = pick.one(("float8", "numeric", "float4"))
    v = f"'{x}'::{kind}"
    forms = (
        "round({v})",
        "{v}::int",
        "{v}::bigint",
        "{v}::smallint",
        "trunc({v})",
        "ceil({v})",
        "floor({v})",
        "round({v}::numeric, 1)",
        "round({v}::numeric, 2)",
        "round({v}::numeric, -1)",
        "{v}::numeric(10, 1)",
        "CAST({v} AS numeric(12, 2))",
        "ceiling({v})",
        "{v}::int::text",
        "round({v}) = {v}::bigint",
        "to_char({v}, '9990.9')",
        "({v} * 10)::int",
        "sign({v})",
        "round({v} * 2) / 2",
        "round({v}, 1)",
        "trunc({v}::numeric, 1)",
        "{v}::numeric::text",
    )
    if pick.chance(0.25):
        return f"SELECT x, {pick.one(forms).replace('{v}', 'x')} AS r FROM (VALUES ({v}), (2.5), (NULL), (-0.5)) t(x)"
    if pick.chance(0.2):
        return f"SELECT date, {pick.one(('round(close)', 'close::int', 'round(close::numeric, 1)', 'trunc(close)', 'round(close * 4) / 4', 'close::numeric(8, 1)', 'floor(close / 10) * 10'))} FROM eod WHERE symbol = '{pick.one(('SPY', 'KO', 'IBM'))}' AND date > '2026-11-{pick.number(10, 24)}'"
    return f"SELECT {pick.one(forms).replace('{v}', v)} AS r"


@production
def to_char_numbers(pick: Pick) -> str:
    """to_char of integers, numerics and doubles with every part of a pattern."""
    parts = (
        "9",
        "99",
        "999",
        "0",
        "00",
        "9,999",
        ".99",
        "D99",
        ".00",
        "FM",
        "S",
        "MI",
        "PL",
        "SG",
        "PR",
        "L",
        "$",
        "th",
        "TH",
        "RN",
        "V99",
        "EEEE",
        "B",
        "G999",
        '"x"',
        " ",
        "99999",
    )
    pattern = (
        pick.one(
            (
                "999",
                "FM999",
                "99,999",
                "9.99",
                "FM99999999999999999",
                "FMRN",
                "99th",
                "99V99",
                "S999",
                "999MI",
                "PL99",
                "SG99",
                "999PR",
                "L999.99",
                "0000",
                "FM0.00",
                "9,999.99",
                "B999",
                "9.99EEEE",
                "999D9",
                '"n"999',
                "FM9990.0099",
                "$999",
                "FM999,999,999.00",
                "rn",
                "9999999999",
                "99 99",
                "0.9",
                ".9",
                "S0.0",
                "",
            )
        )
        if pick.chance(0.6)
        else "".join(pick.some(parts, 1, 4))
    )
    number = pick.one(
        (
            "0",
            "1",
            "-1",
            "12",
            "485",
            "1.255::numeric",
            "12.345::numeric",
            "-0.5::numeric",
            "9007199254740993",
            "'NaN'::float8",
            "'Infinity'::float8",
            "1234.5678::float8",
            "0.1::float8",
            "-1234567.891::numeric",
            "NULL::int",
            "3999",
            "4000",
            "1e10::float8",
            "99999",
            "-0.001::numeric",
            "123456789012345678901234567890::numeric",
            "1.5::real",
            "0.05::numeric",
            "100::bigint",
        )
    )
    if pick.chance(0.15):
        return f"SELECT to_char(close, '{pattern}'), to_char(volume, '{pattern}') FROM eod WHERE symbol = 'SPY' AND date > '2026-11-20'"
    if pick.chance(0.15):
        return f"SELECT to_number('{pick.one(('12', '1,234.5', '-12.3', '12-', '<5>', '$99', 'abc', '1e3', '  7', '00012', 'XII'))}', '{pattern}')"
    return f"SELECT '[' || to_char({number}, '{pattern}') || ']' AS x"


@production
def negative_zero_in_lists(pick: Pick) -> str:
    """-0 is 0, and NaN is NaN, in lists, arrays, joins, groups and ranges."""
    cells = (
        "'-0'::float8",
        "'0'::float8",
        "'NaN'::float8",
        "5::float8",
        "'-0'::real",
        "0::float8",
        "'Infinity'::float8",
        "NULL::float8",
        "-0.0::float8",
        "1e-320::float8",
        "'-0'::numeric",
    )
    found = {
        "c": cells, "rows": ("(VALUES ({c}), ({c}), ({c})) t(x)",),
        "form": (
            "SELECT {c} IN ({c}, {c})", "SELECT {c} = ANY (ARRAY[{c}, {c}])", "SELECT x FROM {rows} WHERE x IN (0, 5)",
            "SELECT count(*) FROM {rows} WHERE x IN ({c}, {c})", "SELECT count(DISTINCT x) FROM {rows}",
            "SELECT x = 0, count(*) FROM {rows} GROUP BY x", "SELECT {c} = {c}, {c} < {c}", "SELECT {c} NOT IN ({c}, {c})",
            "SELECT count(*) FROM {rows} JOIN (VALUES ({c})) u(y) ON x = y", "SELECT {c} BETWEEN {c} AND {c}",
            "SELECT CASE {c} WHEN {c} THEN 'a' ELSE 'b' END",
            "SELECT {c} IS DISTINCT FROM {c}", "SELECT count(*) FROM (SELECT x FROM {rows} UNION SELECT {c}) q", "SELECT nullif({c}, {c})::text",
            "SELECT rank() OVER (ORDER BY x) FROM {rows}", "SELECT x FROM {rows} WHERE x = ANY (ARRAY[{c}, 7])",
            "SELECT array_position(ARRAY[{c}, {c}], {c})", "SELECT ARRAY[{c}] = ARRAY[{c}], ARRAY[{c}] @> ARRAY[{c}]",
            "SELECT {c} IN (SELECT x FROM {rows})", "SELECT ({c}, 1) IN (({c}, 1), ({c}, 2))", "SELECT max(x) = min(x), sum(x) FROM {rows}",
            "SELECT x <> ALL (ARRAY[{c}, {c}]) FROM {rows}", "SELECT ({c})::text, -({c})", "SELECT {c} = 0, {c} <> 0, sign({c})",
        ),
    }  # fmt: skip
    return pick.fill("{form}", found)


@production
def arithmetic_of_mixed_numbers(pick: Pick) -> str:
    """Expressions over numbers of all types, from columns and constants."""
    rows = source(pick, *pick.some(("int4", "int8", "float8", "numeric", "int2", "float4"), 1, 2))
    items = [
        expression(pick, pick.one(("int4", "int8", "float8", "numeric", "float4")), rows, depth=pick.number(0, 1)) for _ in range(pick.number(1, 2))
    ]
    return keyed(pick, items, rows)


@production
def text_to_numbers(pick: Pick) -> str:
    """Which texts are numbers of which type."""
    text = pick.one(
        (
            "1",
            " 1 ",
            "1.5",
            "1e3",
            "1e400",
            "1e-400",
            "-0",
            "+5",
            "",
            "abc",
            "NaN",
            "nan",
            "Infinity",
            "inf",
            "-inf",
            "1.",
            ".5",
            ".",
            "1e",
            "99999999999",
            "9223372036854775808",
            "32768",
            "1,5",
            "１",
            "\\t3",
            "1e1000",
            "0.1e-5",
            "--1",
            "1 2",
            "t",
            "true",
            "yes",
            "on",
            "of",
            "0",
            "null",
            "-2147483649",
            "123456789012345678901234567890.5",
            str(pick.number(-70000, 70000)),
            f"{pick.number(0, 99)}e{pick.number(-50, 310)}",
        )
    )
    kind = pick.one(("int", "bigint", "smallint", "float8", "real", "numeric", "boolean", "numeric(6, 2)", "oid", "numeric(3)"))
    forms = (
        f"'{text}'::{kind}",
        f"CAST('{text}' AS {kind})",
        f"{kind.split('(')[0]} '{text}'",
        f"s::{kind}",
        f"coalesce(s::{kind}, NULL)",
        f"s::{kind} IS NULL",
        f"'{text}'::{kind}::text",
    )
    item = pick.one(forms)
    return (
        f"SELECT {item} AS x FROM (VALUES ('{text}'), (NULL)) t(s)" if "s::" in item and item.startswith(("s", "coalesce")) else f"SELECT {item} AS x"
    )
