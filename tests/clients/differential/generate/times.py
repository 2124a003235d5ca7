"""Dates, clocks, lengths of time, and their texts."""

from .literals import literal
from .pick import Pick
from .queries import keyed
from .sources import source, values
from .statement import Statement, production


@production
def parts_of_times(pick: Pick) -> str:
    """extract and date_part keep fractions, and divide as numeric and double."""
    kind = pick.one(("timestamp", "timestamptz", "time", "interval", "date"))
    rows = source(pick, kind)
    fields = (
        ("second", "milliseconds", "microseconds", "minute", "hour", "epoch")
        if kind in ("time",)
        else (
            "second",
            "milliseconds",
            "microseconds",
            "minute",
            "hour",
            "day",
            "month",
            "year",
            "epoch",
            "quarter",
            "decade",
            "century",
            "millennium",
        )
    )
    if kind in ("timestamp", "timestamptz", "date"):
        fields = (
            (*fields, "dow", "doy", "week", "isodow", "isoyear", "julian", "timezone")
            if kind != "date"
            else ("day", "month", "year", "epoch", "dow", "doy", "week", "isodow", "isoyear", "quarter", "julian", "decade", "hour", "century")
        )
    found = {
        "f": fields, "x": (*rows.of(kind), literal(pick, kind, 0.05)), "n": ("2", "7", "12", "60", "10"),
        "form": ("extract({f} FROM {x})", "date_part('{f}', {x})", "extract({f} FROM {x}) / {n}", "date_part('{f}', {x}) / {n}",
            "extract({f} FROM {x}) + extract({f} FROM {x}) / {n}", "extract({f} FROM {x})::int", "round(extract({f} FROM {x}), 1)",
            "extract('{f}' FROM {x})", "extract({f} FROM {x}) % {n}", "pg_typeof(extract({f} FROM {x}))", "extract({f} FROM {x}) = {n}",
            "(extract({f} FROM {x}) * 1000)::bigint"),
    }  # fmt: skip
    items = [pick.fill("{form}", found) for _ in range(pick.number(1, 3))]
    if pick.chance(0.2):
        return f"SELECT sum({pick.fill('extract({f} FROM {x})', found)}), avg({pick.fill('extract({f} FROM {x})', found)}) FROM {rows.item} WHERE {rows.where}"
    return keyed(pick, items, rows)


@production
def difference_of_timestamps(pick: Pick) -> str:
    """The difference of two moments is days and a clock."""
    kind = pick.one(("timestamp", "timestamptz"))
    rows = values(pick, {"a": kind, "b": kind}, edge=0)
    found = {
        "diff": ("(t.a - t.b)", "(t.b - t.a)", "(t.a - {lit})", "({lit} - {lit})", "(t.a - date '2024-01-01')"),
        "lit": tuple(literal(pick, kind, 0, bare=False) for _ in range(3)), "field": ("day", "hour", "minute", "second", "epoch", "month"),
        "form": (
            "{diff}", "extract({field} FROM {diff})", "to_char({diff}, 'DD HH24:MI:SS')", "{diff}::text", "date_trunc('hour', {diff})",
            "date_trunc('day', {diff})", "{diff} > interval '1 day'", "{diff} = interval '24 hours'", "justify_hours({diff})", "{diff} / 2",
            "{diff} * 3", "{diff} + interval '1 month'", "-{diff}", "age(t.a, t.b)", "age(t.a)  IS NULL", "extract(epoch FROM {diff}) / 86400",
            "{diff} + {diff}", "justify_interval({diff})", "{lit} + {diff}", "date_part('{field}', {diff})", "greatest({diff}, interval '1 day')",
            "extract({field} FROM age(t.a, t.b))", "{diff} BETWEEN '-1 year' AND '1 year'",
        ),
    }  # fmt: skip
    if pick.chance(0.2):
        return f"SELECT {pick.one(['sum', 'min', 'max', 'avg', 'count'])}({pick.fill('{diff}', found)}) FROM {rows.item}"
    if pick.chance(0.15):
        return pick.fill(
            "SELECT date, close_at - open_at, {e} FROM calendar WHERE date > '2026-11-20' AND date < '2026-12-05'",
            {
                "e": (
                    "open_at - lag(open_at) OVER (ORDER BY date)",
                    "extract(hour FROM close_at - open_at)",
                    "(close_at - open_at) * 2",
                    "open_at - date",
                    "close_at::time - open_at::time",
                    "max(close_at - open_at) OVER ()",
                )
            },
        )
    return keyed(pick, [pick.fill("{form}", found)], rows)


