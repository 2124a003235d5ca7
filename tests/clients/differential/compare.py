"""Whether two outcomes are the same answer, and what differs if not."""

import math
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from psycopg import pq
from psycopg.adapt import Transformer
from servers import Outcome

# In the order of a table's columns. The first three after `same` must not be. `listed` are the differences that `docs/sql.md`
# tells, such as zeros at the end of a numeric that became a text.
KINDS = ("same", "wrong", "answered", "lost", "refused", "type", "name", "sqlstate", "listed")
WRONG = ("wrong", "answered", "lost")

FLOATS = {700, 701, 1021, 1022}
TIMES = {1082, 1083, 1114, 1184, 1186}
RELATIVE = 1e-12
DIGITS = re.compile(rb"\d+\.\d+(?![\d.eE])")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|NaN|Infinity)")
# Types whose text is compared as it is: a digit in it is no number that may differ a little.
EXACT = {16, 17, 18, 19, 20, 21, 23, 25, 26, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 114, 3802}

# Statements whose other answers are listed.
LISTED = (
    # Zeros of both signs are two values in an order.
    re.compile(r"OVER \((?=.*ORDER BY).*'-0'"),
    # A transaction reads one version of every table, whatever it asks for.
    re.compile(r"^SHOW transaction_isolation"),
    # The type of a row's transaction is told as `oid`.
    re.compile(r"pg_typeof\((\w+\.)?xmin\)"),
    # Two places without a type are a position and a length.
    re.compile(r"substring\(.* FROM \$\d FOR \$\d\)"),
)


def kind(ours: Outcome, theirs: Outcome, only_outcome: bool = False, ordered: bool = False) -> str | None:
    """One of KINDS; None when PostgreSQL itself had no answer."""
    if theirs.state in ("lost", "57014", "53200", "53400"):
        return None
    if ours.state == "lost":
        return "lost"
    if theirs.state and ours.state:
        return "same" if theirs.state == ours.state else "sqlstate"
    if theirs.state:
        return "answered"
    if ours.state:
        return "refused"
    if not only_outcome and not same_rows(ours, theirs, ordered):
        return "listed" if not TIMES & set(ours.oids) and same_rows(shorn(ours), shorn(theirs), ordered) else "wrong"
    if ours.oids != theirs.oids:
        return "type"
    return "same" if ours.names == theirs.names else "name"


def shorn(outcome: Outcome) -> Outcome:
    """The outcome without zeros at the end of the numbers in it."""
    rows = [tuple(cell and DIGITS.sub(without_zeros, cell) for cell in row) for row in outcome.rows]
    return replace(outcome, rows=rows)


def without_zeros(found: re.Match) -> bytes:
    """A number with a point without the zeros behind it."""
    return found[0].rstrip(b"0").rstrip(b".")


def same_rows(ours: Outcome, theirs: Outcome, ordered: bool) -> bool:
    """Equal as lists, or as multisets."""
    if len(ours.rows) != len(theirs.rows) or len(ours.oids) != len(theirs.oids):
        return False
    one, other = ours.rows, theirs.rows
    if one == other:
        return True
    pairs = list(zip(ours.oids, theirs.oids, strict=True))
    if not ordered:
        if Counter(one) == Counter(other):
            return True
        # Numbers that differ in a last digit must not change the order of the rows.
        one, other = sorted(one, key=coarse), sorted(other, key=coarse)
    return all(same_cell(a, b, pair) for row, want in zip(one, other, strict=True) for a, b, pair in zip(row, want, pairs, strict=True))


def coarse(row: tuple[bytes | None, ...]) -> list[str]:
    """A key to sort rows by: numbers to nine digits."""
    return [("" if cell is None else NUMBER.sub(nine_digits, cell.decode(errors="replace"))) for cell in row]


def nine_digits(found: re.Match) -> str:
    """A number in one notation."""
    return f"{float(found[0]):.8e}"


def same_cell(a: bytes | None, b: bytes | None, oids: tuple[int, int]) -> bool:
    """Equal text, or numbers that are equal as their types are compared."""
    if a == b:
        return True
    if a is None or b is None:
        return False
    ours, theirs = a.decode(errors="replace"), b.decode(errors="replace")
    exact = not FLOATS & set(oids)
    if all(oid in EXACT for oid in oids) and (oids[0] == oids[1] or not all(NUMBER.fullmatch(text) for text in (ours, theirs))):
        return False
    # Composite values: the text between the numbers is equal, and each number is.
    if NUMBER.split(ours) != NUMBER.split(theirs):
        return False
    return all(same_number(x, y, exact) for x, y in zip(NUMBER.findall(ours), NUMBER.findall(theirs), strict=True))


def same_number(a: str, b: str, exact: bool) -> bool:
    """Two numbers as texts: by value, and nearly so when one may be a double."""
    if a == b:
        return True
    try:
        x, y = Decimal(a), Decimal(b)
    except InvalidOperation:
        return False
    if x.is_nan() or y.is_nan():
        return x.is_nan() and y.is_nan()
    if x == y:
        return True
    return not exact and near(float(x), float(y))


def near(x: float, y: float) -> bool:
    """Within the relative tolerance."""
    return x == y or abs(x - y) <= RELATIVE * max(abs(x), abs(y)) or (math.isnan(x) and math.isnan(y))


def same_binary(ours: Outcome, theirs: Outcome, ordered: bool) -> bool:
    """Rows in the binary format, of outcomes whose texts are the same."""
    if ours.state or theirs.state or ours.oids != theirs.oids:
        return True
    if ours.rows == theirs.rows or (not ordered and Counter(ours.rows) == Counter(theirs.rows)):
        return True
    try:
        one, other = decoded(ours), decoded(theirs)
    except Exception:  # What psycopg cannot hold, such as a moment without end.
        return ordered is False
    if not ordered:
        one, other = sorted(one, key=repr), sorted(other, key=repr)
    return all(same_object(a, b) for a, b in zip(one, other, strict=True))


def decoded(outcome: Outcome) -> list[tuple[object, ...]]:
    """Binary cells as Python's objects."""
    loaders = [Transformer().get_loader(oid, pq.Format.BINARY) for oid in outcome.oids]
    return [tuple(None if cell is None else loader.load(cell) for cell, loader in zip(row, loaders, strict=True)) for row in outcome.rows]


def same_object(a: object, b: object) -> bool:
    """Equal but for the last digits of doubles, at any depth."""
    if isinstance(a, float) and isinstance(b, float):
        return near(a, b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same_object(x, y) for x, y in zip(a, b, strict=True))
    return a == b
