"""Functions of times, numbers and the system that no other production is about."""

from .literals import literal
from .pick import Pick
from .statement import Statement, production


@production
def functions_of_times(pick: Pick) -> Statement:
    """Makers, adjusters and tests of dates, moments and intervals."""
    found = {
        "date": tuple(literal(pick, "date", 0.05) for _ in range(3)), "ts": tuple(literal(pick, "timestamp", 0.05) for _ in range(3)),
        "tz": tuple(literal(pick, "timestamptz", 0.05) for _ in range(3)), "time": (literal(pick, "time", 0),),
        "i": tuple(literal(pick, "interval", 0.05) for _ in range(3)), "n": ("1", "2", "10", "-3", "0", "12", "30"),
        "s": ("1.5", "59.999999", "0", "7.25"),
        "form": (
            "make_interval(days => {n})", "make_interval({n}, {n}, {n}, {n}, {n}, {n}, {s})", "make_interval(hours => {n}, secs => {s})",
            "make_timestamp(2024, {n}, {n}, {n}, {n}, {s})", "make_timestamptz(2024, {n}, {n}, {n}, {n}, {s})",
            "make_timestamptz(2024, 3, {n}, 2, 30, {s}, 'Europe/Berlin')", "make_time({n}, {n}, {s})", "make_date(20{n}, 2, 28)",
            "justify_hours({i})", "justify_days({i})", "justify_interval({i})", "isfinite({date})", "isfinite({ts})", "isfinite({i})",
            "age({ts}, {ts})", "age({tz}, {tz})", "age({date}, {date})", "date({ts})", "date('2024-01-05')", "date({tz})",
            "time({ts})", "timeofday() IS NOT NULL", "current_timestamp(0) <= now() + interval '1 second'", "localtimestamp(2) IS NOT NULL",
            "localtime IS NOT NULL", "current_time IS NOT NULL", "current_date = now()::date", "statement_timestamp() >= transaction_timestamp()",
            "clock_timestamp() >= now()", "pg_typeof(localtime)", "pg_typeof(current_time)", "pg_typeof(now())", "pg_typeof(localtimestamp)",
            "({date}, {date}) OVERLAPS ({date}, {date})", "({ts}, {i}) OVERLAPS ({ts}, {i})", "date_trunc('decade', {ts})",
            "date_trunc('century', {tz})", "date_trunc('milliseconds', {ts})", "date_trunc('hour', {i})", "date_trunc('week', {date})",
            "extract(century FROM {date})", "extract(decade FROM {ts})", "extract(millennium FROM {ts})", "extract(julian FROM {date})",
            "extract(timezone FROM {tz})", "extract(timezone_hour FROM {tz})", "extract(timezone_minute FROM {tz})", "extract(isoyear FROM {date})",
            "{date} + {time}", "{time} + {i}", "{date} - {i}", "{ts}::time", "{tz}::timetz", "{i}::time", "timezone('Asia/Tokyo', {ts})",
            "timezone('Asia/Tokyo', {tz})", "timezone({i}, {tz})", "to_char({i}, 'HH24:MI')", "{i} * {s}", "{i} / {s}", "{i} > {i}",
            "{ts} BETWEEN {ts} AND {tz}", "{date} = {ts}", "{date} < {tz}",
            "make_date({n}, {n}, {n})", "make_interval(weeks => {n}, years => {n})", "{ts} - {date}", "{tz} - {date}", "{date} + {n}", "{n} + {date}",
            "{date} - {date}", "{time} - {time}", "{time} > {time}", "extract(epoch FROM {time})", "extract(epoch FROM {i})",
            "extract(epoch FROM {tz})", "to_timestamp(extract(epoch FROM {tz}))", "{tz}::date + {n}", "least({ts}, {date})",
        ),
    }  # fmt: skip
    return Statement(f"SELECT {pick.fill('{form}', found)} AS x", zone=pick.one(("UTC", "UTC", "America/New_York", "Asia/Kolkata")))


