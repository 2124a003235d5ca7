"""Bars, values by time, indicators and performance beside independent programs: TA-Lib, empyrical, pandas and DuckDB.

    pip install -r requirements.txt
    python client.py                       # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Random series with a seed: walks, wild ones, constants, short ones, with NULLs. Prints `ok` and the number of values compared;
the first difference is an exception.
"""

import math
import sys

import duckdb
import numpy as np
import pandas as pd
import psycopg
import talib

# This release of empyrical calls a name that NumPy 2 took away; later ones want packages that are not for this Python.
np.NINF = -np.inf
import empyrical  # noqa: E402

TOLERANCE = 1e-9
compared = 0


def alike(what: str, found, wanted, scale: float = 0.0) -> None:
    """Both without a value, or equal to nine digits of themselves or of `scale`."""
    global compared
    missing = wanted is None or math.isnan(wanted)
    near = not missing and found is not None and math.isclose(found, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE * scale)
    if (found is None) != missing or not (missing or near):
        raise AssertionError(f"{what}: {found!r}, wanted {wanted!r}")
    compared += 1


def series(random: np.random.Generator):
    """Names and closes of series of many kinds, with None where a row has no number."""
    for size in (1, 2, 14, 15, 33, 34, 35, 300):
        yield f"walk of {size}", list(100 + np.cumsum(random.normal(0, 1, size)))
    yield "wild", list(np.exp(random.normal(0, 1, 300)))
    yield "small", list(0.01 + np.cumsum(np.abs(random.normal(0, 1e-5, 200))))
    yield "constant", [37.1] * 60
    yield "falls and stays", [*np.linspace(50, 40, 20), *[40.0] * 60]
    holes = list(100 + np.cumsum(random.normal(0, 1, 250)))
    for place in random.choice(250, 60, replace=False):
        holes[place] = None
    yield "with holes", holes


def known(function, values, outputs: int, *arguments, **options):
    """The outputs of a function of TA-Lib for the rows with numbers, None for the others."""
    rows = [place for place, row in enumerate(zip(*values)) if None not in row]
    columns = [np.array([column[place] for place in rows], dtype=float) for column in values]
    try:
        found = function(*columns, *arguments, **options) if rows else [np.array([])] * outputs
    except Exception as error:  # TA-Lib refuses series without a row.
        if "len" not in str(error) and "NaN" not in str(error):
            raise
        found = [np.full(len(rows), np.nan)] * outputs
    found = [found] if outputs == 1 else found
    results = [[None] * len(values[0]) for _ in range(outputs)]
    for result, column in zip(results, found):
        for place, value in zip(rows, np.atleast_1d(column)):
            result[place] = float(value)
    return results


def indicators(connection: psycopg.Connection, random: np.random.Generator) -> None:
    """Each indicator over each series, with several periods."""
    for name, close in series(random):
        high = [value if value is None else value + abs(random.normal(0, 0.01 * value)) for value in close]
        low = [value if value is None else value - abs(random.normal(0, 0.01 * value)) for value in close]
        order = list(range(len(close)))
        shuffled = list(random.permutation(len(close)))
        pick = lambda column: [None if column[at] is None else float(column[at]) for at in shuffled]
        for n in (2, 5, 14, 20):
            rows = connection.execute(
                """SELECT ewma(c, %(n)s) OVER w, rsi(c, %(n)s) OVER w, atr(h, l, c, %(n)s) OVER w,
                    (macd(c, %(n)s, %(slow)s, %(signal)s) OVER w).macd, (macd(c, %(n)s, %(slow)s, %(signal)s) OVER w).signal,
                    (macd(c, %(n)s, %(slow)s, %(signal)s) OVER w).histogram,
                    (bollinger(c, %(n)s, 2.5) OVER w).lower, (bollinger(c, %(n)s, 2.5) OVER w).middle,
                    (bollinger(c, %(n)s, 2.5) OVER w).upper
                FROM unnest(%(i)s::int8[], %(h)s::float8[], %(l)s::float8[], %(c)s::float8[]) AS t(i, h, l, c)
                WINDOW w AS (ORDER BY i) ORDER BY i""",
                {"n": n, "slow": 2 * n + 2, "signal": n - 1, "i": [int(at) for at in shuffled], "h": pick(high), "l": pick(low), "c": pick(close)},
            ).fetchall()
            wanted = [
                *known(talib.EMA, [close], 1, n),
                *known(talib.RSI, [close], 1, n),
                *known(talib.ATR, [high, low, close], 1, n),
                *known(talib.MACD, [close], 3, n, 2 * n + 2, n - 1),
                *reversed(known(talib.BBANDS, [close], 3, n, 2.5, 2.5)),
            ]
            scale = max((abs(value) for value in close if value is not None), default=1.0)
            for place in order:
                for column, (found, expected) in enumerate(zip(rows[place], (result[place] for result in wanted))):
                    # Differences of averages are as exact as these.
                    alike(f"{name}, n {n}, row {place}, column {column}", found, expected, 0.0 if column < 3 else scale)


