"""What tools send: EXPLAIN, cursors, locks, settings, system columns, and the catalog."""

from .expressions import expression
from .pick import Pick
from .queries import select
from .sources import source
from .statement import Statement, production

# Columns of the catalog that PostgreSQL 15 and 16 have with the same type.
CATALOG = {
    "pg_class": ("oid", "relname", "relnamespace", "reltype", "relkind", "relhasindex", "relpersistence", "relnatts", "relowner", "relam",
        "relispartition", "reloptions", "relacl", "reltuples", "relpages", "relchecks", "relrowsecurity"),
    "pg_attribute": ("attrelid", "attname", "atttypid", "attlen", "attnum", "attndims", "atttypmod", "attnotnull", "atthasdef", "attidentity",
        "attgenerated", "attisdropped", "attcollation", "attoptions", "attstorage", "attalign"),
    "pg_type": ("oid", "typname", "typnamespace", "typlen", "typbyval", "typtype", "typcategory", "typdelim", "typrelid", "typelem", "typarray",
        "typinput", "typoutput", "typnotnull", "typbasetype", "typtypmod", "typdefault", "typreceive", "typsend", "typcollation"),
    "pg_namespace": ("oid", "nspname", "nspowner", "nspacl"),
    "pg_index": ("indexrelid", "indrelid", "indnatts", "indisunique", "indisprimary", "indkey", "indclass", "indoption", "indpred", "indexprs",
        "indisvalid", "indnkeyatts", "indcollation"),
    "pg_constraint": ("oid", "conname", "contype", "conrelid", "confrelid", "conkey", "confkey", "conbin", "condeferrable", "confupdtype",
        "connamespace", "convalidated"),
    "pg_proc": ("oid", "proname", "pronamespace", "prokind", "prorettype", "proargtypes", "provolatile", "proretset", "pronargs", "proargnames",
        "prosrc", "prolang"),
    "pg_database": ("oid", "datname", "datdba", "encoding", "datcollate", "datctype", "datistemplate", "datallowconn", "datconnlimit", "datacl"),
    "pg_settings": ("name", "setting", "unit", "category", "short_desc", "context", "vartype", "source", "enumvals", "pending_restart", "min_val"),
    "pg_roles": ("rolname", "rolsuper", "rolcanlogin", "rolconnlimit", "rolvaliduntil", "oid", "rolconfig"),
    "pg_stat_activity": ("datid", "datname", "pid", "usename", "application_name", "client_addr", "client_port", "backend_start", "state", "query",
        "xact_start", "backend_xid", "wait_event"),
    "pg_cursors": ("name", "statement", "is_holdable", "is_scrollable", "creation_time"),
    "pg_prepared_statements": ("name", "statement", "prepare_time", "parameter_types", "from_sql", "generic_plans"),
    "pg_description": ("objoid", "classoid", "objsubid", "description"),
    "pg_tables": ("schemaname", "tablename", "tableowner", "hasindexes"), "pg_indexes": ("schemaname", "tablename", "indexname", "indexdef"),
    "pg_am": ("oid", "amname", "amhandler", "amtype"), "pg_collation": ("oid", "collname", "collprovider", "collencoding"),
    "pg_enum": ("oid", "enumtypid", "enumlabel"), "pg_range": ("rngtypid", "rngsubtype"), "pg_operator": ("oid", "oprname", "oprleft", "oprcode"),
    "pg_views": ("schemaname", "viewname", "definition"),
    "pg_locks": ("locktype", "relation", "mode", "granted"), "pg_extension": ("extname", "extversion"), "pg_attrdef": ("adrelid", "adnum", "adbin"),
    "pg_inherits": ("inhrelid", "inhparent", "inhseqno"), "pg_opclass": ("oid", "opcname"), "pg_trigger": ("tgname", "tgrelid", "tgenabled"),
    "pg_timezone_names": ("name", "abbrev", "utc_offset", "is_dst"),
    "information_schema.columns": ("table_name", "column_name", "ordinal_position", "data_type", "is_nullable", "udt_name", "column_default",
        "numeric_precision", "datetime_precision", "character_maximum_length"),
    "information_schema.tables": ("table_catalog", "table_schema", "table_name", "table_type", "is_insertable_into"),
    "information_schema.schemata": ("catalog_name", "schema_name", "schema_owner"),
}  # fmt: skip
TABLES = ("eod", "symbols", "dividends", "calendar", "market_metrics", "option_chains")


