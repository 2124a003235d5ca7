"""Arrays, json, ranges and rows: what is made of several values."""

from .pick import Pick
from .statement import Statement, production

ARRAYS = (
    "ARRAY[1, 2, 3]",
    "ARRAY[1, NULL, 2]",
    "ARRAY[]::int[]",
    "'{}'::int[]",
    "'{3,1,2}'::int[]",
    "ARRAY[[1, 2], [3, 4]]",
    "NULL::int[]",
    "ARRAY[5]",
    "t.a",
    "t.b",
    "ARRAY[1, 2, 1, 3, 1]",
    "'[2:4]={7,8,9}'::int[]",
    "ARRAY[1, 2] || 3",
)
FLAT = tuple(one for one in ARRAYS if "[[" not in one and "[2:4]" not in one)
LISTS = "(VALUES (1, ARRAY[1, 2, 2], ARRAY[2, 1]), (2, ARRAY[NULL, 4], '{}'), (3, '{}', ARRAY[9]), (4, NULL, NULL)) t(k, a, b)"


def over_lists(item: str) -> str:
    """The expression, over rows where it has columns."""
    return f"SELECT t.k, {item} AS x FROM {LISTS}" if "t." in item else f"SELECT {item} AS x"


@production
def array_subscripts(pick: Pick) -> str:
    """Elements, slices and bounds, negative and missing ones too."""
    found = {
        "a": ARRAYS, "n": ("1", "2", "3", "0", "-1", "4", "NULL"),
        "form": ("({a})[{n}]", "({a})[{n}:{n}]", "({a})[{n}:]", "({a})[:{n}]", "({a})[:]", "(ARRAY[[1, 2, 3], [4, 5, 6]])[{n}][{n}]",
            "(ARRAY[[1, 2, 3], [4, 5, 6]])[{n}:{n}][1:2]", "array_length({a}, {n})", "array_lower({a}, 1)", "array_upper({a}, 1)", "array_ndims({a})",
            "array_dims({a})", "cardinality({a})", "array_length({a}, 1) IS NULL", "(ARRAY[[1, 2], [3, 4]])[{n}]",
            "(string_to_array('a,b,c', ','))[{n}]", "({a})[{n}] + 1", "({a})[array_length({a}, 1)]"),
    }  # fmt: skip
    if pick.chance(0.12):
        return f"SELECT symbol, lists[{pick.fill('{n}', found)}], lists[{pick.number(-1, 2)}:{pick.number(0, 3)}], array_length(lists, 1) FROM symbols WHERE symbol < 'AC'"
    return over_lists(pick.fill("{form}", found))


