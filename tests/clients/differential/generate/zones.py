"""Moments in zones: the session's, those that are named, and the hours that are skipped or come twice."""

from .pick import Pick
from .statement import Statement, production

# A zone with the moments at which its clocks are set: local times that are skipped, and that come twice.
CLOCKS = {
    "America/New_York": (("2024-03-10", "02:30", "03:00"), ("2024-11-03", "01:30", "01:00")),
    "Europe/Berlin": (("2024-03-31", "02:30", "03:00"), ("2024-10-27", "02:30", "02:00")),
    "Australia/Lord_Howe": (("2024-10-06", "02:15", "02:30"), ("2024-04-07", "01:45", "01:30")),
    "America/Sao_Paulo": (("2018-11-04", "00:30", "00:00"), ("2018-02-17", "23:30", "23:00")),
    "Asia/Beirut": (("2022-03-27", "00:15", "00:00"), ("2022-10-29", "23:30", "23:59")),
    "Pacific/Apia": (("2011-12-30", "12:00", "00:00"), ("2012-04-01", "03:30", "03:00")),
    "America/Havana": (("2024-03-10", "00:30", "00:00"), ("2024-11-03", "00:30", "00:00")),
}  # fmt: skip
ZONES = tuple(CLOCKS)
# Names, abbreviations, offsets and rules, as people write zones.
ZONE_NAMES = (
    "America/New_York", "america/new_york", "EUROPE/BERLIN", "EST", "EDT", "PST", "CET", "CEST", "GMT", "utc", "UTC", "Z", "zulu", "MSK", "JST",
    "IST", "BST", "EST5EDT", "MST7MDT", "+03", "-08", "+05:30", "-4:30", "UTC+3", "UTC-5", "GMT+2",
    "<+03>-03", "EST5EDT,M3.2.0,M11.1.0", "Etc/GMT-3", "Asia/Calcutta", "US/Pacific", "Nosuch/Zone", "HST", "WET", "EET", "NZST", "AEST", "FOO",
    "posixrules", "America/Nosuch", "",
)  # fmt: skip


@production
def instants_in_session_zone(pick: Pick) -> Statement:
    """timestamptz beside timestamp and date is compared and cast by the session's zone."""
    found = {
        "tz": ("open_at", "close_at", "open_at", "timestamptz '2026-07-20 03:00Z'", "timestamptz '2026-11-20 14:30Z'",
            "timestamptz '2026-03-08 06:59:59Z'"),
        "ts": ("timestamp '2026-11-20 09:30'", "date + time '09:30'", "timestamp '2026-03-31 00:00'", "{tz}::timestamp",
            "date + interval '16 hours'"),
        "d": ("date", "date '2026-11-20'", "date '2026-03-10'", "{tz}::date"),
        "cmp": ("=", "<", ">=", ">", "<>"), "unit": ("hour", "day", "month", "week"), "field": ("hour", "day", "minute", "dow", "timezone", "epoch"),
        "item": (
            "{tz}::timestamp", "{tz}::date", "{tz}::time", "{tz} - {d}", "{tz} - {ts}", "{ts} - {tz}", "date_trunc('{unit}', {tz}) = {d}",
            "greatest({tz}, {d})", "coalesce({d}, {tz})", "least({ts}, {tz})", "age({tz}, {ts})", "age({tz}, {d})",
            "extract({field} FROM {tz}::timestamp)", "to_char({tz}, 'YYYY-MM-DD HH24:MI TZ OF')", "{ts}::timestamptz",
            "CAST({tz} AS timestamp)::text", "{tz} AT TIME ZONE 'UTC'", "{tz}::timestamp::date - {d}", "{d}::timestamptz",
            "date_trunc('{unit}', {tz}::timestamp)", "{tz} {cmp} {ts}", "{tz} {cmp} {d}", "{ts} {cmp} {tz}", "{tz} IN ({ts}, {d})",
            "extract({field} FROM {tz})", "{tz}::text", "CASE WHEN early_close THEN {tz} ELSE {ts} END", "nullif({tz}, {ts})",
        ),
        "where": ("{tz} {cmp} {ts}", "{tz} {cmp} {d}", "{d} {cmp} {tz}", "{tz} BETWEEN {d} AND {ts}", "{tz} IN ({ts})", "{tz}::timestamp {cmp} {ts}",
            "{tz} > {ts} AND {tz} < {ts}", "{tz} IS DISTINCT FROM {ts}", "{tz} = ANY (ARRAY[{ts}])"),
    }  # fmt: skip
    zone = pick.one(("America/New_York", "Asia/Tokyo", "Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Lord_Howe"))
    day = pick.one(("2026-11-20", "2026-11-27", "2026-03-09", "2026-07-20"))
    form = pick.one(
        (
            "SELECT {item} AS x FROM calendar WHERE date = '" + day + "'",
            "SELECT {item} AS x, {item} AS y FROM calendar WHERE date > '2026-11-23' AND date < '2026-12-01'",
            "SELECT count(*) FROM calendar WHERE {where}",
            "SELECT min({item}), max({item}) FROM calendar WHERE date < '2026-02-01' AND {where}",
            "SELECT count(*) FROM calendar c JOIN (SELECT date + time '09:30' AS t FROM eod WHERE symbol = 'SPY') e ON c.open_at {cmp} e.t",
        )
    )
    sql = pick.fill(form, found)
    if "JOIN" in sql:
        sql = sql.replace(" <> ", " = ").replace(" >= ", " = ").replace(" > ", " = ").replace(" < ", " = ")
    return Statement(sql, zone=zone)


