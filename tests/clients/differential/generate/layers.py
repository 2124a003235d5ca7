"""Queries of several layers over whole tables: what one layer knows of its rows, such as a constant or an order, must
still hold where the next one relies on it."""

from dataclasses import dataclass

from .literals import quoted
from .pick import Pick
from .sources import SYMBOLS
from .statement import Statement, production

# Columns of a table by type, and its key. Sums of doubles depend on the order of their rows: there are none.
TABLES = {
    "eod": ({"symbol": "text", "date": "date", "volume": "int8", "close": "float8", "open": "float8", "source": "text"}, ("symbol", "date")),
    "option_chains": (
        {"underlying": "text", "expiration": "date", "strike": "float8", "side": "text", "symbol": "text", "root": "text"},
        ("symbol",),
    ),
    "symbols": ({"symbol": "text", "type": "text", "market": "text", "active": "bool"}, ("symbol",)),
    "dividends": ({"symbol": "text", "date": "date", "number": "int8", "amount": "float8"}, ("symbol", "date", "number")),
}
# One of these keeps a large table's part small.
SMALL = {
    "eod": ("symbol = {symbol_}", "symbol = {symbol_}", "symbol IN ({symbol_}, {symbol_})", "date > '2026-11-01' AND symbol < 'B'"),
    "option_chains": ("underlying = {symbol_}", "underlying IN ({symbol_}, {symbol_})", "side = 'call' AND strike < 100"),
}
# Conditions that DataFusion can read, and such as it cannot.
CONDITIONS = {
    "text": (
        "{c} = {symbol_}", "{c} IN ({symbol_}, {symbol_})", "{c} > 'A'", "{c} IS NOT NULL", "length({c}) > 1", "upper({c}) = {c}",
        "coalesce({c}, 'x') > 'A'", "{c} LIKE '%P%'", "nullif({c}, 'x') >= 'A'", "{c} || 'x' > 'B'",
    ),
    "date": (
        "{c} = '2026-10-16'", "{c} >= '2026-10-01'", "{c} BETWEEN '2026-08-03' AND '2026-12-31'", "{c} + 3 > '2026-06-01'",
        "extract(month FROM {c}) >= 10", "date_trunc('month', {c}) = '2026-10-01'", "{c} - '2026-01-01'::date > 30", "{c} <> '2026-10-16'",
    ),
    "int8": ("{c} > 1000", "{c} * 2 > 3", "{c} % 2 = 0", "coalesce({c}, 0) >= 0", "{c} = 1", "{c} IS NOT NULL"),
    "float8": ("{c} > 10", "{c} * 2 > 30", "abs({c} - 100) < 80", "-{c} < 0", "sqrt(abs({c})) > 3", "{c} IS NOT NULL", "{c} = 100"),
    "bool": ("{c}", "NOT {c}", "{c} IS NOT TRUE", "{c} = true"),
}  # fmt: skip
# Keys of ORDER BY, of a window or of the whole.
KEYS = {
    "text": ("{c}", "{c} DESC", "length({c})", "{c} || 'x'"),
    "date": ("{c}", "{c} DESC", "extract(day FROM {c})", "{c} - 3", "date_trunc('month', {c}) DESC"),
    "int8": ("{c}", "{c} DESC NULLS LAST", "-{c}", "{c} % 7", "abs({c} - 5000)"),
    "float8": ("{c}", "{c} DESC NULLS LAST", "abs({c} - 100)", "-{c}", "{c} * 2", "{c} IS NULL"),
    "bool": ("{c}", "NOT {c}"),
}
AGGREGATES = {
    "text": ("max({c})", "count({c})", "count(DISTINCT {c})", "min({c}) FILTER (WHERE {c} > 'B')"),
    "date": ("max({c})", "min({c})", "count(DISTINCT {c})", "max({c}) FILTER (WHERE {c} < '2026-10-01')"),
    "int8": ("sum({c})", "max({c})", "count({c})", "sum({c}) FILTER (WHERE {c} > 10)"),
    "float8": ("max({c})", "min({c})", "count({c})", "max({c}) FILTER (WHERE {c} > 10)", "max(abs({c}))"),
    "bool": ("count({c})", "bool_or({c})"),
}
GROUPS = {"text": ("{c}",), "date": ("{c}", "date_trunc('month', {c})::date"), "bool": ("{c}",), "int8": ("{c} % 3",), "float8": ("{c} > 100",)}
TYPES = {"count": "int8", "sum": "numeric", "bool": "bool"}
OF_GROUPS = {"{c} % 3": "int8", "{c} > 100": "bool"}
CONSTANTS = {"symbol_": [quoted(one) for one in SYMBOLS]}