@production
def order_of_intervals(pick: Pick) -> Statement | str:
    """Intervals are ordered, grouped and joined by their length: a month is 30 days, a day 24 hours."""
    names = (
        "1 day",
        "24 hours",
        "25 hours",
        "23 hours",
        "1 month",
        "30 days",
        "720 hours",
        "29 days 24:00",
        "31 days",
        "-1 day",
        "-24 hours",
        "1 mon -30 days",
        "0",
        "00:00:00",
        "1 year",
        "12 months",
        "360 days",
        "365 days",
        "00:00:01.5",
        "1.5 seconds",
    )
    cells = [f"interval '{pick.one(names)}'"]
    while len(cells) < 3 or pick.chance(0.6):
        cells.append(pick.one((f"interval '{pick.one(names)}'", f"'{pick.one(names)}'", "NULL")))
    rows = ", ".join(f"({number}, {cell})" for number, cell in enumerate(cells, 1))
    item = f"(VALUES {rows}) t(k, i)"
    a, b = f"interval '{pick.one(names)}'", f"interval '{pick.one(names)}'"
    forms = (
        (f"SELECT k, i FROM {item} ORDER BY i, k", True), (f"SELECT k FROM {item} ORDER BY i DESC, k", True),
        (f"SELECT extract(epoch FROM min(i)), extract(epoch FROM max(i)) FROM {item}", False), (f"SELECT count(DISTINCT i) FROM {item}", False),
        (f"SELECT extract(epoch FROM i), count(*) FROM {item} GROUP BY i", False), (f"SELECT count(*) FROM (SELECT DISTINCT i FROM {item}) q", False),
        (f"SELECT k, rank() OVER (ORDER BY i), dense_rank() OVER (ORDER BY i DESC) FROM {item}", False),
        (f"SELECT x.k, y.k FROM {item.replace(' t(', ' x(')} JOIN {item.replace(' t(', ' y(')} ON x.i = y.i", False),
        (f"SELECT {a} = {b}, {a} < {b}, {a} > {b}", False),
        (f"SELECT extract(epoch FROM greatest({a}, {b})), extract(epoch FROM least({a}, {b}))", False),
        (f"SELECT nullif({a}, {b}) IS NULL", False), (f"SELECT {a} IN ({b}, interval '24 hours')", False),
        (f"SELECT {a} IS DISTINCT FROM {b}, {a} BETWEEN {b} AND '1 month'", False), (f"SELECT sum(k) OVER (PARTITION BY i) FROM {item}", False),
        (f"SELECT count(*) FROM (SELECT i FROM {item} UNION SELECT {a}) q", False), (f"SELECT {a} + {b}, {a} - {b}", False),
        (f"SELECT count(*) FROM {item} WHERE i = {a} OR i > {b}", False),
        (f"SELECT k, sum(k) OVER (ORDER BY i RANGE UNBOUNDED PRECEDING) FROM {item}", False), (f"SELECT sum(i), avg(i) FROM {item}", False),
        (f"SELECT array_agg(k ORDER BY i, k) FROM {item}", False), (f"SELECT max(i) > {a} FROM {item}", False),
    )  # fmt: skip
    sql, ordered = pick.one(forms)
    return Statement(sql, ordered=ordered)


@production
def interval_arithmetic(pick: Pick) -> str:
    """Constants, factors and makers of intervals, and how they are shown."""
    found = {
        "i": (
            "interval '1 day 02:03:04.5'", "interval '1 year 2 mons -3 days'", "interval 'P1Y2M3DT4H5M6S'", "interval '1-2'", "interval '3 4:05:06'",
            "interval '-1 month +2 days'", "interval '1.5 days'", "interval '0.5 month'", "interval '2.25 years'", "interval '100' second",
            "interval '1' month", "interval '1 day ago'", "interval '@ 1 minute'", "interval '36:00'", "interval '1 week 0.5 hours'",
            "interval '1 2:03' DAY TO MINUTE", "interval '1 decade 1 century'", "interval '1 ms 5 us'", "make_interval(1, 2, 3, 4, 5, 6, 7.5)",
            "make_interval(days => 10)", "make_interval(hours => {n}, mins => 90)", "interval '1.123456789 s'", "'90 min'::interval",
            "interval '-00:00:01.5'", "interval '5 days'::interval(0)", "interval(2) '1.236 seconds'",
        ),
        "n": ("2", "3", "-1", "0.5", "1.5", "0", "7", "0.1"),
        "f": ("epoch", "month", "day", "hour", "second", "milliseconds", "microseconds", "year", "quarter", "decade", "minute", "century"),
        "u": ("hour", "day", "month", "year", "second", "week", "decade"),
        "form": (
            "{i}", "{i} * {n}", "{i} / 3", "{i} + {i}", "-{i}", "justify_days({i})", "justify_hours({i})", "justify_interval({i})",
            "extract({f} FROM {i})", "to_char({i}, 'YYYY MM DD HH24:MI:SS')", "date_trunc('{u}', {i})", "date '2024-01-31' + {i}",
            "timestamp '2024-02-29 12:00' - {i}", "{i}::text", "{i} = {i}", "{i}::time", "timestamptz '2024-01-31 00:00Z' + {i}",
            "extract(epoch FROM {i}) / {n}", "{i}::interval(1)",
            "{n} * {i}", "isfinite({i})", "time '10:00' + {i}", "date_part('{f}', {i})", "abs(extract(epoch FROM {i}))",
            "age(timestamp '2024-03-31', timestamp '2024-02-29' - {i})",
        ),
    }  # fmt: skip
    return "SELECT " + ", ".join(pick.fill("{form}", found).replace("/ 0", "/ 2") for _ in range(pick.number(1, 2)))


