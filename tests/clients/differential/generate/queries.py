"""Parts of queries that many productions share."""

from .pick import Pick
from .sources import Source, values


def select(items: str | list[str], rows: Source, where: str = "", tail: str = "") -> str:
    """A query over some rows; `where` is another condition beside that of the rows."""
    listed = items if isinstance(items, str) else ", ".join(items)
    conditions = [one for one in (rows.where, where) if one and one != "true"]
    return " ".join(part for part in (f"SELECT {listed} FROM {rows.item}", conditions and "WHERE " + " AND ".join(conditions), tail) if part)


def keyed(pick: Pick, items: list[str], rows: Source) -> str:
    """Expressions beside the key of their row."""
    return select([*rows.key, *items], rows)


def pair(pick: Pick, kind: str = "int4", nulls: float = 0.25) -> tuple[Source, Source]:
    """Two small lists `o(k, g, v)` and `i(k, g, v)` whose columns `g` meet at times."""
    kinds = {"g": "int4", "v": kind}
    return values(pick, kinds, "o", nulls=nulls, edge=0), values(pick, kinds, "i", least=1, nulls=nulls, edge=0)


def small_integers(pick: Pick, alias: str, columns: tuple[str, ...], nulls: float = 0.2, most: int = 6) -> str:
    """A list of rows of integers between 0 and 4, so that they meet, with NULLs."""
    rows = []
    for number in range(pick.number(1, most)):
        cells = ["NULL" if pick.chance(nulls) else str(pick.number(0, 4)) for _ in columns]
        if number == 0:
            cells = [f"{'NULL' if cell == 'NULL' else cell}::int" if cell == "NULL" else cell for cell in cells]
        rows.append(f"({', '.join(cells)})")
    return f"(VALUES {', '.join(rows)}) {alias}({', '.join(columns)})"