@production
def functions_of_arrays(pick: Pick) -> str:
    """Every function and operator of arrays, with NULLs and none."""
    found = {
        "a": ARRAYS, "f": FLAT, "n": ("1", "2", "NULL", "9", "3"), "c": ("1", "2", "0", "-1"),
        "form": (
            "array_append({f}, {n})", "array_prepend({n}, {f})", "array_cat({f}, {f})", "{f} || {f}", "{f} || {n}", "{n} || {f}",
            "array_remove({f}, {n})", "array_replace({f}, {n}, 9)", "array_position({f}, {n})", "array_positions({f}, {n})",
            "array_to_string({a}, ',')", "array_to_string({f}, ',', '*')", "{f} @> {f}", "{f} <@ {f}", "{f} && {f}", "{f} = {f}", "{f} < {f}",
            "{f} <> {f}", "{n} = ANY ({f})", "{n} <> ALL ({f})", "{n} > ANY ({f})",
            "array_fill({c}, ARRAY[{c}])", "trim_array({f}, {c})", "{f}::text", "{f}::float8[]", "{f}::text[]", "ARRAY[1.5, 2.5, -0.5]::int[]",
            "'{1.5,2}'::float8[]::int[]", "unnest({a})", "cardinality({f})", "{f} IS NULL", "coalesce({f}, '{{}}')", "greatest({f}, {f})",
            "ARRAY[{n}, {n}]", "ARRAY[{n}, 1.5]", "ARRAY[{f}, {f}]", "array_ndims(ARRAY[{f}, {f}])", "{a}::text",
            "'{a,\"b c\",NULL,\"null\"}'::text[]", "'{{{{1,2}},{{3,4}}}}'::int[]", "ARRAY['a', 'b'] || 'c'::text",
            "(SELECT sum(x) FROM unnest({f}) x)", "(SELECT array_agg(x ORDER BY x DESC) FROM unnest({f}) x)",
            "ARRAY(SELECT x + 1 FROM unnest({f}) x ORDER BY 1)", "{f} @> ARRAY[NULL]::int[]", "'{{1,2,3}}'::int[] && {f}",
            "array_length({f} || {f}, 1)", "pg_typeof(ARRAY[{n}, 2])", "to_json({a})", "'{1,x}'::int[]", "'{1,2'::int[]", "ARRAY[]", "ARRAY[1, 'a']",
            "array_to_json({a})", "generate_subscripts({a}, 1)", "width_bucket({n}, {f})",
        ),
    }  # fmt: skip
    if pick.chance(0.06):
        return f"SELECT {pick.one(('max(t.a), min(t.b)', 'array_agg(t.a) IS NULL', 'count(DISTINCT t.a)', 'array_agg(t.k ORDER BY t.a, t.k)'))} FROM {LISTS}"
    if pick.chance(0.06):
        return f"SELECT array_agg(x), count(*) FROM unnest({pick.one(FLAT[:-4])}) x"
    return over_lists(pick.fill("{form}", found).replace("{{", "{").replace("}}", "}"))


@production
def arrays_over_tables(pick: Pick) -> str:
    """The lists of symbols, arrays that are aggregated, and unnest in FROM."""
    found = {
        "w": ("'dow30'", "'sp500'", "'etf'", "'nosuch'", "NULL"),
        "where": ("symbol < 'B'", "true", "type = 'etf'", "symbol IN ('SPY', 'AAPL', 'KO')"),
        "e": ("lists @> ARRAY[{w}]", "{w} = ANY (lists)", "lists && ARRAY[{w}, {w}]", "array_length(lists, 1) > 1", "lists[1] = {w}",
            "NOT {w} = ANY (lists)", "{w} <> ALL (lists)", "lists = ARRAY['sp500']", "cardinality(lists) = 2", "lists <> '{{}}'",
            "array_position(lists, {w}) = 2", "lists[1:2] = ARRAY['dow30', {w}]", "lists > ARRAY[{w}]",
            "array_to_string(lists, '+') LIKE '%' || {w} || '%'"),
        "form": ("SELECT count(*) FROM symbols WHERE {e} AND {where}", "SELECT symbol, {e} FROM symbols WHERE {where}",
            "SELECT l, count(*) FROM symbols, unnest(lists) l WHERE {where} GROUP BY l",
            "SELECT symbol, l, n FROM symbols, unnest(lists) WITH ORDINALITY u(l, n) WHERE {where} AND symbol < 'D'",
            "SELECT symbol, unnest(lists) FROM symbols WHERE {where} AND {e}",
            "SELECT array_agg(symbol ORDER BY symbol DESC) FROM symbols WHERE {e} AND {where}",
            "SELECT lists, count(*) FROM symbols WHERE {where} GROUP BY lists", "SELECT DISTINCT lists FROM symbols WHERE {e}",
            "SELECT market, array_agg(DISTINCT type ORDER BY type), array_agg(symbol ORDER BY symbol) FILTER (WHERE {e}) FROM symbols WHERE {where} AND symbol < 'C' GROUP BY market",
            "SELECT symbol, array_to_string(lists, {s}) FROM symbols WHERE {where} AND symbol < 'D' AND {e}",
            "SELECT count(*) FROM symbols s WHERE EXISTS (SELECT 1 FROM unnest(s.lists) l WHERE l = {w}) AND {where}",
            "SELECT s.symbol, (SELECT count(*) FROM unnest(s.lists)) FROM symbols s WHERE {where} AND s.symbol < 'D'"),
        "s": ("','", "' | '", "''"),
    }  # fmt: skip
    return pick.fill("{form}", found).replace("{{}}", "{}")


