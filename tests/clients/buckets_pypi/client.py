"""Buckets and gaps beside the PyPI packages `exchange-calendars` and `pandas`.

    pip install -r requirements.txt
    python client.py                       # the server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE

Compares the bars of sessions (`trading_index`) and their dates (`minute_to_session`) of several exchanges around early
closes, holidays, midday breaks and changes of the clock; days and months of time zones; and filled gaps with pandas'
`resample`, `ffill` and `interpolate`. Prints `ok` and what was compared; the first difference is an exception.
"""

import math
import random
import sys
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd
import psycopg

EXCHANGES = ["XNYS", "XCBF", "CMES", "XLON", "XETR", "XPAR", "XTSE", "XTKS", "XHKG", "XASX"]
WIDTHS = [30, 60, 65, 130, 240]
# A change of the clock in spring and autumn, a day before a holiday, Christmas and New Year, the Japanese Golden Week.
WINDOWS = ["2026-03-05", "2026-03-26", "2026-04-28", "2026-10-22", "2026-11-24", "2025-12-22", "2024-07-01"]
WINDOW_DAYS = 10
ZONES = ["America/New_York", "America/Havana", "America/Sao_Paulo", "Europe/Rome", "Australia/Lord_Howe", "Asia/Kathmandu"]
SEED = 20261127


def sessions(connection: psycopg.Connection) -> int:
    """Each minute of each window, in bars of each width."""
    compared = 0
    for mic in EXCHANGES:
        calendar = exchange_calendars.get_calendar(mic, start="2024-01-01", end="2027-01-01", side="left")
        for first in WINDOWS:
            begins = pd.Timestamp(first, tz="UTC")
            ends = begins + pd.Timedelta(days=WINDOW_DAYS)
            minutes = pd.date_range(begins, ends, freq="15min", inclusive="left")
            widths = random.sample(WIDTHS, 2)
            rows = connection.execute(
                "SELECT t, session_date(t, %(mic)s), is_open(t, %(mic)s), "
                + ", ".join(f"time_bucket('{width} minutes', t, session => %(mic)s)" for width in widths)
                + ", time_bucket('1 day', t, session => %(mic)s)"
                + " FROM generate_series(%(from)s::timestamptz, %(to)s::timestamptz, '15 minutes') s(t) ORDER BY t",
                {"mic": mic, "from": minutes[0].to_pydatetime(), "to": minutes[-1].to_pydatetime()},
            ).fetchall()
            if len(rows) != len(minutes):
                raise AssertionError(f"{mic} {first}: {len(rows)} rows of {len(minutes)}")
            wanted = [bars(calendar, begins, ends, width) for width in widths]
            for minute, (at, date, is_open, *starts, opening) in zip(minutes, rows, strict=True):
                what = f"{mic} {minute}"
                if at != minute:
                    raise AssertionError(f"{what}: row of {at}")
                open_there = calendar.is_trading_minute(minute)
                if is_open != open_there:
                    raise AssertionError(f"{what}: is_open {is_open}")
                if open_there:
                    session = calendar.minute_to_session(minute, direction="none")
                    if date != session.date():
                        raise AssertionError(f"{what}: session_date {date}, exchange_calendars has {session.date()}")
                    if opening != calendar.session_open(session):
                        raise AssertionError(f"{what}: whole session {opening}")
                elif opening is not None:
                    raise AssertionError(f"{what}: whole session {opening} out of session")
                for width, start, of_width in zip(widths, starts, wanted, strict=True):
                    there = bar(of_width, minute) if open_there else None
                    if start != there:
                        raise AssertionError(f"{what}: {width} minutes {start}, exchange_calendars has {there}")
                compared += 1
    return compared


def bars(calendar, begins: pd.Timestamp, ends: pd.Timestamp, width: int) -> pd.IntervalIndex:
    """The bars of a calendar, cut at breaks and at the close."""
    first, last = calendar.date_to_session(begins.date(), "previous"), calendar.date_to_session(ends.date(), "next")
    # A bar that reaches over a break or the close is cut there.
    return calendar.trading_index(
        first, last, f"{width}min", closed="left", force=True, curtail_overlaps=True, ignore_breaks=False
    )


def bar(index: pd.IntervalIndex, minute: pd.Timestamp) -> pd.Timestamp | None:
    """The beginning of the bar of a minute."""
    place = index.left.searchsorted(minute, side="right") - 1
    return index.left[place] if place >= 0 and minute < index.right[place] else None