@production
def catalog_values(pick: Pick) -> Statement:
    """Types of the catalog's columns, and what it says of our tables and of PostgreSQL's types."""
    table = pick.one(tuple(CATALOG))
    columns = pick.some(CATALOG[table], 1, 3)
    name, kind = (
        pick.one(TABLES),
        pick.one(
            (
                "int4",
                "text",
                "float8",
                "_int4",
                "timestamptz",
                "bool",
                "_text",
                "numeric",
                "date",
                "name",
                "char",
                "oid",
                "regclass",
                "interval",
                "json",
                "jsonb",
                "bytea",
                "uuid",
                "int8",
                "varchar",
                "bpchar",
            )
        ),
    )
    named = f"attrelid = '{name}'::regclass AND attnum > 0"
    forms = (
        f"SELECT pg_typeof((SELECT {columns[0]} FROM {table} LIMIT 1))", f"SELECT {', '.join(columns)} FROM {table} WHERE false",
        f"SELECT {', '.join(columns)} FROM {table} LIMIT 0", f"SELECT {', '.join(columns)} FROM {table} WHERE {columns[0]} IS NULL AND false",
        f"SELECT attname, format_type(atttypid, atttypmod), attnotnull, attnum FROM pg_attribute WHERE {named}",
        f"SELECT {', '.join(pick.some(('typname', 'typlen', 'typtype', 'typcategory', 'typelem', 'typarray', 'typinput', 'typdelim', 'typbyval', 'typreceive'), 2, 4))} FROM pg_type WHERE typname = '{kind}'",
        f"SELECT '{kind if kind not in ('char',) else 'bool'}'::regtype, '{name}'::regclass",
        f"SELECT to_regclass('{pick.one((name, 'nosuch', 'public.' + name))}'), to_regtype('{kind}')",
        f"SELECT count(*) FROM pg_type t WHERE t.typinput = '{pick.one(('array_in(cstring,oid,integer)', 'int4in(cstring)', 'textin(cstring)'))}'::regprocedure AND t.typname IN ('_int4', 'int4', 'text', '_text')",
        f"SELECT pg_relation_size('{name}') > 0, pg_total_relation_size('{name}') > 0", "SELECT pg_database_size(current_database()) > 0",
        f"SELECT reltuples > 0, relkind, relname FROM pg_class WHERE relname = '{name}'",
        f"SELECT indkey, indisprimary, indnatts FROM pg_index WHERE indrelid = '{name}'::regclass",
        f"SELECT conname, contype, conkey FROM pg_constraint WHERE conrelid = '{name}'::regclass",
        f"SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = '{name}'::regclass",
        f"SELECT column_name, data_type, is_nullable, udt_name FROM information_schema.columns WHERE table_name = '{name}' AND table_schema = 'public'",
        f"SELECT format_type('{kind}'::regtype, {pick.one(('NULL', '-1', '8'))})" if kind != "char" else "SELECT format_type(18, NULL)",
        f"SELECT has_table_privilege('{name}', 'SELECT'), has_schema_privilege('public', 'USAGE')",
        f"SELECT relname::text || 'x', relkind = 'r' FROM pg_class WHERE oid = '{name}'::regclass",
        f"SELECT oid::regclass::text FROM pg_class WHERE relname = '{name}' AND relkind = 'r'",
        f"SELECT typname FROM pg_type WHERE oid = {pick.one((16, 20, 23, 25, 701, 1082, 1114, 1184, 1700, 1007, 1009, 3802))}",
        f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{name}'::regclass",
        f"SELECT nspname FROM pg_namespace WHERE oid = (SELECT relnamespace FROM pg_class WHERE relname = '{name}' AND relkind = 'r')",
        f"SELECT obj_description('{name}'::regclass) IS NULL OR true",
        f"SELECT table_name FROM information_schema.tables WHERE table_name = '{name}'",
        f"SELECT unnest(indkey) FROM pg_index WHERE indrelid = '{name}'::regclass",
        f"SELECT quote_ident(relname) FROM pg_class WHERE oid = '{name}'::regclass",
        f"SELECT proname, pronargs FROM pg_proc WHERE proname = '{pick.one(('now', 'pg_sleep', 'nosuch', 'version'))}' AND pronargs < 2",
        "SELECT current_database() IS NOT NULL, current_schema, current_schemas(false)",
        "SELECT pg_typeof(current_user), pg_typeof(version()), pg_typeof(current_schemas(true)), pg_typeof(pg_backend_pid())",
        f"SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = '{name}' AND pg_table_is_visible(c.oid)",
        f"SELECT col_description('{name}'::regclass, 1) IS NULL OR true, pg_get_expr(NULL, '{name}'::regclass)",
        f"SELECT indexdef LIKE 'CREATE UNIQUE INDEX%' FROM pg_indexes WHERE tablename = '{name}'", "SELECT pg_typeof(pg_sleep(0))",
        f"SELECT {pick.one(('tableoid::regclass', 'tableoid = ' + chr(39) + name + chr(39) + '::regclass', 'count(ctid) > 0', 'count(xmin) > 0', 'pg_typeof(ctid)', 'pg_typeof(xmin)', 'cmin IS NULL'))} FROM {name} {pick.one(('LIMIT 1', 'GROUP BY tableoid, ctid, xmin LIMIT 1', 'WHERE false'))}",
    )  # fmt: skip
    return Statement(pick.one(forms))


