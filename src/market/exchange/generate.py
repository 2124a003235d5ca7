#!/usr/bin/env python3
"""Writes the sessions of exchanges, as facts, from the Python package exchange_calendars (Apache License 2.0):

    pip install exchange_calendars
    src/market/exchange/generate.py > src/market/exchange/sessions.txt

One block for each exchange. Its first line names it, its time zone and its first and last date; a line `hours DATE
OPEN-CLOSE [BREAK-BREAK]` gives the regular hours from a date on, by the clock of the exchange, where `<` before an hour
is the day before. Then a line for each year: the weekdays without a session as MMDD, weekend days with one as +MMDD, and
sessions with other hours as MMDD=OPEN-CLOSE.
"""

import datetime
import warnings

import exchange_calendars

warnings.filterwarnings("ignore")

EXCHANGES = {
    "XNYS": "New York Stock Exchange and the other exchanges of US equities",
    "XCBF": "Cboe Futures Exchange",
    "XCME": "Chicago Mercantile Exchange",
    "XLON": "London Stock Exchange",
    "XETR": "Xetra, Frankfurt",
    "XPAR": "Euronext Paris",
    "XTSE": "Toronto Stock Exchange",
    "XTKS": "Tokyo Stock Exchange",
    "XHKG": "Stock Exchange of Hong Kong",
    "XASX": "Australian Securities Exchange, Sydney",
}
# Names of theirs that are others.
THEIRS = {"XCME": "CMES"}
FIRST, LAST = datetime.date(1990, 1, 1), datetime.date(2030, 12, 31)


def clock(instant, date, zone):
    local = instant.tz_convert(zone)
    assert local.second == 0
    before = {0: "", -1: "<"}[(local.date() - date).days]
    return before + local.strftime("%H:%M")


def main():
    for mic, name in EXCHANGES.items():
        theirs = THEIRS.get(mic, mic)
        factory = exchange_calendars.calendar_utils._default_calendar_factories[theirs]
        bound = factory.bound_min()
        first = max(FIRST, bound.date()) if bound is not None else FIRST
        calendar = exchange_calendars.get_calendar(theirs, start=first.isoformat(), end=LAST.isoformat())
        print(f"{mic} {calendar.tz.key} {first} {LAST} {name}")
        hours, regular = {}, []
        for session in calendar.schedule.itertuples():
            date = session.Index.date()
            text = f"{clock(session.open, date, calendar.tz)}-{clock(session.close, date, calendar.tz)}"
            if session.break_start == session.break_start:
                text += f"/{clock(session.break_start, date, calendar.tz)}-{clock(session.break_end, date, calendar.tz)}"
            hours[date] = text
        # The regular hours of a date are those of most sessions around it.
        dates = sorted(hours)
        for place, date in enumerate(dates):
            around = [hours[other] for other in dates[max(0, place - 15) : place + 16]]
            usual = max(set(around), key=around.count)
            if (not regular or usual != regular[-1][1]) and hours[date] == usual:
                ahead = [hours[other] for other in dates[place : place + 30]]
                if ahead.count(usual) > 20:
                    regular.append((date, usual))
        for date, usual in regular:
            print(f"hours {date if date != dates[0] else first} {usual}")
        for year in range(first.year, LAST.year + 1):
            parts = []
            date = max(first, datetime.date(year, 1, 1))
            while date.year == year:
                usual = [text for begin, text in regular if begin <= max(date, dates[0])][-1]
                weekend = date.weekday() >= 5
                if date not in hours and not weekend:
                    parts.append(date.strftime("%m%d"))
                elif date in hours:
                    if weekend:
                        parts.append(date.strftime("+%m%d"))
                    if hours[date] != usual:
                        parts.append(f"{date.strftime('%m%d')}={hours[date]}")
                date += datetime.timedelta(days=1)
            print(year, *parts)


if __name__ == "__main__":
    main()
