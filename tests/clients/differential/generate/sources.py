"""Rows to ask for: small lists of values, and parts of the tables that stay small."""

import re
from dataclasses import dataclass

from .literals import TYPES, literal, quoted
from .pick import Pick

TABLES = {
    "eod": {
        "symbol": "text", "date": "date", "open": "float8", "high": "float8", "low": "float8", "close": "float8", "volume": "int8",
        "open_interest": "int8",
        "source": "text",
    },
    "symbols": {"symbol": "text", "type": "text", "description": "text", "market": "text", "active": "bool"},
    "dividends": {"symbol": "text", "date": "date", "amount": "float8"},
    "market_metrics": {
        "symbol": "text", "iv_rank": "float8", "beta": "float8", "liquidity_rating": "int8", "price_earnings_ratio": "float8",
        "dividend_yield": "float8",
        "dividend_ex_date": "date", "dividend_next_date": "date", "earnings_time_of_day": "text", "earnings_estimated": "bool",
        "earnings_actual_eps": "float8",
        "sector": "text",
    },
    "calendar": {"date": "date", "open_at": "timestamptz", "close_at": "timestamptz", "early_close": "bool", "session": "text"},
    "option_chains": {
        "underlying": "text", "expiration": "date", "strike": "float8", "side": "text", "symbol": "text", "expiration_type": "text",
        "shares_per_contract": "int8",
    },
}  # fmt: skip
KEYS = {
    "eod": ("symbol", "date"), "symbols": ("symbol",), "dividends": ("symbol", "date"), "market_metrics": ("symbol",), "calendar": ("date",),
    "option_chains": ("symbol",),
}  # fmt: skip
SYMBOLS = ("SPY", "AAPL", "MSFT", "QQQ", "KO", "IBM", "NVDA", "A", "XOM", "DIA", "NOSUCH")
# Parts of a table: at most a few thousand rows.
PARTS = {
    "eod": (
        "symbol = {symbol_}",
        "symbol IN ({symbol_}, {symbol_})",
        "symbol = {symbol_} AND date > '2026-10-15'",
        "symbol < 'AAQ' AND date >= '2026-11-02'",
    ),
    "symbols": ("symbol < 'C'", "type = 'etf'", "symbol LIKE 'A%'", "true", "'dow30' = ANY (lists)"),
    "dividends": ("symbol = {symbol_}", "symbol IN ({symbol_}, {symbol_})", "date > '2026-09-01'", "symbol < 'AD'"),
    "market_metrics": ("symbol < 'B'", "dividend_ex_date IS NULL", "true", "symbol IN ({symbol_}, {symbol_})", "price_earnings_ratio IS NULL"),
    "calendar": ("date BETWEEN '2026-03-01' AND '2026-04-15'", "date >= '2026-10-25'", "session <> 'regular'", "early_close", "true"),
    "option_chains": (
        "underlying = {symbol_} AND side = 'call' AND strike < 400",
        "underlying = 'SPY' AND strike = 690",
        "symbol LIKE 'AAPL%' AND expiration < '2026-12-15'",
    ),
}


@dataclass(frozen=True)
class Source:
    """An item of FROM with its condition; `columns` are qualified names by type, `key` orders its rows."""

    item: str
    alias: str
    where: str
    columns: dict[str, str]
    key: tuple[str, ...]

    def of(self, *kinds: str) -> list[str]:
        """Columns of these types."""
        return [name for name, kind in self.columns.items() if kind in kinds]

    def order(self) -> str:
        """The columns that order the rows, without ties."""
        return ", ".join(self.key)


def symbol(pick: Pick) -> str:
    """A symbol as a constant."""
    return quoted(pick.one(SYMBOLS))


def values(pick: Pick, kinds: dict[str, str], alias: str = "t", least: int = 3, most: int = 6, nulls: float = 0.2, edge: float = 0.05) -> Source:
    """A list of rows with a key `k` and one column of each type, whose values come again."""
    pools = {name: [literal(pick, kind, edge, bare=False) for _ in range(3)] for name, kind in kinds.items()}
    rows = []
    for number in range(1, pick.number(least, most) + 1):
        cells = [str(number)]
        for name, kind in kinds.items():
            cells.append("NULL" if pick.chance(nulls) and number > 1 else pick.one(pools[name]))
        rows.append(f"({', '.join(cells)})")
    if pick.chance(0.3) and len(rows) > 2:
        rows[1:] = reversed(rows[1:])
    item = f"(VALUES {', '.join(rows)}) {alias}(k, {', '.join(kinds)})"
    columns = {f"{alias}.k": "int4"} | {f"{alias}.{name}": kind for name, kind in kinds.items()}
    return Source(item, alias, "true", columns, (f"{alias}.k",))


def table(pick: Pick, name: str | None = None, alias: str | None = None) -> Source:
    """A part of a table."""
    name = name or pick.one(tuple(TABLES))
    alias = alias or pick.one((name, name[0]))
    where = pick.fill(pick.one(PARTS[name]), {"symbol_": [quoted(one) for one in SYMBOLS]})
    if alias != name or pick.chance(0.3):
        for column in TABLES[name]:
            where = qualified(where, column, alias)
    columns = {f"{alias}.{column}": kind for column, kind in TABLES[name].items()}
    item = name if alias == name else f"{name} {pick.one(('', 'AS '))}{alias}"
    return Source(item, alias, where, columns, tuple(f"{alias}.{column}" for column in KEYS[name]))


def qualified(text: str, column: str, alias: str) -> str:
    """The column's bare name with the alias before it, outside of constants."""
    parts = text.split("'")
    for place in range(0, len(parts), 2):
        parts[place] = re.sub(rf"(?<![\w.]){column}(?!\w)", f"{alias}.{column}", parts[place])
    return "'".join(parts)


def source(pick: Pick, *kinds: str, alias: str = "t") -> Source:
    """Any rows that have a column of each of these types."""
    if pick.chance(0.45):
        fitting = [name for name, columns in TABLES.items() if set(kinds) <= set(columns.values())]
        if fitting:
            return table(pick, pick.one(fitting))
    wanted = list(kinds)
    while len(wanted) < 3 and pick.chance(0.7):
        wanted.append(pick.one(TYPES))
    return values(pick, {f"c{number}": kind for number, kind in enumerate(wanted, 1)}, alias)