def zones(connection: psycopg.Connection) -> int:
    """Days and months of zones, whose first moment is that at which the clock first shows it."""
    compared = 0
    for zone in ZONES:
        clock = ZoneInfo(zone)
        rows = connection.execute(
            "SELECT t, time_bucket('1 day', t, %(zone)s), time_bucket('1 month', t, timezone => %(zone)s) "
            "FROM generate_series(timestamptz '2017-01-01 00:10+00', '2019-01-01 00:00+00', '30 minutes') s(t)",
            {"zone": zone},
        ).fetchall()
        for at, day, month in rows:
            local = at.astimezone(clock)
            first = local.date().replace(day=1)
            for name, got, date in (("day", day, local.date()), ("month", month, first)):
                # fold=0 is the first of two midnights, and the end of the gap where there is none.
                want = datetime.combine(date, time(0), tzinfo=clock).astimezone(UTC)
                if got != want:
                    raise AssertionError(f"{zone} {at}: {name} {got}, zoneinfo has {want}")
            compared += 1
    return compared


def gaps(connection: psycopg.Connection) -> int:
    """Filled gaps of random rows in groups."""
    compared = 0
    begins = pd.Timestamp("2026-11-27 00:00", tz="UTC")
    for width, rule in (("15 minutes", "15min"), ("1 hour", "1h"), ("7 minutes", "7min")):
        ends = begins + pd.Timedelta(hours=12)
        rows = []
        for group in "ABCDE":
            for _ in range(random.randint(1, 25)):
                at = begins + pd.Timedelta(seconds=random.randrange(12 * 3600))
                rows.append((group, at.to_pydatetime(), random.choice([None, round(random.uniform(1, 100), 3)])))
        values = ", ".join(
            f"('{group}', timestamptz '{at.isoformat()}', {'NULL' if x is None else x}::float8)" for group, at, x in rows
        )
        got = connection.execute(
            f"SELECT s, time_bucket_gapfill('{width}', t, origin => timestamptz '{begins}') AS b, avg(x), "
            "locf(avg(x), treat_null_as_missing => true), locf(count(*)), interpolate(avg(x)) "
            f"FROM (VALUES {values}) m(s, t, x) WHERE t >= %s AND t < %s GROUP BY s, b ORDER BY s, b",
            (begins.to_pydatetime(), ends.to_pydatetime()),
        ).fetchall()
        frame = pd.DataFrame(rows, columns=["s", "t", "x"])
        frame["t"] = pd.to_datetime(frame["t"], utc=True)
        frame["x"] = frame["x"].astype(float)
        index = pd.date_range(begins, ends, freq=rule, inclusive="left")
        want = []
        for group, part in frame.groupby("s", sort=True):
            bucket = begins + (part["t"] - begins).dt.floor(rule)
            mean = part["x"].groupby(bucket).mean().reindex(index)
            count = part["s"].groupby(bucket).count().reindex(index).ffill()
            line = mean.interpolate(method="time", limit_area="inside")
            for at in index:
                want.append((group, at, mean[at], mean.ffill()[at], count[at], line[at]))
        if len(got) != len(want):
            raise AssertionError(f"{width}: {len(got)} rows, pandas has {len(want)}")
        for one, other in zip(got, want, strict=True):
            same = one[:2] == other[:2] and all(equal(a, b) for a, b in zip(one[2:], other[2:], strict=True))
            if not same:
                raise AssertionError(f"{width}: {one}, pandas has {other}")
            compared += 1
    return compared


def equal(got: float | None, want: float) -> bool:
    """Whether a value is that of pandas, whose NaN is NULL."""
    if got is None or math.isnan(want):
        return got is None and math.isnan(want)
    return math.isclose(got, want, rel_tol=1e-12)


def session_gaps(connection: psycopg.Connection) -> int:
    """Gaps of sessions have the bars of the sessions and no others."""
    compared = 0
    for mic in EXCHANGES:
        calendar = exchange_calendars.get_calendar(mic, start="2024-01-01", end="2027-01-01", side="left")
        for first in WINDOWS:
            begins = pd.Timestamp(first, tz="UTC")
            ends = begins + pd.Timedelta(days=WINDOW_DAYS)
            rows = connection.execute(
                "SELECT b FROM (SELECT time_bucket_gapfill('65 minutes', t, session => %(mic)s) AS b "
                "FROM (VALUES (%(from)s::timestamptz)) m(t) WHERE t >= %(from)s AND t < %(to)s GROUP BY b) q "
                "WHERE b IS NOT NULL ORDER BY b",
                {"mic": mic, "from": begins.to_pydatetime(), "to": ends.to_pydatetime()},
            ).fetchall()
            index = bars(calendar, begins, ends, 65)
            want = [left for left, right in zip(index.left, index.right, strict=True) if right > begins and left < ends]
            if [row[0] for row in rows] != want:
                raise AssertionError(f"{mic} {first}: {rows}, exchange_calendars has {want}")
            compared += len(rows)
    return compared


def main() -> int:
    """All comparisons, with the same random numbers each time."""
    random.seed(SEED)
    with psycopg.connect(autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        figures = {f.__name__: f(connection) for f in (sessions, session_gaps, zones, gaps)}
    print("ok " + " ".join(f"{name}={figure}" for name, figure in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