@dataclass(frozen=True)
class Rows:
    """A query, its columns by type, and those that tell its rows apart."""

    sql: str
    columns: dict[str, str]
    key: tuple[str, ...]


def of(pick: Pick, rules: dict[str, tuple[str, ...]], rows: Rows, column: str) -> str:
    """One of the rules for the type of this column."""
    return pick.fill(pick.one(rules[rows.columns[column]])).replace("{c}", column)


def known(rows: Rows, rules: dict[str, tuple[str, ...]]) -> list[str]:
    """Columns that there are rules for."""
    return [column for column, kind in rows.columns.items() if kind in rules]


def conditions(pick: Pick, rows: Rows, least: int, most: int) -> list[str]:
    """Conditions on some of the columns."""
    chosen = pick.some(known(rows, CONDITIONS), least, most)
    return [pick.fill(of(pick, CONDITIONS, rows, column), CONSTANTS) for column in chosen]


def where(parts: list[str]) -> str:
    """A WHERE of these, or nothing."""
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def base(pick: Pick) -> Rows:
    """A part of a table."""
    name = pick.one(("eod", "eod", "option_chains", "option_chains", "symbols", "dividends"))
    columns, key = TABLES[name]
    rows = Rows("", columns, key)
    parts = [pick.fill(pick.one(SMALL[name]), CONSTANTS)] if name in SMALL else []
    parts += conditions(pick, rows, 0, 2)
    return Rows(f"SELECT {', '.join(columns)} FROM {name}{where(parts)}", columns, key)


def joined(pick: Pick, rows: Rows, number: int) -> Rows:
    """Beside the rows of `symbols` for one of their texts."""
    texts = [column for column, kind in rows.columns.items() if kind == "text"]
    if not texts:
        return rows
    on, mark = pick.one(texts), f"s{number}"
    side = pick.one(("JOIN", "LEFT JOIN", "LEFT JOIN"))
    sql = f"SELECT t.*, s.type AS {mark} FROM ({rows.sql}) AS t {side} symbols AS s ON s.symbol = t.{on}"
    if pick.chance(0.5):
        sql += f" WHERE {pick.one(('length(s.type) > 2', 's.active', 's.symbol IS NOT NULL', 's.type IS DISTINCT FROM $$etf$$'))}"
    return Rows(sql, {**rows.columns, mark: "text"}, rows.key)


def grouped(pick: Pick, rows: Rows, number: int) -> Rows:
    """Groups of them."""
    columns, items = {}, []
    for place, column in enumerate(pick.some(known(rows, GROUPS), 1, 3)):
        group = pick.one(GROUPS[rows.columns[column]])
        name = column if group == "{c}" else f"g{number}{place}"
        columns[name] = OF_GROUPS.get(group, rows.columns[column])
        items.append(f"{group.replace('{c}', column)} AS {name}")
    key = tuple(columns)
    for place, column in enumerate(pick.some(known(rows, AGGREGATES), 1, 2)):
        aggregate, name = of(pick, AGGREGATES, rows, column), f"a{number}{place}"
        columns[name] = TYPES.get(aggregate.partition("(")[0].partition("_")[0], rows.columns[column])
        items.append(f"{aggregate} AS {name}")
    having = pick.one(("", "", " HAVING count(*) > 1", f" HAVING max({pick.one(key)}) IS NOT NULL"))
    having = having if "max" not in having or columns[having[12:].partition(")")[0]] != "bool" else ""
    groups = ", ".join(str(place) for place in range(1, len(key) + 1))
    return Rows(f"SELECT {', '.join(items)} FROM ({rows.sql}) AS t GROUP BY {groups}{having}", columns, key)