@production
def skipped_and_repeated_hours(pick: Pick) -> Statement:
    """Local times that are not, and that come twice, in casts, sums and constants."""
    zone = pick.one(ZONES)
    day, clock, edge = pick.one(CLOCKS[zone])
    found = {
        "local": (f"{day} {clock}", f"{day} {edge}", f"{day} {clock}:15.5", f"{day} 00:00", f"{day}", f"{day} 03:15", f"{day} 01:59:59.999999",
            f"{day} 12:00"),
        "n": ("1 day", "-1 day", "1 hour", "24 hours", "1 month", "-1 month", "30 minutes", "1 year", "2 days 01:00", "1 day 02:30"),
        "unit": ("hour", "day", "minute", "week"),
        "form": (
            "timestamp '{local}'::timestamptz", "'{local}'::timestamptz", "timestamptz '{local}'", "timestamptz '{local}' + interval '{n}'",
            "timestamptz '{local}' - interval '{n}'", "date '" + day + "'::timestamptz", "(date '" + day + "' + time '" + clock + "')::timestamptz",
            "timestamp '{local}' AT TIME ZONE '" + zone + "'", "timestamptz '{local}' AT TIME ZONE 'UTC'",
            "date_trunc('{unit}', timestamptz '{local}')", "timestamptz '{local}' - timestamptz '" + day + " 00:00'",
            "extract(epoch FROM timestamptz '{local}')", "timestamptz '{local}' = timestamp '{local}'",
            "to_char(timestamptz '{local}', 'HH24:MI TZH:TZM')", "to_timestamp('{local}', 'YYYY-MM-DD HH24:MI')",
            "generate_series(timestamptz '{local}', timestamptz '{local}' + interval '3 hours', '1 hour')",
            "timestamptz '{local}' + interval '{n}' - interval '{n}'", "make_timestamptz(2024, 3, 10, 2, 30, 0)", "timestamptz '{local}'::timestamp",
            "(timestamptz '{local}')::date", "timestamptz '{local}' > date '" + day + "'", "(timestamp '{local}' + interval '{n}')::timestamptz",
            "age(timestamptz '{local}', timestamptz '2018-01-01')",
        ),
    }  # fmt: skip
    item = pick.fill("{form}", found)
    if pick.chance(0.35):
        lines = ", ".join(f"(timestamp '{pick.fill('{local}', found)}')" for _ in range(pick.number(1, 4)))
        return Statement(
            f"SELECT t, {pick.one(['t::timestamptz', 't::timestamptz + interval', 'extract(epoch FROM t::timestamptz)', 't::date::timestamptz'])} FROM (VALUES {lines}) v(t)".replace(
                "+ interval", f"+ interval '{pick.fill('{n}', found)}'"
            ),
            zone=zone,
        )
    return Statement(f"SELECT {item} AS x", zone=zone)


