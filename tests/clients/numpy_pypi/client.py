"""The PyPI package `numpy` beside `returns_stddev`: the same deviations, computed independently from the bars.

    pip install -r requirements.txt
    python client.py                       # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Prints `ok` and the number of rows compared; the first difference is an exception.
"""

import math
import sys
from datetime import timedelta

import numpy as np
import psycopg

SESSIONS_PER_YEAR = 252
LOOK_BACK_DAYS = 1826


def main() -> int:
    """Every row of the table."""
    with psycopg.connect(autocommit=True) as connection:
        rows = connection.execute(
            "SELECT symbol, expiration, sessions, stddev, annualised, observations, fetched_at FROM returns_stddev ORDER BY 1, 2"
        ).fetchall()
        left = dict(
            ((symbol, expiration), sessions)
            for symbol, expiration, sessions in connection.execute("SELECT underlying, expiration, sessions_left FROM expirations")
        )
        bars = {}
        for symbol, day, close in connection.execute("SELECT symbol, date, close FROM eod WHERE close > 0 ORDER BY symbol, date"):
            bars.setdefault(symbol, []).append((day, close))
    if len(rows) < 50:
        raise AssertionError(f"only {len(rows)} rows to compare")
    compared = 0
    for symbol, expiration, sessions, stddev, annualised, observations, fetched_at in rows:
        what = f"{symbol} {expiration}"
        if left.get((symbol, expiration)) != sessions:
            raise AssertionError(f"{what}: {sessions} sessions, expirations has {left.get((symbol, expiration))}")
        first = fetched_at.date() - timedelta(days=LOOK_BACK_DAYS)
        closes = np.array([close for day, close in bars.get(symbol, []) if day >= first])
        logs = np.log(closes)
        returns = logs[sessions:] - logs[:-sessions]
        if len(returns) != observations:
            raise AssertionError(f"{what}: {observations} observations, numpy has {len(returns)}")
        if len(returns) < 2:
            wanted = (None, None)
        else:
            deviation = float(np.std(returns, ddof=1))
            wanted = (deviation, deviation * math.sqrt(SESSIONS_PER_YEAR / sessions))
        for name, got, want in zip(("stddev", "annualised"), (stddev, annualised), wanted, strict=True):
            if (got is None) != (want is None) or (want is not None and not math.isclose(got, want, rel_tol=1e-9)):
                raise AssertionError(f"{what}: {name} {got!r}, numpy has {want!r}")
        compared += 1
    print(f"ok rows={compared}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
