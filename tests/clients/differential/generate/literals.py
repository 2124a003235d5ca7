"""Values of every type as PostgreSQL's literals: the ordinary ones often, those at an edge at times.

A literal is written between marks with its type and plain value, so that `parameters` can make a parameter of it.
"""

import re

from .pick import Pick
from .statement import OIDS, UNTYPED

MARK = re.compile("\x01([^\x02]*)\x02([^\x02]*)\x02([^\x03]*)\x03", re.S)

ORDINARY = {
    "bool": ("true", "false"),
    "int2": ("0", "1", "-1", "2", "3", "7", "100"),
    "int4": ("0", "1", "-1", "2", "3", "5", "7", "10", "12", "100", "-40", "100000"),
    "int8": ("0", "1", "-2", "3", "10", "3000000000", "-5000000000", "42"),
    "float4": ("0", "1.5", "-2.25", "0.1", "3", "100000"),
    "float8": ("0", "1.5", "-2.5", "0.1", "3", "2.675", "1e3", "123456.789", "-0.75", "10"),
    "numeric": ("0", "1.50", "-2.5", "0.005", "3", "10.00", "123456.789", "0.3333333333", "99.995", "7"),
    "text": ("", "a", "A", "abc", "b", "é", " x ", "10", "SPY", "it's", "Zz", "a b c"),
    "date": ("2024-01-31", "2024-02-29", "2023-12-31", "2026-03-08", "2026-11-20", "2000-01-01", "2025-10-26", "1969-12-31"),
    "timestamp": (
        "2024-01-31 09:30:00", "2024-02-29 23:59:59.999999", "2026-07-20 03:00:00.25", "2026-11-20 16:00:00", "1999-12-31 00:00:00",
        "2025-10-26 12:15:30.5",
    ),
    "timestamptz": (
        "2024-01-31 14:30:00+00", "2024-02-29 23:59:59.999999+00", "2026-07-20 03:00:00.25+00", "2026-11-20 21:00:00-05", "1999-12-31 00:00:00+09",
        "2026-03-08 07:30:00+00", "2026-11-01 05:30:00+00",
    ),
    "time": ("00:00:00", "09:30:00", "16:00:00.5", "23:59:59.999999", "12:34:56"),
    "interval": (
        "1 day", "24 hours", "1 month", "30 days", "-1 day", "1 day 02:03:04.5", "1 year 2 mons -3 days", "00:30:00", "90 minutes", "0 seconds",
        "25 hours", "2 weeks",
    ),
}  # fmt: skip
EDGE = {
    "bool": ("true",),
    "int2": ("32767", "-32768"),
    "int4": ("2147483647", "-2147483648"),
    "int8": ("9223372036854775807", "9007199254740993", "-9223372036854775808"),
    "float4": ("NaN", "3.4e38", "1e-40"),
    "float8": ("NaN", "Infinity", "-Infinity", "-0", "1e-7", "1e17", "1e300"),
    "numeric": ("NaN", "12345678901234567890.123456789", "0.00000000000000000001", "-0.5"),
    "text": ("a\nb", "%", "_", "\\", "null", "💡"),
    "date": ("infinity", "0044-03-15 BC", "9999-12-31", "0001-01-01"),
    "timestamp": ("infinity", "-infinity", "2026-03-08 02:30:00", "2026-11-01 01:30:00"),
    "timestamptz": ("infinity", "-infinity", "0001-01-01 00:00:00+00"),
    "time": ("24:00:00",),
    "interval": ("1 mon -30 days", "-00:00:00.000001", "100 years", "2562047788:00:54.775807"),
}
TYPES = tuple(ORDINARY)
# What literals look like beside the general forms `'v'::type` and `type 'v'`.
BARE = {"bool", "int4", "numeric", "text"}
LONG = {"int2": "smallint", "int4": "int", "int8": "bigint", "float4": "real", "float8": "float8", "bool": "boolean"}


def quoted(value: str) -> str:
    """As a string constant."""
    return "'" + value.replace("'", "''") + "'"


def value(pick: Pick, kind: str, edge: float = 0.06) -> str:
    """A value as text."""
    return pick.one(EDGE[kind] if pick.chance(edge) else ORDINARY[kind])


def literal(pick: Pick, kind: str, edge: float = 0.06, bare: bool = True) -> str:
    """A constant of the type, between marks."""
    if pick.chance(0.05):
        return f"NULL::{LONG.get(kind, kind)}"
    chosen = value(pick, kind, edge)
    name = LONG.get(kind, kind)
    forms = [f"{quoted(chosen)}::{name}", f"CAST({quoted(chosen)} AS {name})"]
    if kind not in ("text", "numeric"):
        forms.append(f"{name} {quoted(chosen)}")
    plain = chosen.lstrip("-").replace(".", "", 1).isdigit()
    if bare and kind in BARE and (plain or kind in ("bool", "text")):
        forms = [quoted(chosen) if kind == "text" else f"({chosen})" if chosen.startswith("-") else chosen] * 3 + forms
    if kind == "numeric" and "." not in chosen and plain:
        forms = [form for form in forms if "::" in form or "CAST" in form]
    return marked(kind, chosen, pick.one(forms))


def marked(kind: str, chosen: str, form: str) -> str:
    """A constant that may become a parameter."""
    return f"\x01{kind}\x02{chosen}\x02{form}\x03"


def plain(sql: str) -> str:
    """SQL with its constants as they are written."""
    return MARK.sub(lambda found: found[3], sql)


def parameters(pick: Pick, sql: str, share: float) -> tuple[str, tuple[tuple[str | None, int], ...]]:
    """SQL in which some constants are parameters, and their values with the oids of their types or none."""
    values: list[tuple[str | None, int]] = []

    def place(found: re.Match) -> str:
        if not pick.chance(share):
            return found[3]
        values.append((None if pick.chance(0.05) else found[2], UNTYPED if pick.chance(0.3) else OIDS[found[1]]))
        return f"${len(values)}"

    return MARK.sub(place, sql), tuple(values)