@production
def date_trunc_in_zone(pick: Pick) -> Statement:
    """The form of date_trunc with a zone, around the hours that come twice."""
    zone = pick.one((*ZONES, "US/Pacific", "Asia/Kathmandu"))
    day, clock, _ = pick.one(CLOCKS.get(zone, CLOCKS["America/New_York"]))
    unit = pick.one(("second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century", "milliseconds"))
    offset = pick.one(("-07", "-08", "+00", "-04", "-05", "+01", "+02", "+10:30", "+11", "-02", "-03"))
    rows = ", ".join(
        f"(timestamptz '{day} {pick.number(0, 23):02}:{pick.number(0, 59):02}:{pick.number(0, 59):02}{offset}')" for _ in range(pick.number(1, 3))
    )
    forms = (
        f"SELECT date_trunc('{unit}', timestamptz '{day} {clock}{offset}', '{zone}')",
        f"SELECT t, date_trunc('{unit}', t, '{zone}') FROM (VALUES {rows}) v(t)",
        f"SELECT extract(epoch FROM date_trunc('{unit}', t, '{zone}'))::bigint FROM (VALUES {rows}) v(t)",
        f"SELECT date_trunc('{unit}', t) FROM (VALUES {rows}) v(t)",
        f"SELECT date_trunc('{unit}', open_at, '{zone}'), count(*) FROM calendar WHERE date > '2026-10-20' AND date < '2026-11-10' GROUP BY 1",
        f"SELECT date_trunc('{unit}', t AT TIME ZONE '{zone}') FROM (VALUES {rows}) v(t)",
    )  # fmt: skip
    return Statement(pick.one(forms), zone=pick.one(("UTC", zone)))


@production
def zone_names(pick: Pick) -> Statement:
    """AT TIME ZONE and constants with names, abbreviations, offsets and rules."""
    name = pick.one(ZONE_NAMES)
    moment = pick.one(("2024-07-01 12:00", "2024-01-15 23:30:15", "2026-11-01 05:30", "1999-12-31 12:00", "2024-03-31 01:30"))
    forms = (
        f"timestamptz '{moment}Z' AT TIME ZONE '{name}'", f"timestamp '{moment}' AT TIME ZONE '{name}'", f"timestamptz '{moment} {name}'",
        f"'{moment} {name}'::timestamptz", f"timezone('{name}', timestamptz '{moment}Z')",
        f"timestamptz '{moment}Z' AT TIME ZONE INTERVAL '{pick.one(('+05:30', '-08:00', '3 hours', '-1 day', '01:00'))}'",
        f"timestamp '{moment} {name}'", f"date_trunc('day', timestamptz '{moment}Z', '{name}')",
        f"(timestamptz '{moment}Z' AT TIME ZONE '{name}')::date", f"to_char(timestamptz '{moment}Z' AT TIME ZONE '{name}', 'HH24:MI')",
        f"timestamptz '{moment}{pick.one(('+3', '-0530', '+05:30', '+14', '-15:59', '+0', ' +02'))}'", f"time '12:00' AT TIME ZONE '{name}'",
    )  # fmt: skip
    sql = f"SELECT {pick.one(forms)} AS x"
    if pick.chance(0.2):
        sql = f"SELECT date, open_at AT TIME ZONE '{name}' FROM calendar WHERE date IN ('2026-11-20', '2026-07-20')"
    return Statement(sql)