@production
def precision_of_times(pick: Pick) -> str:
    """A precision rounds; more than six digits round; clocks have short forms."""
    second = pick.one(("08.6", "59.9999995", "09.1234567", "15.126", "00.5", "30.4999", "59.999999", "01.0000005", "45"))
    n = pick.one(("0", "1", "2", "3", "4", "6"))
    found = {
        "ts": (f"2024-05-06 07:08:{second}", f"2024-12-31 23:59:{second}", f"2024-02-29T00:00:{second}"),
        "t": (f"09:30:{second}", f"23:59:{second}", "0930", "093015", "9:30 PM", "12:00 am", "12:15 pm", "09:30:15.126+02", "T10:00", "1:2:3"),
        "n": (n,),
        "form": (
            "'{ts}'::timestamp({n})", "timestamp({n}) '{ts}'", "timestamptz({n}) '{ts}'", "'{ts}'::timestamptz({n})", "'{t}'::time({n})",
            "time({n}) '{t}'", "'{ts}'::timestamp", "'{t}'::time", "timestamp '{ts}'::timestamp({n})::time({n})",
            "CAST(timestamp '{ts}' AS time({n}))", "timestamp '{ts}' + interval '0.0000004 s'", "'{ts}'::timestamptz",
            "date_trunc('second', timestamp '{ts}')",
            "extract(second FROM '{ts}'::timestamp({n}))", "CAST('{ts}' AS timestamp({n}) with time zone)",
            "CAST('{ts}' AS timestamp({n}) without time zone)", "to_char(timestamp '{ts}', 'SS.MS US')", "'{t}'::time = '{t}'::time({n})",
            "'{ts}'::date", "(timestamp '{ts}')::timestamp(0) = timestamp '{ts}'",
        ),
    }  # fmt: skip
    if pick.chance(0.25):
        return pick.fill(
            "SELECT v::timestamp({n}), v::time({n}), v::timestamp({n})::text FROM (VALUES (timestamp '{ts}'), ('{ts}'), (NULL)) t(v)", found
        )
    return f"SELECT {pick.fill('{form}', found)} AS x"


@production
def to_timestamp_of_numbers(pick: Pick) -> Statement:
    """to_timestamp of seconds: to the nearest microsecond, with its bounds."""
    number = pick.one(
        (
            "0",
            "1710511506.25",
            "1710511506.789",
            "1710511506.999999",
            "-1.5",
            "1e9",
            "253402300799",
            "1e20",
            "-1e20",
            "0.000001",
            "0.0000005",
            "1e-7",
            "1732233600",
            str(pick.number(0, 2_000_000_000)),
            f"{pick.number(0, 2_000_000_000)}.{pick.number(0, 999_999):06}",
            f"{pick.number(-(10**9), 10**9)}.{pick.number(0, 999):03}",
        )
    )
    forms = (
        f"to_timestamp({number})",
        f"to_timestamp('{number}'::float8)",
        f"to_timestamp({number}::numeric)",
        f"extract(epoch FROM to_timestamp({number}))",
        f"to_timestamp({number})::date",
        f"to_char(to_timestamp({number}), 'YYYY-MM-DD HH24:MI:SS.US')",
        f"to_timestamp({number}) - to_timestamp(0)",
        "to_timestamp('NaN'::float8)",
        "to_timestamp('infinity'::float8)",
        "to_timestamp('-infinity')",
        f"date_trunc('second', to_timestamp({number}))",
        f"to_timestamp({number}) AT TIME ZONE 'Europe/Berlin'",
    )
    if pick.chance(0.2):
        return Statement(f"SELECT to_timestamp(x), to_timestamp(x / 1000) FROM (VALUES ({number}::float8), (1.25), (NULL)) t(x)")
    return Statement(f"SELECT {pick.one(forms)} AS x", zone=pick.one(("UTC", "America/New_York")))