@production
def what_tools_send(pick: Pick) -> Statement:
    """EXPLAIN with options, cursors, transactions, locks, COPY's and other commands of drivers; mostly only whether they succeed."""
    rows = source(pick, "text")
    query = pick.one(
        (
            "SELECT 1",
            "SELECT symbol FROM eod WHERE symbol = 'SPY'",
            "SELECT count(*) FROM symbols GROUP BY type",
            select("count(*)", rows),
            "SELECT date, close FROM eod WHERE symbol = 'KO' ORDER BY date LIMIT 3",
            "VALUES (1), (2)",
            "SELECT s.symbol FROM symbols s JOIN eod e USING (symbol) WHERE e.date = '2026-11-20'",
        )
    )
    options = ", ".join(
        pick.some(
            (
                "VERBOSE",
                "COSTS off",
                "FORMAT JSON",
                "FORMAT XML",
                "FORMAT YAML",
                "FORMAT TEXT",
                "ANALYZE",
                "BUFFERS",
                "SETTINGS",
                "SUMMARY on",
                "TIMING off",
                "NOSUCH",
                "WAL off",
                "VERBOSE false",
                "COSTS 0",
                "FORMAT nosuch",
                "ANALYZE false",
            ),
            1,
            2,
        )
    )
    setting = pick.one(
        (
            "DateStyle = 'ISO, MDY'",
            "DateStyle = 'SQL, DMY'",
            "IntervalStyle = 'iso_8601'",
            "IntervalStyle = 'postgres_verbose'",
            "work_mem = '64MB'",
            "work_mem = 'x'",
            "extra_float_digits = 3",
            "extra_float_digits = 0",
            "client_encoding = 'UTF8'",
            "client_encoding = 'LATIN1'",
            "client_min_messages = warning",
            "application_name = 'x y'",
            "bytea_output = 'escape'",
            "standard_conforming_strings = on",
            "standard_conforming_strings = off",
            "search_path = public, pg_catalog",
            "statement_timeout = '5s'",
            "nosuch = 1",
            "my.setting = 'a'",
            "enable_seqscan = off",
            "row_security = off",
            "lock_timeout = 0",
            "idle_in_transaction_session_timeout = 0",
            "default_transaction_read_only = on",
            "transaction_isolation = 'repeatable read'",
            "escape_string_warning = off",
            "backslash_quote = 'off'",
            "array_nulls = off",
            "datestyle = 'German'",
            "jit = off",
            "xmloption = content",
            "lc_monetary = 'C'",
            "timezone_abbreviations = 'Default'",
            "max_parallel_workers_per_gather = 0",
            "random_page_cost = 1.1",
            "session_replication_role = replica",
        )
    )
    shown = pick.one(
        (
            "SELECT date '2024-03-05', timestamp '2024-03-05 14:05', interval '1 day 02:03:04'",
            "SELECT 0.1::float8 + 0.2::float8, '\\x01ff'::bytea",
            "SELECT 1",
            "SHOW search_path",
            f"SHOW {setting.split(' ')[0]}",
            f"SELECT current_setting('{setting.split(' ')[0]}')",
            "SELECT '1/2/2024'::date",
            "SELECT interval '-1 year 2 mons'",
        )
    )
    cursor = pick.one(("", "SCROLL ", "NO SCROLL ", "BINARY ", "INSENSITIVE "))
    fetch = pick.one(
        (
            "FETCH 2 FROM c",
            "FETCH ALL FROM c",
            "FETCH NEXT c",
            "FETCH FORWARD 1 IN c",
            "FETCH FIRST FROM c",
            "FETCH LAST FROM c",
            "FETCH PRIOR FROM c",
            "FETCH BACKWARD 2 FROM c",
            "FETCH ABSOLUTE 2 FROM c",
            "FETCH RELATIVE 1 FROM c",
            "MOVE 1 IN c",
            "FETCH 0 FROM c",
            "FETCH -1 FROM c",
            "FETCH FORWARD ALL FROM c",
            "SELECT name, is_holdable, is_scrollable FROM pg_cursors",
        )
    )
    held = pick.one((" WITHOUT HOLD", "", ""))
    ordered = pick.one(
        (
            "SELECT x FROM (VALUES (1), (2), (3)) t(x) ORDER BY x",
            "SELECT symbol FROM symbols ORDER BY symbol LIMIT 4",
            "SELECT date, close FROM eod WHERE symbol = 'SPY' ORDER BY date DESC LIMIT 3",
            "SELECT generate_series(1, 5)",
        )
    )
    forms = (
        Statement(f"EXPLAIN ({options}) {query}", only_outcome=True),
        Statement(f"EXPLAIN {pick.one(('', 'VERBOSE ', 'ANALYZE ', 'ANALYZE VERBOSE '))}{query}", only_outcome=True),
        Statement(f"EXPLAIN ({options}) EXECUTE q{pick.one(('(NULL)', '(' + chr(39) + 'SPY' + chr(39) + ')', ''))}",
            setup=("PREPARE q AS SELECT symbol FROM eod WHERE symbol = $1",), only_outcome=True),
        Statement(shown, setup=(f"SET {setting}",)), Statement(shown, setup=(f"SET SESSION {setting.replace(' = ', ' TO ')}",)),
        Statement(fetch, setup=("BEGIN", f"DECLARE c {cursor}CURSOR{held} FOR {ordered}"), ordered=True),
        Statement(fetch, setup=("BEGIN", f"DECLARE c {cursor}CURSOR FOR {ordered}", "FETCH 2 FROM c"), ordered=True),
        Statement(fetch, setup=(f"DECLARE c {cursor}CURSOR WITH HOLD FOR {ordered}",), ordered=True),
        Statement(pick.one(("SELECT 1", "SHOW transaction_isolation", "COMMIT", "ROLLBACK", "SAVEPOINT a", "SELECT pg_export_snapshot() IS NOT NULL", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "LOCK TABLE eod IN ACCESS SHARE MODE", "LOCK symbols", "ROLLBACK TO nosuch", "SELECT 1/0", "RELEASE nosuch", "SET TRANSACTION READ WRITE", "SET CONSTRAINTS ALL DEFERRED", "SELECT txid_current_if_assigned() IS NULL")),
            setup=(pick.one(("BEGIN", "BEGIN READ ONLY", "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN TRANSACTION")),)),
        Statement(pick.one(("DEALLOCATE nosuch", "CLOSE nosuch", "DISCARD ALL", "RESET ALL", "SHOW ALL", "LISTEN x", "UNLISTEN *", "NOTIFY x", "CHECKPOINT", "VACUUM eod", "ANALYZE eod", "DO $$ BEGIN END $$", "SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_lock(2), pg_advisory_unlock(2)", "SELECT pg_is_in_recovery()", "SELECT set_config('application_name', 'z', false)", "SHOW server_version_num", "SET ROLE NONE", "SET SESSION AUTHORIZATION DEFAULT", "RESET ROLE", "SELECT pg_sleep(0)", "CLOSE ALL", "DEALLOCATE ALL", "SELECT txid_current() > 0", "SELECT inet_server_port() > 0", "SELECT pg_postmaster_start_time() < now()", "SELECT pg_backend_pid() > 0", "SELECT current_query() LIKE 'SELECT%'")),
            changes=True, only_outcome=True),
        Statement(pick.one(("SELECT name, statement, parameter_types, from_sql FROM pg_prepared_statements WHERE name = 'q'", "EXECUTE q(1)", "EXECUTE q('x')", "EXECUTE q", "EXECUTE q(1, 2)", "DEALLOCATE PREPARE q", "EXECUTE nosuch")),
            setup=(pick.one(("PREPARE q AS SELECT $1 + 1", "PREPARE q(text) AS SELECT $1", "PREPARE q(int, int) AS SELECT $1 + $2", "PREPARE q(text[]) AS SELECT $1[1]", "PREPARE q AS SELECT symbol FROM symbols WHERE symbol = $1 LIMIT 1", "PREPARE q(unknown) AS SELECT $1 || 'a'")),)),
    )  # fmt: skip
    return pick.one(forms)