@production
def zone_settings(pick: Pick) -> Statement:
    """SET timezone with names, offsets and rules, and what it does to moments."""
    given = pick.one(
        (
            *(f"'{name}'" for name in ZONE_NAMES if name),
            "5.5",
            "-4.5",
            "8",
            "-8",
            "INTERVAL '+05:30' HOUR TO MINUTE",
            "'-08:00'",
            "'+05:30'",
            "'GMT-05:30'",
            "'5'",
            "LOCAL",
            "DEFAULT",
            "'UTC+3'",
            "'-3:30'",
            "0",
            "13",
            "200",
        )
    )
    word = (
        pick.one(("SET timezone = ", "SET TIME ZONE ", "SET TimeZone TO ", "SET LOCAL timezone TO "))
        if "INTERVAL" not in given and given not in ("LOCAL",)
        else "SET TIME ZONE "
    )
    moment = pick.one(("2024-07-01T18:00Z", "2024-01-15 12:00Z", "2026-11-01 05:30Z"))
    asked = pick.one(
        (
            f"SELECT '{moment}'::timestamptz",
            "SELECT timestamp '2024-07-01 12:00'::timestamptz AT TIME ZONE 'UTC'",
            f"SELECT extract(timezone FROM timestamptz '{moment}')",
            f"SELECT to_char(timestamptz '{moment}', 'HH24:MI OF')",
            f"SELECT timestamptz '{moment}'::date, timestamptz '{moment}'::time",
            "SELECT current_setting('timezone')",
            "SHOW timezone",
            "SELECT date '2024-07-01'::timestamptz",
        )
    )
    return Statement(asked, setup=(f"{word}{given}",))


@production
def special_moments(pick: Pick) -> Statement:
    """infinity, BC, far years, epoch and midnight at the end of a day."""
    found = {
        "d": ("infinity", "-infinity", "0044-03-15 BC", "0001-01-01", "10000-01-01", "5874897-12-31", "epoch", "9999-12-31", "4713-01-01 BC",
            "2024-02-29"),
        "t": ("infinity", "-infinity", "epoch", "10000-01-01 00:00", "0044-03-15 12:00 BC", "2024-01-01 24:00:00", "2024-01-01 allballs",
            "294276-12-31 23:59:59", "2024-06-30 23:59:60", "2024-01-01 12:00"),
        "kind": ("timestamp", "timestamptz"), "time": ("24:00", "allballs", "24:00:00", "23:59:60", "00:00", "24:00:00.000001", "23:59:59.9999999"),
        "cmp": ("<", ">", "=", "<="), "n": ("1 day", "-1 month", "1 year", "2 hours"),
        "field": ("year", "month", "day", "century", "epoch", "decade", "millennium", "isoyear", "hour", "dow", "julian"),
        "unit": ("year", "month", "century", "millennium", "day"),
        "form": (
            "date '{d}'", "{kind} '{t}'", "time '{time}'", "isfinite(date '{d}')", "isfinite({kind} '{t}')", "date '{d}' {cmp} date '{d}'",
            "{kind} '{t}' {cmp} {kind} '{t}'", "{kind} '{t}' + interval '{n}'", "date '{d}' + 1", "date '{d}' - date '{d}'",
            "extract({field} FROM date '{d}')", "extract({field} FROM {kind} '{t}')", "date '{d}'::timestamp", "{kind} '{t}'::date",
            "to_char(date '{d}', 'YYYY-MM-DD BC')", "greatest(date '{d}', date '2024-01-01')", "date_trunc('{unit}', {kind} '{t}')",
            "date '{d}'::text || 'x'", "ARRAY[date '{d}', '{d}']", "{kind} '{t}' - {kind} '{t}'", "age({kind} '{t}', {kind} '2000-01-01')",
            "time '{time}' - time '12:00'", "(date '{d}', 1) < ('{d}', 2)", "make_date({y}, 3, 15)", "date '{d}' BETWEEN '-infinity' AND 'infinity'",
            "'today'::date = current_date", "'tomorrow'::date - 'yesterday'::date", "timestamptz 'now' <= clock_timestamp()", "'{d}'::date IS NULL",
            "justify_days(interval '{n}')", "isfinite(interval '{n}')", "extract(epoch FROM interval '{n}')",
        ),
        "y": ("-44", "0", "1", "9999", "10000", "2024", "-4713", "294277"),
        "where": ("date BETWEEN '-infinity' AND 'infinity'", "date < 'infinity'", "date > '-infinity'", "date >= '{d}'", "fetched_at < 'infinity'",
            "date <> '{d}'"),
    }  # fmt: skip
    if pick.chance(0.15):
        return Statement(pick.fill("SELECT count(*) FROM eod WHERE {where} AND symbol = 'SPY'", found))
    if pick.chance(0.2):
        return Statement(
            pick.fill("SELECT min(d), max(d), count(*) FROM (VALUES (date '{d}'), ('{d}'), ('2024-01-01')) t(d) WHERE d {cmp} 'infinity'", found)
        )
    return Statement(pick.fill("SELECT {form} AS x", found), zone=pick.one(("UTC", "UTC", "America/New_York")))


