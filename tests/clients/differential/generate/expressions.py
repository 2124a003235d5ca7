"""Typed expressions: a grammar with a name for each type, whose leaves are columns in scope and constants."""

from .literals import TYPES, literal
from .pick import Pick
from .sources import Source

# Each name is a type; what stands under it gives that type. Divisors and arguments with a domain are guarded.
RULES = {
    "bool": (
        "({int} {comparison} {int})", "({number} {comparison} {number})", "({text} {comparison} {text})", "({date} {comparison} {date})",
        "({moment} {comparison} {moment})", "({interval} {comparison} {interval})", "({bool} {logic} {bool})", "(NOT {bool})", "({any} IS NULL)",
        "({any} IS NOT NULL)",
        "({bool} IS {truth})", "({number} BETWEEN {number} AND {number})", "({text} LIKE {pattern})", "({int} IN ({int}, {int}))",
        "({text} IN ({text}, {text}))",
        "({1_same} IS DISTINCT FROM {1_same})", "({float8} IS DISTINCT FROM {float8})", "coalesce({bool}, {bool})",
        "CASE WHEN {bool} THEN {bool} ELSE {bool} END",
    ),
    "int2": ("({int4} % 100)::smallint",),
    "int4": (
        "({int4} + {int4})", "({int4} - {int4})", "({int4} * {int4})", "({int4} / nullif({int4}, 0))", "({int4} % nullif({int4}, 0))", "abs({int4})",
        "-({int4})",
        "length({text})", "({date} - {date})", "position({text} IN {text})", "coalesce({int4}, {int4})", "greatest({int4}, {int4})",
        "least({int4}, {int4})",
        "nullif({int4}, {int4})", "CASE WHEN {bool} THEN {int4} ELSE {int4} END", "ascii({text})", "({bool})::int", "sign({float8})::int",
    ),
    "int8": (
        "({int8} + {int4})", "({int8} - {int8})", "({int4} * {int8})", "({int8} / nullif({int8}, 0))", "({int8} % nullif({int4}, 0))", "abs({int8})",
        "coalesce({int8}, {int4})",
        "greatest({int8}, {int4})", "nullif({int8}, {int8})", "CASE WHEN {bool} THEN {int4} ELSE {int8} END", "({int4})::bigint",
    ),
    "float4": ("({int4})::real",),
    "float8": (
        "({float8} + {number})", "({number} - {float8})", "({float8} * {int})", "({float8} / nullif({number}, 0))", "abs({float8})",
        "round({float8})", "floor({float8})",
        "ceil({float8})", "trunc({float8})", "sign({float8})", "sqrt(abs({float8}))", "ln(abs({float8}) + 1)", "-({float8})",
        "coalesce({float8}, {number})",
        "greatest({float8}, {number})", "least({int}, {float8})", "nullif({float8}, {number})", "CASE WHEN {bool} THEN {int} ELSE {float8} END",
        "({number})::float8",
        "CASE WHEN {bool} THEN {float8} END",
    ),
    "numeric": (
        "({numeric} + {int})", "({numeric} - {numeric})", "({numeric} * {int})", "({numeric} / nullif({int4}, 0))", "abs({numeric})",
        "round({numeric}, {digits})", "floor({numeric})",
        "trunc({numeric}, {digits})", "({int})::numeric", "coalesce({numeric}, {int})", "greatest({numeric}, {int})",
        "CASE WHEN {bool} THEN {int} ELSE {numeric} END",
        "extract({field} FROM {moment})", "({numeric} % nullif({int4}, 0))",
    ),
    "text": (
        "({text} || {text})", "upper({text})", "lower({text})", "substring({text} FROM {small} FOR {small})", "left({text}, {small})",
        "right({text}, {small})",
        "trim({text})", "replace({text}, {text}, {text})", "coalesce({text}, {text})", "concat({any}, {text})", "({int})::text", "({date})::text",
        "({numeric})::text", "repeat({text}, {small})",
        "CASE WHEN {bool} THEN {text} ELSE {text} END", "lpad({text}, {small}, '*')", "nullif({text}, {text})", "greatest({text}, {text})",
        "reverse({text})", "to_char({moment}, 'YYYY-MM-DD HH24:MI')",
    ),
    "date": ("({date} + {small})", "({date} - {small})", "({timestamp})::date", "coalesce({date}, {date})", "greatest({date}, {date})",
        "CASE WHEN {bool} THEN {date} ELSE {date} END"),
    "timestamp": (
        "({timestamp} + {span})", "({timestamp} - {span})", "({date} + {time})", "date_trunc({unit}, {timestamp})", "({date})::timestamp",
        "({timestamptz} AT TIME ZONE {zone_name})",
        "coalesce({timestamp}, {timestamp})", "({date} + {span})",
    ),
    "timestamptz": (
        "({timestamptz} + {span})", "({timestamptz} - {span})", "date_trunc({unit}, {timestamptz})", "({timestamp} AT TIME ZONE {zone_name})",
        "coalesce({timestamptz}, {timestamptz})",
        "greatest({timestamptz}, {timestamptz})", "({date})::timestamptz",
    ),
    "time": ("({timestamp})::time", "({time} + {span})"),
    "interval": ("({interval} + {span})", "({interval} * {small})", "-({interval})", "({timestamp} - {timestamp})", "({time} - {time})",
        "({timestamptz} - {timestamptz})"),
    "int": ("{int4}", "{int8}"),
    "number": ("{int4}", "{int8}", "{float8}", "{float8}", "{numeric}"),
    "moment": ("{timestamp}", "{timestamptz}"),
    "any": tuple(f"{{{kind}}}" for kind in TYPES),
    "same": ("{int4}", "{text}", "{float8}", "{date}", "NULL"),
    "comparison": ("=", "<>", "<", "<=", ">", ">=", "!="),
    "logic": ("AND", "OR"),
    "truth": ("TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "UNKNOWN", "NOT UNKNOWN"),
    "pattern": ("'a%'", "'%b%'", "'_'", "'%'", "'A_C%'", "'S%Y'", "'%é'"),
    "digits": ("0", "1", "2", "4", "-1"),
    "small": ("0", "1", "2", "3", "5"),
    "field": ("year", "month", "day", "hour", "minute", "second", "dow", "doy", "week", "quarter", "isodow", "epoch", "milliseconds", "microseconds"),
    "unit": ("'hour'", "'day'", "'week'", "'month'", "'quarter'", "'year'", "'minute'", "'second'"),
    "span": ("interval '1 day'", "interval '1 month'", "interval '90 minutes'", "interval '2 days 03:00:00'", "interval '-1 hour'",
        "interval '1 year'"),
    "zone_name": (
        "'UTC'", "'America/New_York'", "'Europe/Berlin'", "'Asia/Kolkata'", "'Australia/Lord_Howe'", "'Asia/Tokyo'", "'America/Sao_Paulo'",
        "'Pacific/Apia'",
    ),
}  # fmt: skip


def rules(pick: Pick, *sources: Source, constants: bool = True) -> dict[str, tuple[str, ...]]:
    """The grammar with leaves: columns of these sources more often than constants."""
    found = dict(RULES)
    for kind in TYPES:
        columns = [name for one in sources for name in one.of(kind)]
        leaves = columns * 3
        if constants or not columns:
            leaves = leaves + [literal(pick, kind) for _ in range(2 if columns else 3)]
        found[kind] = RULES[kind] + tuple(leaves) * max(1, len(RULES[kind]) // max(1, len(leaves)))
    return found


def expression(pick: Pick, kind: str, *sources: Source, depth: int = 1) -> str:
    """An expression of the type; a smaller depth nests more."""
    return pick.fill(f"{{{kind}}}", rules(pick, *sources), depth)
