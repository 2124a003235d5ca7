"""Text: functions, patterns, regular expressions, format, and lengths of character types."""

from .expressions import rules
from .literals import literal
from .pick import Pick
from .queries import keyed
from .sources import source, table, values
from .statement import Statement, production

WORDS = (
    "'abc'",
    "'AAPL'",
    "'foo bar baz'",
    "''",
    "'a1b22c333'",
    "'  pad  '",
    "'héllo'",
    "'x,y,,z'",
    "'2024-01-31'",
    "'a.b*c'",
    "E'a\\nb'",
    "'💡x'",
    "'aaa'",
    "'John Smith'",
    "NULL::text",
    "'100%'",
)


@production
def functions_of_text(pick: Pick) -> str:
    """Every function of text, over constants and columns."""
    found = {
        "s": (*WORDS, "t.a", "t.b", "t.a", "t.b"), "n": ("0", "1", "2", "3", "-1", "-2", "5", "10"),
        "p": ("'b'", "'a'", "','", "' '", "''", "'o'", "'xyz'"), "enc": ("'hex'", "'base64'", "'escape'", "'nosuch'"),
        "form": (
            "md5({s})", "sha256({s}::bytea)", "encode(sha224({s}::bytea), 'hex')", "initcap({s})", "upper({s})", "lower({s})", "length({s})",
            "char_length({s})", "octet_length({s})", "bit_length({s})", "left({s}, {n})", "right({s}, {n})", "lpad({s}, {n}, {p})", "rpad({s}, {n})",
            "ltrim({s}, {p})", "rtrim({s}, {p})", "btrim({s}, {p})", "trim(leading {p} from {s})", "trim(both from {s})", "trim(trailing from {s})",
            "trim({s}, {p})",
            "substring({s} FROM {n})", "substring({s} FROM {n} FOR {n})", "substr({s}, {n}, {n})", "substring({s} FROM '[a-z]+')",
            "substring({s} SIMILAR '%#\"o_b#\"%' ESCAPE '#')", "overlay({s} PLACING {p} FROM {n})", "overlay({s} PLACING {p} FROM {n} FOR {n})",
            "position({p} IN {s})", "strpos({s}, {p})", "replace({s}, {p}, {p})", "translate({s}, 'abc', 'xy')", "reverse({s})", "repeat({s}, {n})",
            "split_part({s}, {p}, {n})",
            "concat({s}, {s}, NULL, {n})", "concat_ws({p}, {s}, NULL, {s})", "concat(true, {n}, {s})", "format('%s-%s', {s}, {n})",
            "format('%2$s %1$s', {s}, {p})", "format('%-6s|%6s|', {s}, {p})", "format('%I %L', {s}, {s})", "format('%%%s', {s})",
            "format('%*s', {n}, {s})", "quote_literal({s})", "quote_ident({s})", "quote_nullable({s})", "ascii({s})", "chr({n})", "to_hex({n})",
            "starts_with({s}, {p})", "{s} ^@ {p}", "string_to_array({s}, {p})", "string_to_array({s}, {p}, 'a')",
            "array_to_string(string_to_array({s}, ','), '|', '*')", "encode({s}::bytea, {enc})", "decode({s}, {enc})", "convert_to({s}, 'UTF8')",
            "convert_from({s}::bytea, 'UTF8')", "unistr({s})", "get_byte({s}::bytea, {n})", "set_byte({s}::bytea, 0, 65)", "get_bit({s}::bytea, {n})",
            "length({s}::bytea)", "{s} || {s}", "{s} || {n}", "{s} < {s}", "{s} = {s}", "{s} LIKE {p} || '%'", "normalize({s})", "{s} IS NORMALIZED",
            "parse_ident('a.b')", "regexp_count({s}, {p})",
            "{s} COLLATE \"C\" > {s}", "string_to_table({s}, {p})", "left({s}, -1) || right({s}, -1)", "greatest({s}, {p})", "nullif({s}, {p})",
            "substring({s}::bytea FROM 1 FOR 2)", "{s}::char(3)", "{s}::varchar(2)", "{s}::name", "\"left\"({s}, 2)", "btrim({s})",
            "pg_column_size({s}) > 0", "encode(sha512({s}::bytea), 'base64')", "num_nulls({s}, NULL)", "num_nonnulls({s}, 1)",
        ),
    }  # fmt: skip
    rows = values(pick, {"a": "text", "b": "text"}, edge=0.1)
    item = pick.fill("{form}", found)
    if "t." not in item:
        return f"SELECT {item} AS x"
    return f"SELECT t.k, {item} AS x FROM {rows.item}"