@production
def to_timestamp_of_constants(pick: Pick) -> Statement:
    """to_timestamp and to_date of constants and columns, with whole and partial patterns, in a zone."""
    pairs = (
        ("2024-07-05 14:05", "YYYY-MM-DD HH24:MI"), ("2024-03-05 14", "YYYY-MM-DD HH24"), ("2024-03-05 02 PM", "YYYY-MM-DD HH12 AM"),
        ("05 Mar 2024", "DD Mon YYYY"), ("March 5, 2024", "Month DD, YYYY"), ("20240305", "YYYYMMDD"), ("20240305140507", "YYYYMMDDHH24MISS"),
        ("2024-065", "YYYY-DDD"), ("24-03-05", "YY-MM-DD"),
        ("2024-W10-2", 'IYYY-"W"IW-ID'), ("2460375", "J"), ("2024 1", "YYYY Q"), ("14:05:07.123", "HH24:MI:SS.MS"),
        ("2024-03-05 14:05:07.5", "YYYY-MM-DD HH24:MI:SS.US"), ("2024-03-05 14:05:07.12", "YYYY-MM-DD HH24:MI:SS.MS"), ("5/3/2024", "DD/MM/YYYY"),
        ("2024", "YYYY"), ("2024-03", "YYYY-MM"), ("12:30 am", "HH:MI am"), ("2024-13-01", "YYYY-MM-DD"),
        ("2024-02-30", "YYYY-MM-DD"), ("abc", "YYYY-MM-DD"), ("2024-03-05 14:05:07 +02", "YYYY-MM-DD HH24:MI:SS TZH"), ("mar 5 2024", "mon dd yyyy"),
        ("0044-03-15 BC", "YYYY-MM-DD BC"), ("2024-3-5", "YYYY-MM-DD"), ("  2024-03-05", "YYYY-MM-DD"), ("2024/03/05", "YYYY-MM-DD"),
        ("2024-03-05", "FXYYYY-MM-DD"), ("51807", "SSSS"), ("2024-11-03 01:30", "YYYY-MM-DD HH24:MI"), ("99", "YY"),
        ("5th of March 2024", "DDth of Month YYYY"), ("2024-03-10 02:30", "YYYY-MM-DD HH24:MI"),
    )  # fmt: skip
    text, pattern = pick.one(pairs)
    if pick.chance(0.15):
        pattern = pick.one(pairs)[1]
    call = pick.one(("to_timestamp", "to_timestamp", "to_date"))
    zone = pick.one(("UTC", "America/New_York", "Asia/Tokyo", "Europe/Berlin"))
    forms = (
        f"SELECT {call}('{text}', '{pattern}') AS x",
        f"SELECT {call}(s, '{pattern}') AS x FROM (VALUES ('{text}'), (NULL)) t(s)",
        f"SELECT {call}('{text}', p) AS x FROM (VALUES ('{pattern}')) t(p)",
        f"SELECT {call}('{text}', '{pattern}')::text",
        f"SELECT extract(epoch FROM {call}('{text}', '{pattern}'))",
        f"SELECT {call}('{text}', '{pattern}')::timestamp",
    )
    return Statement(pick.one(forms), zone=zone)