def order(pick: Pick, rows: Rows) -> str:
    """An order without ties."""
    keys = [of(pick, KEYS, rows, column) for column in pick.some(known(rows, KEYS), 1, 2)]
    return ", ".join([*keys, *rows.key])


def windowed(pick: Pick, rows: Rows, number: int) -> Rows:
    """With a column of a window function."""
    parts = pick.some(known(rows, GROUPS), 0, 3)
    partition = f"PARTITION BY {', '.join(parts)} " if parts else ""
    name, column = f"w{number}", pick.one(known(rows, KEYS))
    call, kind = pick.one((
        ("row_number()", "int8"), ("row_number()", "int8"), ("rank()", "int8"), ("count(*)", "int8"),
        (f"lag({column})", rows.columns[column]), (f"max({column})", rows.columns[column]), (f"first_value({column})", rows.columns[column]),
    ))  # fmt: skip
    if kind == "bool" and call.startswith("max"):
        call, kind = "count(*)", "int8"
    sql = f"SELECT *, {call} OVER ({partition}ORDER BY {order(pick, rows)}) AS {name} FROM ({rows.sql}) AS t"
    return Rows(sql, {**rows.columns, name: kind}, rows.key)


def filtered(pick: Pick, rows: Rows, _: int) -> Rows:
    """Those that hold to conditions, on ranks among others."""
    parts = conditions(pick, rows, 1, 2)
    parts += [f"{column} <= {pick.number(1, 9)}" for column in rows.columns if column.startswith("w") and rows.columns[column] == "int8"]
    return Rows(f"SELECT * FROM ({rows.sql}) AS t{where(parts)}", rows.columns, rows.key)


def distinct(pick: Pick, rows: Rows, _: int) -> Rows:
    """Each combination of some columns once."""
    chosen = pick.some(known(rows, KEYS), 1, 3)
    return Rows(f"SELECT DISTINCT {', '.join(chosen)} FROM ({rows.sql}) AS t", {one: rows.columns[one] for one in chosen}, tuple(chosen))


def first(pick: Pick, rows: Rows, _: int) -> Rows:
    """The first in an order without ties."""
    return Rows(f"SELECT * FROM ({rows.sql}) AS t ORDER BY {order(pick, rows)} LIMIT {pick.number(1, 40)}", rows.columns, rows.key)


def layered(pick: Pick, kinds: tuple, least: int, most: int) -> Rows:
    """So many layers over a part of a table."""
    rows = base(pick)
    for number in range(pick.number(least, most)):
        if known(rows, KEYS):
            rows = pick.one(kinds)(pick, rows, number)
    return rows


@production
def layers_of_groups_and_windows(pick: Pick) -> Statement:
    """Groups, windows, joins and conditions over each other, in any order."""
    rows = layered(pick, (grouped, grouped, windowed, windowed, filtered, filtered, joined, distinct, first), 2, 5)
    return Statement(f"SELECT * FROM ({rows.sql}) AS t")


@production
def layers_below_a_condition(pick: Pick) -> Statement:
    """A condition above groups and windows that goes down to the table."""
    rows = windowed(pick, grouped(pick, base(pick), 1), 2)
    return Statement(filtered(pick, rows, 3).sql)


@production
def layers_in_an_order(pick: Pick) -> Statement:
    """Rows in an order by expressions."""
    rows = layered(pick, (grouped, windowed, filtered, joined), 0, 2)
    return Statement(f"SELECT * FROM ({rows.sql}) AS t ORDER BY {order(pick, rows)} LIMIT 200", ordered=True)