@production
def regular_expressions(pick: Pick) -> str:
    """POSIX patterns: classes, look-around, back references, options, and every function of them."""
    found = {
        "s": ("'abc'", "E'a\\nb'", "'foo bar'", "'AAPL'", "'BRK.B'", "'aabbcc'", "'a1b22'", "''", "'foobarbequebaz'", "'x-1, y-22'", "'(a)'",
            "E'line1\\nline2'", "'été'", "NULL::text"),
        "r": ("'a.b'", "'^(?!BRK)'", "'\\mbar\\M'", "'(.)\\1'", "'b+'", "'^foo'", "'[0-9]+'", "'(?i)aa'", "'a(?=b)'", "'(?<=a)b'", "'\\d+'",
            "'[[:alpha:]]+'", "'\\Ab'", "'r$'", "'a|b'", "'(a)(b)?'", "'[^a-c]'", "'x*'", "'\\yfoo\\y'", "'^line2$'", "'(?n)^line2'", "'a{2}'",
            "'(bar)(beque)'", "'['", "'(?:a|b)c'", "'\\s'", "'.'", "'b.*?c'", "'\\Z'", "'[[:<:]]b'", "'é'", "'\\.'", "'(?x) a b'", "'***=a.b'"),
        "f": ("''", "'g'", "'i'", "'gi'", "'n'", "'s'", "'x'", "'q'", "'m'"),
        "rep": ("'X'", "'[\\&]'", "'<\\1>'", "'\\2\\1'", "''", "'\\\\'", "'$1'"), "n": ("1", "2", "0", "3"), "op": ("~", "~*", "!~", "!~*"),
        "like": ("LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE", "~~", "!~~*"),
        "pat": ("'a%'", "'%B%'", "'_b_'", "'a\\%'", "'%\\'", "'a#%' ESCAPE '#'", "'%'", "''", "'A__L'", "E'%\\n%'"),
        "form": (
            "{s} {op} {r}", "regexp_replace({s}, {r}, {rep})", "regexp_replace({s}, {r}, {rep}, {f})", "regexp_match({s}, {r})",
            "regexp_match({s}, {r}, {f})", "regexp_matches({s}, {r}, 'g')", "regexp_matches({s}, {r})", "regexp_split_to_array({s}, {r})",
            "regexp_split_to_table({s}, {r})", "regexp_substr({s}, {r})", "regexp_count({s}, {r})", "regexp_instr({s}, {r})", "regexp_like({s}, {r})",
            "regexp_like({s}, {r}, {f})", "substring({s} FROM {r})", "{s} {like} {pat}", "{s} SIMILAR TO '%(b|c)%'", "{s} SIMILAR TO 'a_c'",
            "regexp_replace({s}, {r}, {rep}, {n}, {n})", "regexp_count({s}, {r}, {n})", "{s} {op} {r} IS NULL", "regexp_substr({s}, {r}, {n}, 1)",
            "{s} {like} ANY (ARRAY['a%', '%o%'])", "(regexp_match({s}, {r}))[1]", "{s} NOT SIMILAR TO '[a-f]+'", "regexp_instr({s}, {r}, 1, {n})",
        ),
    }  # fmt: skip
    if pick.chance(0.15):
        return pick.fill("SELECT symbol FROM symbols WHERE symbol {op} {r} AND symbol < 'BZ'", found)
    if pick.chance(0.15):
        return pick.fill(
            "SELECT s, {x} FROM (VALUES ({s}), ({s}), ('abcabc')) t(s)",
            {**found, "x": ("s {op} {r}", "regexp_replace(s, {r}, {rep}, 'g')", "s {like} {pat}", "regexp_match(s, {r})", "substring(s FROM {r})")},
        )
    return f"SELECT {pick.fill('{form}', found)} AS x"


@production
def character_lengths(pick: Pick) -> str:
    """char(n) pads and forgets blanks, varchar(n) cuts in a cast."""
    found = {
        "v": ("'ab'", "'abcdef'", "'a  '", "''", "'é💡x'", "' a'", "NULL", "12345", "true", "1.5::numeric", "date '2024-01-31'"),
        "n": ("1", "2", "3", "5", "10"),
        "k": ("char({n})", "varchar({n})", "character({n})", "character varying({n})", "bpchar", "varchar", "char", "text"),
        "form": ("{v}::{k}", "CAST({v} AS {k})", "'[' || ({v}::{k}) || ']'", "length({v}::{k})", "octet_length({v}::{k})", "{v}::{k} = {v}::{k}",
            "{v}::{k}::text", "({v}::{k}) || 'x'", "{v}::{k} = 'ab'", "upper({v}::{k})", "pg_typeof({v}::{k})", "{v}::{k} LIKE 'a%'",
            "coalesce({v}::{k}, 'z')", "{v}::{k} < 'b '", "concat({v}::{k}, '|')", "position('a' IN {v}::{k})", "{v}::{k} IN ('ab', 'a')",
            "ARRAY[{v}::{k}]", "nullif({v}::{k}, 'ab   ')"),
    }  # fmt: skip
    return "SELECT " + pick.fill("{form}", found).replace("12345::", "'12345'::") + " AS x"


@production
def expressions_over_text(pick: Pick) -> str:
    """Nested expressions of text, over tables and lists."""
    rows = source(pick, "text")
    return keyed(pick, [pick.fill("{text}", rules(pick, rows), pick.number(0, 1)) for _ in range(pick.number(1, 2))], rows)