@production
def to_char_of_times(pick: Pick) -> str:
    """to_char of dates, moments and intervals."""
    parts = (
        "YYYY",
        "YY",
        "Y,YYY",
        "MM",
        "Mon",
        "MONTH",
        "FMMonth",
        "month",
        "DD",
        "FMDD",
        "DDD",
        "DDth",
        "Day",
        "FMDay",
        "dy",
        "D",
        "ID",
        "IW",
        "IYYY",
        "WW",
        "W",
        "Q",
        "J",
        "CC",
        "HH24",
        "HH12",
        "HH",
        "MI",
        "SS",
        "MS",
        "US",
        "AM",
        "p.m.",
        "TZ",
        "OF",
        "TZH",
        "SSSS",
        "RM",
        "rm",
        "BC",
        '"text"',
        "FF3",
        "FMHH24",
        "Dth",
        "FMMM",
        "TM",
        "TMMonth",
    )
    pattern = pick.one((" ", "-", ":", "/", "")).join(pick.some(parts, 1, 4))
    kind = pick.one(("timestamp", "timestamptz", "date", "interval", "time"))
    rows = source(pick, kind) if kind != "time" else values(pick, {"c": "time"})
    return keyed(pick, [f"to_char({pick.one((*rows.of(kind), literal(pick, kind, 0.1)))}, '{pattern}') AS x"], rows)


@production
def series_in_from(pick: Pick) -> Statement:
    """generate_series over numbers, dates and moments, with steps of every spelling."""
    number = ("1", "5", "0", "-2", "10", "NULL", "3::bigint", "1.5", "4.0")
    moment = (
        "timestamp '2024-01-31'",
        "timestamp '2024-03-31 12:00'",
        "'2024-01-01'::date",
        "date '2024-01-05'",
        "'2024-02-01 09:30'::timestamp",
        "timestamptz '2024-01-01 00:00Z'",
        "'2024-01-03'",
        "timestamp '2023-12-25 10:00'",
    )
    step = (
        "'1 month'",
        "interval '1 day'",
        "'1 week'",
        "interval '12 hours'",
        "'1 day'::interval",
        "'-1 day'",
        "interval '-1 month'",
        "'0 days'",
        "interval '1 month 1 day'",
        "'36 hours'",
    )
    found = {
        "n": number, "m": moment, "s": step, "step": ("1", "2", "-1", "3", "0", "0.5"),
        "call": ("generate_series({n}, {n})", "generate_series({n}, {n}, {step})", "generate_series({m}, {m}, {s})",
            "generate_series({m}, {m}, {s})"),
        "form": (
            "SELECT g FROM {call} g", "SELECT g::date FROM {call} g", "SELECT * FROM {call} AS t(x)",
            "SELECT count(*), min(x), max(x) FROM {call} t(x)", "SELECT x, n FROM {call} WITH ORDINALITY t(x, n)", "SELECT {call}",
            "SELECT {call}::text", "SELECT o.a, g FROM (VALUES (1), (3)) o(a), generate_series(1, o.a) g",
            "SELECT pg_typeof(g) FROM {call} g LIMIT 1", "SELECT g FROM {call} g WHERE g IS NOT NULL",
            "SELECT date, g FROM dividends, generate_series(date, date + 2, {s}) g WHERE symbol = 'KO' AND date > '2026-01-01'",
            "SELECT ARRAY(SELECT {call})", "SELECT 1, {call}, generate_series(1, 2)",
            "SELECT c.date FROM {call} g JOIN calendar c ON c.date = g::date", "SELECT extract(month FROM g) FROM {call} g",
            "SELECT g + interval '1 hour' FROM generate_series({m}, {m}, {s}) g", "SELECT g - 1 FROM generate_series({n}, {n}) g",
        ),
    }  # fmt: skip
    sql = pick.fill("{form}", found)
    # A series of hours over months stays small; one over centuries would not.
    return Statement(sql, zone=pick.one(("UTC", "UTC", "America/New_York")))


@production
def date_bins(pick: Pick) -> Statement:
    """date_bin with its strides and origins, and what it refuses."""
    found = {
        "stride": ("'15 minutes'", "'1 day'", "interval '2 hours'", "'-1 days'", "'1 month'", "'0 s'", "'1 week'", "'00:00:07.5'", "t.i", "'1 year'"),
        "ts": ("timestamp '2024-02-15 13:47:12.5'", "t.a", "t.b", "timestamptz '2024-02-15 13:47Z'", "date '2024-02-15'"),
        "origin": ("timestamp '2024-01-01'", "timestamp '2024-03-01 00:05'", "'2000-01-01'", "timestamptz '2024-01-01 00:00Z'", "t.b"),
        "rows": (values(pick, {"a": "timestamp", "b": "timestamp", "i": "interval"}, edge=0).item,),
    }  # fmt: skip
    return Statement(pick.fill("SELECT t.k, date_bin({stride}, {ts}, {origin}) AS x FROM {rows}", found), zone=pick.one(("UTC", "America/New_York")))