def defaults(connection: psycopg.Connection, random: np.random.Generator) -> None:
    """Periods that are left out."""
    close = 100 + np.cumsum(random.normal(0, 1, 120))
    rows = connection.execute(
        """SELECT rsi(c) OVER w, atr(c + 1, c - 1, c) OVER w, (macd(c) OVER w).signal, (bollinger(c) OVER w).upper
        FROM unnest(%s::float8[]) WITH ORDINALITY AS t(c, i) WINDOW w AS (ORDER BY i) ORDER BY i""",
        [close.tolist()],
    ).fetchall()
    wanted = [talib.RSI(close), talib.ATR(close + 1, close - 1, close), talib.MACD(close)[1], talib.BBANDS(close, 20, 2, 2)[0]]
    for place, row in enumerate(rows):
        for column, found in enumerate(row):
            alike(f"defaults, row {place}, column {column}", found, float(wanted[column][place]), 100.0)


def performance(connection: psycopg.Connection, random: np.random.Generator) -> None:
    """Ratios of returns, and the deepest fall of the balance that they make."""
    for size in (1, 2, 3, 30, 500):
        for risk_free in (0.0, 0.0005):
            returns = pd.Series(random.normal(0.0005, 0.01, size))
            found = connection.execute(
                """SELECT sharpe(r, 252), sharpe(r, 252, %(free)s), sortino(r, 252, %(free)s), sharpe(r, 12)
                FROM unnest(%(returns)s::float8[]) AS t(r)""",
                {"free": risk_free, "returns": [*returns.tolist(), None]},
            ).fetchone()
            wanted = [
                empyrical.sharpe_ratio(returns),
                empyrical.sharpe_ratio(returns, risk_free),
                empyrical.sortino_ratio(returns, risk_free),
                empyrical.sharpe_ratio(returns, annualization=12),
            ]
            for place, value in enumerate(wanted):
                if not math.isfinite(value):
                    value = math.nan
                alike(f"ratio {place} of {size}", found[place], value)
        balance = 100 * np.cumprod(np.concatenate([[1.0], 1 + returns.to_numpy()]))
        order = random.permutation(len(balance))
        (deepest,) = connection.execute(
            "SELECT max_drawdown(v ORDER BY i) FROM unnest(%s::int8[], %s::float8[]) AS t(i, v)",
            [order.tolist(), balance[order].tolist()],
        ).fetchone()
        alike(f"max_drawdown of {size}", deepest, empyrical.max_drawdown(returns), 1e-6)


def values_by_time(connection: psycopg.Connection, random: np.random.Generator) -> None:
    """Picks and means of groups, with DuckDB's and with sums written out. Times differ, so that no tie is left to anybody."""
    size = 2000
    frame = pd.DataFrame({
        "g": random.integers(0, 20, size),
        "t": random.permutation(size),
        "v": np.where(random.random(size) < 0.1, None, random.integers(0, 50, size)),
        "p": np.where(random.random(size) < 0.1, np.nan, 100 + random.normal(0, 1, size)),
        "q": random.integers(0, 5, size).astype(float),
    })
    columns = {
        name: [None if pd.isna(value) else (float(value) if name in "pq" else int(value)) for value in frame[name]]
        for name in frame
    }
    found = connection.execute(
        """SELECT g, arg_max(v, t), arg_min(v, t), max_by(t, p), min_by(t, p), last(v, t), first(v, t), vwap(p, q),
            (candlestick(timestamp '2026-01-01' + t * interval '1 second', p, q)).open,
            (candlestick(timestamp '2026-01-01' + t * interval '1 second', p, q)).close,
            (candlestick(timestamp '2026-01-01' + t * interval '1 second', p, q)).volume,
            twap(p, timestamp '2026-01-01' + t * interval '1 second')
        FROM unnest(%(g)s::int8[], %(t)s::int8[], %(v)s::int8[], %(p)s::float8[], %(q)s::float8[]) AS r(g, t, v, p, q)
        GROUP BY g ORDER BY g""",
        columns,
    ).fetchall()
    with duckdb.connect() as duck:
        duck.execute("CREATE TABLE r (g BIGINT, t BIGINT, v BIGINT, p DOUBLE, q DOUBLE)")
        duck.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?)", list(zip(*(columns[name] for name in "gtvpq"))))
        wanted = duck.execute(
            """SELECT g, arg_max(v, t), arg_min(v, t), max_by(t, p), min_by(t, p), arg_max_null(v, t), arg_min_null(v, t),
                sum(p * q) FILTER (WHERE p IS NOT NULL) / sum(q) FILTER (WHERE p IS NOT NULL),
                arg_min(p, t), arg_max(p, t), sum(q) FILTER (WHERE p IS NOT NULL),
                (SELECT sum(p * (next - t)) / (max(t) - min(t)) FROM
                    (SELECT p, t, lead(t) OVER (ORDER BY t) AS next FROM r AS o WHERE o.g = r.g AND o.p IS NOT NULL))
            FROM r GROUP BY g ORDER BY g"""
        ).fetchall()
    for row, expected in zip(found, wanted, strict=True):
        for place, value in enumerate(expected):
            alike(f"group {row[0]}, column {place}", row[place], value)


def main() -> int:
    """Everything, with one seed."""
    random = np.random.default_rng(20261129)
    with psycopg.connect(autocommit=True) as connection:
        for compare in (indicators, defaults, performance, values_by_time):
            compare(connection, random)
    print(f"ok values={compared}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