@production
def settings_in_one_list(pick: Pick) -> Statement:
    """set_config and current_setting in one list run in their order."""
    name = pick.one((f"request.header{pick.number(0, 9**9)}.host", f"my.x{pick.number(0, 9**9)}", "application_name"))
    value = pick.one(("x", "y z", "", "1"))
    local = pick.one(("true", "false"))
    forms = (
        f"SELECT set_config('{name}', '{value}', {local}), current_setting('{name}', true)",
        f"SELECT current_setting('{name}', true), set_config('{name}', '{value}', {local}), current_setting('{name}')",
        f"SELECT set_config('{name}', '{value}', {local}) || current_setting('{name}', true)", f"SELECT current_setting('{name}')",
        f"SELECT coalesce(current_setting('{name}', true), 'none')", f"SELECT set_config('{name}', NULL, {local})",
        f"SELECT set_config('{name}', 'a', {local}), set_config('{name}', 'b', {local}), current_setting('{name}')",
        f"SELECT x, set_config('{name}', x::text, {local}), current_setting('{name}') FROM (VALUES (1), (2)) t(x)",
        f"SELECT set_config('timezone', 'Asia/Tokyo', {local}), current_setting('timezone')", f"SELECT set_config('{name}', '{value}', NULL)",
        f"SELECT current_setting('nosuch.{name}', {local})", f"SELECT set_config('work_mem', '{pick.number(1, 99)}MB', {local})",
    )  # fmt: skip
    setup = pick.one(((), (), ("BEGIN",), (f"SET {name} = '{value}'",), ("BEGIN", f"SET LOCAL {name} = '{value}'")))
    return Statement(pick.one(forms), setup=setup, changes=True)