@production
def filters_over_tables(pick: Pick) -> Statement | str:
    """Conditions of every kind in WHERE, over our tables."""
    rows = source(pick, pick.one(("text", "float8", "date", "int8", "bool", "timestamptz")))
    condition = pick.fill("{bool}", rules(pick, rows), pick.number(0, 1))
    wanted = pick.one(("count(*)", ", ".join(rows.key), f"count(*), min({rows.key[0]}), max({rows.key[-1]})"))
    where = f"({rows.where}) AND {condition}" if rows.where != "true" else condition
    return f"SELECT {wanted} FROM {rows.item} WHERE {where}"


@production
def limits_and_orders(pick: Pick) -> Statement:
    """ORDER BY of several columns with NULLs first or last, and a part of the rows."""
    rows = source(pick, pick.one(("text", "float8", "date", "int8")))
    columns = pick.some([name for name in rows.columns], 1, 2)
    order = ", ".join(f"{name}{pick.one(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST', ' ASC'])}" for name in columns)
    tail = pick.one(
        (
            f"LIMIT {pick.number(0, 9)}",
            f"LIMIT {pick.number(1, 9)} OFFSET {pick.number(0, 9)}",
            f"OFFSET {pick.number(0, 99)} ROWS FETCH FIRST {pick.number(1, 5)} ROWS ONLY",
            "LIMIT 20",
            "FETCH FIRST ROW ONLY",
        )
    )
    return Statement(
        f"SELECT {', '.join(dict.fromkeys((*rows.key, *columns)))} FROM {rows.item} WHERE {rows.where} ORDER BY {order}, {rows.order()} {tail}",
        ordered=True,
    )


@production
def orders_that_are_not_shown(pick: Pick) -> Statement:
    """Some columns of a part of a table in the order of its key, or of the rest of it where a condition fixes the first column."""
    rows = table(pick, pick.one(("eod", "dividends", "option_chains", "symbols", "calendar", "market_metrics")))
    fixed = len(rows.key) == 2 and " = " in rows.where
    order = rows.key[1:] if fixed and pick.chance(0.7) else rows.key
    direction = pick.one(("", " DESC"))
    shown = pick.some(list(rows.columns), 1, 3)
    if pick.chance(0.5):
        shown = [rows.key[0], *(name for name in shown if name != rows.key[0])]
    tail = pick.one(("", f" LIMIT {pick.number(1, 9)}", f" LIMIT {pick.number(1, 9)} OFFSET {pick.number(0, 9)}"))
    order = ", ".join(f"{name}{direction}" for name in order)
    return Statement(f"SELECT {', '.join(shown)} FROM {rows.item} WHERE {rows.where} ORDER BY {order}{tail}", ordered=True)


@production
def null_tests(pick: Pick) -> str:
    """NULL in every operator and function that treats it in a way of its own."""
    kind = pick.one(("int4", "text", "float8", "date", "bool", "numeric", "interval"))
    rows = values(pick, {"a": kind, "b": kind}, nulls=0.45, edge=0)
    found = {
        "x": ("t.a", "t.b", "NULL", literal(pick, kind, 0, bare=False)),
        "form": (
            "{x} = {x}", "{x} <> {x}", "{x} IS NULL", "{x} IS NOT NULL", "{x} IS DISTINCT FROM {x}", "coalesce({x}, {x}, {x})", "nullif({x}, {x})",
            "{x} IN ({x}, {x})", "{x} NOT IN ({x}, {x})", "greatest({x}, {x})", "least({x}, {x})", "({x} = {x}) IS UNKNOWN", "NOT ({x} = {x})",
            "({x} = {x}) AND ({x} <> {x})", "({x} = {x}) OR ({x} IS NULL)", "CASE {x} WHEN {x} THEN 1 WHEN NULL THEN 2 ELSE 3 END",
            "{x} BETWEEN {x} AND {x}", "num_nulls({x}, {x})",
            "ARRAY[{x}, {x}] = ARRAY[{x}, {x}]", "{x} = ANY (ARRAY[{x}, {x}])", "{x} <> ALL (ARRAY[{x}, {x}])", "concat({x}, {x})",
            "{x} NOT BETWEEN {x} AND {x}", "count({x})", "count(DISTINCT {x})", "min({x})" if kind != "bool" else "bool_and({x})",
            "array_agg({x} ORDER BY t.k)",
        ),
    }  # fmt: skip
    item = pick.fill("{form}", found)
    if item.startswith(("count(", "min(", "bool_and(", "array_agg(")):
        return f"SELECT {item} FROM {rows.item}"
    return pick.one(
        (
            f"SELECT t.k, {item} AS x FROM {rows.item}",
            f"SELECT t.k, {item} AS x FROM {rows.item}",
            f"SELECT count(*) FROM {rows.item} WHERE ({item}) IS NOT NULL",
        )
    )