JSON = (
    "'{\"a\":1}'",
    '\'{"a": 1, "b": [1, 2, {"c": null}]}\'',
    "'[1, \"x\", null, true]'",
    "'{}'",
    "'[]'",
    "'\"text\"'",
    "'1.50'",
    "'null'",
    '\'{"b":2,"a":1,"a":3}\'',
    '\'{"a": {"b": {"c": "deep"}}}\'',
    '\'{"é":"\\u00e9"}\'',
    "'{a:1}'",
    "''",
    "'[1.0, 1.00, 1e2]'",
)


@production
def functions_of_json(pick: Pick) -> str:
    """json and jsonb: input, equality, operators, paths, and functions that take them apart."""
    kind = pick.one(("jsonb", "jsonb", "json"))
    j = tuple(f"{text}::{kind}" for text in JSON)
    found = {
        "j": j, "k": ("'a'", "'b'", "'é'", "'nosuch'"), "n": ("0", "1", "-1", "2"), "path": ("'{a,b}'", "'{b,2,c}'", "'{a}'", "'{0}'"),
        "jp": ("'$.a'", "'$.b[*]'", "'$[0]'", "'$.**'", "'$.b[*] ? (@ > 1)'", "'strict $.nosuch'"),
        "form": (
            "{j}", "{j} -> {k}", "{j} ->> {k}", "{j} -> {n}", "{j} ->> {n}", "{j} #> {path}", "{j} #>> {path}", "{j} = {j}", "{j} @> {j}",
            "{j} <@ {j}", "{j} ? {k}", "{j} ?| ARRAY['a', 'b']", "{j} ?& ARRAY['a', 'b']", "{j} || {j}", "{j} - {k}", "{j} - {n}", "{j} #- {path}",
            "{j}::text", "jsonb_typeof({j})", "json_typeof({j})", "jsonb_array_length({j})", "json_array_length({j})", "jsonb_pretty({j})",
            "jsonb_strip_nulls({j})", "jsonb_set({j}, {path}, '9')", "jsonb_insert({j}, {path}, '9')",
            "jsonb_extract_path({j}, 'a', 'b')", "json_extract_path_text({j}, 'a')", "jsonb_array_elements({j})", "jsonb_array_elements_text({j})",
            "json_array_elements({j})", "jsonb_object_keys({j})", "json_object_keys({j})", "jsonb_each({j})", "jsonb_each_text({j})",
            "jsonb_path_query({j}, {jp})", "jsonb_path_exists({j}, {jp})", "jsonb_path_query_first({j}, {jp})", "{j} @? {jp}", "({j} ->> {k})::int",
            "({j} -> {k})::int", "{j} < {j}", "pg_typeof({j})", "{j} IS NULL", "coalesce({j}, '{{}}')", "({j})[{k}]", "to_jsonb({j})",
            "({j} ->> {k}) IS NULL", "json_strip_nulls({j})", "jsonb_path_query_array({j}, {jp})",
        ),
    }  # fmt: skip
    return f"SELECT {pick.fill('{form}', found)} AS x".replace("'{{}}'", "'{}'")