@production
def functions_of_numbers(pick: Pick) -> str:
    """Functions of numbers that are seldom used."""
    found = {
        "x": ("5.35", "0.5::float8", "-2", "10", "1e10::float8", "0.333", "7::bigint", "-1.75", "3.5::float8", "NULL::numeric", "100", "2.50", "0",
            "12.3400"),
        "n": ("1", "2", "3", "5", "10", "0", "-1"),
        "form": (
            "width_bucket({x}, 0.024, 10.06, {n})", "width_bucket({x}, ARRAY[1, 3, 5])", "width_bucket({x}::float8, 0, 10, {n})",
            "div({x}::numeric, {n})", "ceiling({x})", "scale({x}::numeric)", "min_scale({x}::numeric)", "trim_scale({x}::numeric)",
            "num_nulls({x}, NULL, {n})", "num_nonnulls({x}, NULL)", "sind({x})", "cosd({x})", "tand({x} * 0)", "gcd({n}, 12)", "lcm({n}, 8)",
            "factorial({n})", "log({x}::numeric)", "log({n}, {x})", "log10({x}::float8)", "cbrt({x}::float8)", "pi()", "degrees({x})", "radians({x})",
            "sign({x})", "mod({n}, 3)", "trunc({x})", "trunc({x}::numeric, {n})", "power({x}, {n})", "exp({n})", "greatest({x}, {n}, NULL)",
            "least({x}, {n})",
            "|/ abs({x})::float8", "||/ {x}::float8", "@ {x}", "{n} # 6", "{n} & 5", "{n} | 8", "~{n}", "{n} << 3", "-8 >> {n}", "{n} ! = 1",
            "bit_count(B'101')", "bit_length('a')", "random() BETWEEN 0 AND 1", "setseed(0.{n}5)", "to_hex({n})", "atan2({x}, {n})", "sinh({n})",
            "acosh(1 + abs({x}))", "round({x})", "round({x}::numeric, {n})", "{x}::numeric(6, 3)", "({x})::int % 3", "abs({x})",
            "to_char({x}, '999.99')", "pg_size_pretty({n}::bigint * 1234567)", "pg_size_bytes('{n} MB')", "numeric_inc({x}::numeric)",
            "int4larger({n}, 3)", "float8({n})", "int4({x})", "array_agg({x})", "bool({n})", "text({n})", "numeric({x}::float8)",
            "substring({n}::text, 1)", "currval('s{n}')",
        ),
    }  # fmt: skip
    return f"SELECT {pick.fill('{form}', found)} AS x" + pick.one(("", f", {pick.fill('{form}', found)} AS y"))


@production
def functions_of_the_system(pick: Pick) -> str:
    """Privileges, names, sizes, and what a session says of itself."""
    found = {
        "t": ("'eod'", "'symbols'", "'nosuch'", "'public.eod'", "'pg_class'"), "p": ("'SELECT'", "'INSERT'", "'USAGE'", "'select'", "'nosuch'"),
        "n": ("1", "0", "-1", "25"), "u": ("current_user", "session_user", "user", "'nosuch'"),
        "form": (
            "has_table_privilege({t}, {p})", "has_schema_privilege('public', {p})", "has_database_privilege(current_database(), 'CONNECT')",
            "has_column_privilege({t}, 'date', {p})", "pg_typeof({u})", "current_schema", "current_schemas(false)",
            "pg_table_is_visible({t}::regclass)", "to_regclass({t}) IS NULL", "to_regtype('int{n}')", "to_regproc('now')",
            "pg_get_userbyid({n}) IS NOT NULL", "format_type({n}, NULL)", "obj_description({n}::oid, 'pg_class')",
            "col_description({t}::regclass, {n}) IS NULL OR true",
            "pg_relation_size({t}) >= 0", "pg_size_pretty({n}::bigint)", "pg_encoding_to_char(6)", "pg_client_encoding()", "quote_ident({t})",
            "pg_get_viewdef({t}::regclass)", "pg_get_indexdef({n})", "pg_get_constraintdef({n}::oid)", "pg_get_expr(NULL, {n})",
            "pg_get_serial_sequence({t}, 'date')", "current_setting('server_encoding')", "current_setting('DateStyle')",
            "current_setting('nosuch{n}', true)", "current_setting('integer_datetimes')", "current_setting('standard_conforming_strings')",
            "pg_column_size({n}::int)", "pg_collation_for('a'::text)", "row_security_active({t})", "inet_client_addr() IS NULL OR true",
            "{t}::regclass", "{t}::regclass::text", "{t}::regclass::oid > 0", "'now'::regproc", "'int4'::regtype::oid", "'public'::regnamespace",
            "pg_is_other_temp_schema({n}::oid)", "pg_my_temp_schema()", "pg_has_role({u}, 'USAGE') IS NOT NULL",
            "shobj_description({n}::oid, 'pg_database')", "pg_conf_load_time() < now()", "pg_function_is_visible({n}::oid)", "pg_type_is_visible(23)",
            "txid_current() IS NOT NULL", "version() LIKE 'PostgreSQL%'", "pg_index_column_has_property({t}::regclass, 1, 'asc')",
            "pg_char_to_encoding('UTF8')",
        ),
    }  # fmt: skip
    return f"SELECT {pick.fill('{form}', found)} AS x" + pick.one(("", "", f", {pick.fill('{form}', found)} AS y"))