@production
def copied_results(pick: Pick) -> str:
    """COPY of a query to the client, as text and as CSV, whose columns are of every type and of mixed types."""
    kinds = pick.some(("int4", "int8", "float8", "numeric", "text", "bool", "date", "timestamp", "timestamptz", "time", "interval"), 1, 3)
    mixed = pick.chance(0.3)
    if mixed:
        kinds = pick.some(pick.one((("int4", "int8", "float8", "numeric"), ("date", "timestamp", "timestamptz"))), 2, 2)
    rows = source(pick, kinds[0])
    items = [expression(pick, kind, rows, depth=2) for kind in kinds]
    if mixed:
        items = [f"CASE WHEN {rows.key[0]} IS NULL THEN {items[0]} ELSE {items[-1]} END"]
    query = select(items, rows, tail=f"ORDER BY {rows.order()}")
    if pick.chance(0.2):
        query = f"{select(items[0], rows)} UNION ALL SELECT {pick.one((items[0], 'NULL', '1', '2.5'))} FROM {rows.item} WHERE {rows.where}"
    options = ("", "", " WITH (FORMAT csv)", " (FORMAT csv, HEADER)", " CSV HEADER", " (DELIMITER '|', NULL 'none')", " (FORMAT csv, FORCE_QUOTE *)", " WITH CSV", " (FORMAT text, HEADER)", " (FORMAT csv, NULL '-', QUOTE '$')")
    table = f"COPY {pick.one(('dividends (symbol, date, amount)', 'calendar (date, session)', 'nosuch'))} TO STDOUT{pick.one(options)}"
    return table if pick.chance(0.05) else f"COPY ({query}) TO STDOUT{pick.one(options)}"