@production
def builders_of_json(pick: Pick) -> str:
    """Values, rows and groups as json, and json as rows."""
    found = {
        "v": ("1", "'a'", "NULL", "true", "1.50", "date '2024-01-31'", "timestamptz '2024-01-31 12:00Z'", "ARRAY[1, 2]", "2.5::float8",
            "interval '1 day'", "'NaN'::float8", "E'x\\n\"y\"'", "'{\"a\":1}'::json", "9007199254740993", "timestamp '2024-01-31 12:00:00.5'"),
        "b": ("json", "jsonb"),
        "where": ("symbol = 'KO' AND date > '2026-11-20'", "symbol IN ('A', 'KO') AND date = '2026-11-20'", "symbol = 'NOSUCH'"),
        "c": ("symbol", "date", "close", "volume", "open_interest"),
        "rows": ("(VALUES (1, 'x', 1.5), (2, NULL, NULL), (3, 'y', 0)) t(a, b, c)",),
        "form": (
            "SELECT to_{b}({v})", "SELECT {b}_build_object('k', {v}, 'l', {v})", "SELECT {b}_build_array({v}, {v})",
            "SELECT row_to_json(t) FROM {rows}", "SELECT to_{b}(t) FROM {rows}", "SELECT {b}_agg(a ORDER BY a) FROM {rows}",
            "SELECT {b}_agg(t ORDER BY a) FROM {rows}", "SELECT {b}_object_agg(a, b ORDER BY a) FROM {rows}", "SELECT {b}_agg({v}) FROM {rows}",
            "SELECT {b}_object('{{a,1,b,2}}')", "SELECT {b}_object(ARRAY['a', 'b'], ARRAY['1', NULL])", "SELECT row_to_json(ROW({v}, {v}))",
            "SELECT array_to_json(ARRAY[1, 2, NULL])", "SELECT row_to_json(t, true) FROM {rows}",
            "SELECT {b}_agg({c} ORDER BY symbol, date) FROM eod WHERE {where}",
            "SELECT {b}_build_object('s', symbol, 'x', {c}) FROM eod WHERE {where}",
            "SELECT {b}_object_agg(date, {c} ORDER BY date) FROM eod WHERE {where}",
            "SELECT row_to_json(q) FROM (SELECT {c} AS x, {c} AS y FROM eod WHERE {where}) q",
            "SELECT * FROM {b}_array_elements('[1, 2, {{\"a\": 3}}]'::{b}) WITH ORDINALITY",
            "SELECT key, value FROM {b}_each('{{\"a\": 1, \"b\": \"x\"}}'::{b})",
            "SELECT * FROM {b}_to_recordset('[{{\"a\": 1, \"b\": \"x\"}}]'::{b}) AS r(a int, b text)",
            "SELECT * FROM {b}_to_record('{{\"a\": 1}}'::{b}) AS r(a int, b text)",
            "SELECT {b}_build_object({v})", "SELECT to_json({v}::text)", "SELECT {b}_build_object('k', {b}_build_array({v}))",
            "SELECT ({b}_build_object('k', {v}) ->> 'k')", "SELECT a, {b}_build_object('b', b) ->> 'b' FROM {rows}",
            "SELECT {b}_agg(c) FILTER (WHERE c > 0) FROM {rows}", "SELECT {b}_build_object()",
            "SELECT {b}_agg(x) FROM (SELECT b AS x FROM {rows} ORDER BY a) q",
        ),
    }  # fmt: skip
    return pick.fill("{form}", found).replace("{{", "{").replace("}}", "}")


@production
def jsonb_over_rows(pick: Pick) -> str:
    """jsonb in WHERE, GROUP BY, ORDER BY, DISTINCT and joins."""
    cells = pick.some([one for one in JSON if one not in ("''", "'{a:1}'")], 3, 5)
    lines = ", ".join(f"({n}, {cell}{'::jsonb' if n == 1 else ''})" for n, cell in enumerate(cells, 1))
    rows = f"(VALUES {lines}) t(k, j)"
    forms = (
        "SELECT k, j FROM {r}",
        "SELECT k FROM {r} WHERE j = {c}::jsonb",
        "SELECT k FROM {r} WHERE j @> {c}",
        "SELECT count(DISTINCT j) FROM {r}",
        "SELECT j, count(*) FROM {r} GROUP BY j",
        "SELECT k, rank() OVER (ORDER BY j) FROM {r}",
        "SELECT k, j -> 'a' FROM {r} WHERE j ? 'a'",
        "SELECT k, j ->> 'a' FROM {r}",
        "SELECT max(k) FROM {r} WHERE (j ->> 'a')::text = '1'",
        "SELECT k, jsonb_typeof(j) FROM {r}",
        "SELECT j FROM {r} UNION SELECT {c}::jsonb",
        "SELECT a.k, b.k FROM {r} JOIN (VALUES (1, {c}::jsonb)) b(k, j) ON t.j = b.j".replace("a.k", "t.k"),
        "SELECT k, e FROM {r}, jsonb_array_elements(CASE jsonb_typeof(j) WHEN 'array' THEN j ELSE '[]' END) e",
        "SELECT k, j #>> '{a,b}' FROM {r}",
        "SELECT k, j || '{\"z\": 0}' FROM {r} WHERE jsonb_typeof(j) = 'object'",
        "SELECT k, j = {c} FROM {r}",
        "SELECT jsonb_agg(j ORDER BY k) FROM {r}",
    )
    return pick.one(forms).replace("{r}", rows).replace("{c}", pick.one(cells))


@production
def ranges_and_rarer_types(pick: Pick) -> Statement:
    """Ranges, bytea, uuid, network addresses, bits, money and full text, which are answered or refused."""
    found = {
        "d": ("2024-01-01", "2024-06-30", "2026-11-20"), "n": tuple(str(n) for n in range(1, 10)),
        "form": (
            "int4range(1, {n})", "int4range(1, {n}) @> 3", "daterange('{d}', '2027-01-01') && daterange('2024-03-01', NULL)",
            "numrange(1.5, {n}) * numrange(2, 20)", "tsrange('{d}', '2027-01-01') @> timestamp '2025-01-01'", "upper(int4range(1, {n}))",
            "lower(daterange('{d}', '2027-01-01'))", "isempty(int4range({n}, {n}))", "int4range(1, {n}, '[]')", "'[1,{n}]'::int4range",
            "'\\x0{n}ff'::bytea", "'\\xDEADBEEF'::bytea || '\\x01'", "encode('\\x0102'::bytea, 'hex')",
            "length('\\x010203'::bytea)", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1{n}'::uuid", "'A0EEBC999C0B4EF8BB6D6BB9BD380A1{n}'::uuid",
            "'192.168.0.{n}/24'::inet", "host('10.0.0.{n}'::inet)", "'10.0.0.0/8'::cidr >> '10.0.0.{n}'::inet", "B'101' & B'110'", "'{n}.50'::money",
            "to_tsvector('english', 'the quick foxes') @@ to_tsquery('fox & {n}')", "to_tsvector('simple', 'a b {n}')", "point(1, {n})",
            "'08:00:2b:01:02:0{n}'::macaddr", "'(1,{n})'::point <-> point '(0,0)'", "'<a>{n}</a>'::xml",
            "{n}::oid", "'eod'::regclass", "{n}::\"char\"", "'x'::name", "pg_typeof('\\x00'::bytea)", "'{n}'::xid", "'12:00+0{n}'::timetz",
            "int4multirange(int4range(1, {n}))", "range_agg(int4range(x, x + 1)) FROM generate_series(1, {n}) x", "'a=>{n}'::text",
            "date '{d}' <@ daterange('2024-01-01', '2025-01-01')",
            "count(*) FROM eod WHERE daterange('2026-11-01', '{d}', '[]') @> date AND symbol = 'SPY'", "({n}, 2)::text", "'{n}'::int8range",
            "ROW({n}, 'a')", "(ROW({n}, 'a')).f1", "gen_random_uuid() IS NOT NULL", "md5('{n}')::uuid", "'101'::bit(3) | '010'", "'{n}'::pg_lsn",
        ),
    }  # fmt: skip
    return Statement("SELECT " + pick.fill("{form}", found))
