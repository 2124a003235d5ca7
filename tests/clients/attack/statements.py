"""Statements that hurt, one after the other: each ends, and nobody else feels it.

    statements.py HOST PORT PID [--all] [NAME...]
"""

import sys
import time

import psycopg
from victim import Victim

HOST, PORT, PID = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ALL, NAMES = "--all" in sys.argv, [word for word in sys.argv[4:] if word != "--all"]
TIMEOUT = 10 if ALL or NAMES else 3

# Those that once ended a server, kept it from ending them, or took its memory.
CORE = """
    arr_text2 arrayfill arrcat arrow_cast arrtext attz brackets case case_big cast_nested2M cte_arr cube12
    dollar firstval fmt2 from_nested func_nested groupingsets insub intdims interval join_big json jsonagg
    jsonarrow jsonbuild jsonpathval lastval lists matches max_range notnot num16M num_lit order_big parens
    recursive2 regex regex2 regex_rows2 setop stragg strtable sub_array subscript typenested union_big wide
    wide2 win_arragg win_stragg
""".split()

STATEMENTS = {}


def add(name, sql):
    STATEMENTS[name] = sql


add('num16M', "SELECT repeat('9', 16000000)::numeric")
add('num_lit', "SELECT "+'9'*2000000)
add('num_lit_str', "SELECT '"+'9'*5000000+"'::numeric")
add('intdims', "SELECT NULL::int"+"[]"*4000)
add('arrow_cast', "SELECT arrow_cast(NULL, '"+"List("*5000+"Int64"+")"*5000+"')")
add('arrow_cast_dict', "SELECT arrow_cast(NULL, '"+"Dictionary(Int32, "*5000+"Utf8"+")"*5000+"')")
add('interval', "SELECT "+"INTERVAL "*30000+"'1 day'")
add('notnot', "SELECT "+"NOT "*30000+"true")
add('minus', "SELECT "+"- "*30000+"1")
add('parens', "SELECT "+"("*30000+"1"+")"*30000)
add('case', "SELECT "+"CASE WHEN true THEN "*10000+"1"+" END"*10000)
add('brackets', "SELECT "+"ARRAY["*10000+"1"+"]"*10000)
add('arrtext', "SELECT '"+"{"*100000+"}"*100000+"'::int[]")
add('json', "SELECT '"+"["*1000000+"]"*1000000+"'::jsonb")
add('json2', "SELECT repeat('[', 10000000)::jsonb")
add('jsonobj', "SELECT (repeat('{\"a\":', 1000000))::json")
add('regex', "SELECT 'a' ~ repeat('(', 100000)")
add('regex2', "SELECT 'a' ~ '"+"(a{1,1000}){1,1000}"+"'")
add('regex3', "SELECT repeat('a', 10000000) ~ '(a*)*b'")
add('like', "SELECT repeat('a', 1000000) LIKE repeat('%a', 100000)")
add('max_range', "SELECT max(range(0, 100000)) OVER () FROM generate_series(1, 100000)")
add('sub_array', "SELECT (SELECT array_agg(i) FROM generate_series(1, 1000000) t(i)), j FROM generate_series(1, 100000) u(j)")
add('win_arragg', "SELECT array_agg(i) OVER () FROM generate_series(1, 100000) t(i)")
add('win_arragg2', "SELECT array_agg(i) OVER (ORDER BY i) FROM generate_series(1, 30000) t(i)")
add('win_stragg', "SELECT string_agg(i::text, ',') OVER (ORDER BY i) FROM generate_series(1, 100000) t(i)")
add('lastval', "SELECT last_value(repeat('x', 1000000)) OVER () FROM generate_series(1, 100000)")
add('firstval', "SELECT first_value(repeat('x', 10000000)) OVER (ORDER BY i) FROM generate_series(1, 100000) t(i)")
add('lag', "SELECT lag(repeat('x', 10000000), 1, repeat('y', 10000000)) OVER (ORDER BY i) FROM generate_series(1, 100000) t(i)")
add('arr_text', "SELECT (SELECT array_agg(i) FROM generate_series(1, 3000000) t(i))::text")
add('arr_text2', "SELECT array_agg(i)::text FROM generate_series(1, 30000000) t(i)")
add('arr_text3', "SELECT array_to_string(array_agg(i), ',') FROM generate_series(1, 30000000) t(i)")
add('wide', "SELECT "+", ".join(f"repeat('x', 1000) AS c{i}" for i in range(1600))+" FROM generate_series(1, 1000000)")
add('wide2', "SELECT "+", ".join(f"repeat(i::text, 100) AS c{i}" for i in range(1600))+" FROM generate_series(1, 1000000) t(i)")
add('cube12', "SELECT count(*) FROM (SELECT "+", ".join(f"i%{k} AS c{k}" for k in range(2,14))+" FROM generate_series(1, 1000000) t(i)) q GROUP BY CUBE ("+", ".join(f"c{k}" for k in range(2,14))+")")
add('regex_rows', "SELECT count(*) FROM generate_series(1, 200000) t(i) WHERE 'abc' ~ ('a{1,200}b{1,' || (i % 800 + 1) || '}c' || i)")
add('regex_rows2', "SELECT count(regexp_replace('abc', 'a' || i || '\\w{1,50}', 'x')) FROM generate_series(1, 300000) t(i)")
add('cross', "SELECT count(*) FROM generate_series(1, 1000000) a(i), generate_series(1, 1000000) b(j) WHERE i+j<0")
add('cross_sort', "SELECT * FROM generate_series(1, 1000000) a(i), generate_series(1, 100) b(j) ORDER BY i*j, j LIMIT 5")
add('stragg', "SELECT string_agg(repeat('x', 1000), ',') FROM generate_series(1, 3000000)")
add('arragg_txt', "SELECT array_agg(repeat('x', 1000)) FROM generate_series(1, 3000000)")
add('jsonagg', "SELECT json_agg(repeat('x', 1000)) FROM generate_series(1, 3000000)")
add('jsonagg2', "SELECT jsonb_agg(to_jsonb(i)) FROM generate_series(1, 10000000) t(i)")
add('jsonobjagg', "SELECT jsonb_object_agg(i, i) FROM generate_series(1, 10000000) t(i)")
add('count_distinct', "SELECT count(DISTINCT repeat(i::text, 100)) FROM generate_series(1, 3000000) t(i)")
add('median', "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i) FROM generate_series(1, 100000000) t(i)")
add('group_txt', "SELECT repeat(i::text, 100), count(*) FROM generate_series(1, 3000000) t(i) GROUP BY 1 LIMIT 1")
add('unnest', "SELECT count(*) FROM (SELECT unnest(range(0, 100000)) FROM generate_series(1, 100000)) q")
add('unnest2', "SELECT unnest(array_agg(i)) , unnest(array_agg(i)) FROM generate_series(1, 5000000) t(i)")
add('repeat_rows', "SELECT length(repeat('x', 10000000)) FROM generate_series(1, 100000)")
add('repeat_rows2', "SELECT sum(length(repeat('x', 10000000 + i::int))) FROM generate_series(1, 1000) t(i)")
add('concat_grow', "WITH RECURSIVE r(n, t) AS (SELECT 1, 'xxxxxxxxxx' UNION ALL SELECT n+1, t || t FROM r WHERE n < 40) SELECT length(t) FROM r")
add('recursive', "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r) SELECT count(*) FROM r")
add('recursive2', "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r, generate_series(1, 10)) SELECT count(*) FROM r")
add('cte_arr', "WITH a AS (SELECT array_agg(i) x FROM generate_series(1, 1000000) t(i)) SELECT a.x, b.x, j FROM a, a b, generate_series(1, 10000) u(j)")
add('join_big', "SELECT a.x, j FROM (SELECT array_agg(i) x FROM generate_series(1, 1000000) t(i)) a JOIN generate_series(1, 100000) u(j) ON a.x[1] <= j")
add('join_text', "SELECT a.x, j FROM (SELECT repeat('x', 16000000) x) a JOIN generate_series(1, 100000) u(j) ON length(a.x) > j")
add('case_big', "SELECT CASE WHEN j % 2 = 0 THEN a.x ELSE a.x || 'y' END FROM (SELECT repeat('x', 16000000) x) a, generate_series(1, 100000) u(j)")
add('coalesce_big', "SELECT coalesce(nullif(j, 1)::text, repeat('x', 10000000)) , coalesce(repeat('z', 10000000), j::text) FROM generate_series(1, 100000) u(j)")
add('distinct_on', "SELECT DISTINCT ON (j % 10) repeat('x', 10000000), j FROM generate_series(1, 100000) u(j)")
add('min_big', "SELECT j % 10000, min(repeat('x', 1000000)) FROM generate_series(1, 100000) u(j) GROUP BY 1")
add('max_arr', "SELECT j % 10000, max(range(0, 100000)) FROM generate_series(1, 100000) u(j) GROUP BY 1")
add('order_big', "SELECT repeat('x', 1000000) t, j FROM generate_series(1, 100000) u(j) ORDER BY 1, 2")
add('union_big', "SELECT repeat('x', 1000000) t UNION SELECT repeat('y', 1000000 + j::int) FROM generate_series(1, 10000) u(j)")
add('lateral', "SELECT * FROM generate_series(1, 100000) a(i), LATERAL (SELECT array_agg(j) FROM generate_series(1, 100000) b(j) WHERE j <> i) q")
add('struct', "SELECT row_to_json(q) FROM (SELECT repeat('x', 1000000) a, j FROM generate_series(1, 100000) u(j)) q")
add('tojsonb', "SELECT to_jsonb(array_agg(i)) FROM generate_series(1, 10000000) t(i)")
add('split', "SELECT string_to_array(repeat('a,', 8000000), ',') FROM generate_series(1, 100)")
add('split2', "SELECT regexp_split_to_array(repeat('a,', 8000000), ',') FROM generate_series(1, 100)")
add('splittable', "SELECT count(*) FROM regexp_split_to_table(repeat('a,', 8000000), ',')")
add('matches', "SELECT regexp_matches(repeat('a', 8000000), 'a', 'g')")
add('strtable', "SELECT count(*) FROM string_to_table(repeat('a,', 8000000), ',')")
add('fmt', "SELECT format('%1000000000s', 'x')")
add('fmt2', "SELECT format(repeat('%1$s', 1000000), repeat('x', 1000000))")
add('tochar', "SELECT to_char(1, repeat('9', 10000000))")
add('tochar2', "SELECT to_char(now(), repeat('Day', 5000000)) FROM generate_series(1, 100)")
add('encode', "SELECT encode(decode(repeat('ab', 8000000), 'hex'), 'escape')")
add('numpow', "SELECT 10::numeric ^ 100000")
add('fact', "SELECT power(9.9::numeric, 1000000)")
add('numtext', "SELECT ('1e1000000')::numeric")
add('numtext2', "SELECT ('0.' || repeat('1', 10000000))::numeric")
add('round', "SELECT round(1.5, 1000000000)")
add('datepart', "SELECT date '4713-01-01 BC' + 2147483647")
add('genseries_ts', "SELECT count(*) FROM generate_series(timestamp '0001-01-01', timestamp '9999-01-01', interval '1 microsecond')")
add('inlist', "SELECT 1 WHERE 1 IN ("+",".join(map(str,range(300000)))+")")
add('values', "VALUES "+",".join(f"({i})" for i in range(200000)))
add('insub', "SELECT "+" + ".join(f"(SELECT {i})" for i in range(1000)))
add('joins', "SELECT count(*) FROM "+" CROSS JOIN ".join(f"generate_series(1,10) t{i}" for i in range(40)))
add('cast_nested', "SELECT "+"CAST("*50000+"1"+" AS int)"*50000)
add('cast_nested2M', "SELECT "+"CAST("*120000+"1"+" AS int)"*120000)
add('dblcolon', "SELECT 1"+"::int"*100000)
add('func_nested', "SELECT "+"abs("*100000+"1"+")"*100000)
add('sub_nested', "SELECT "+"(SELECT "*20000+"1"+")"*20000)
add('from_nested', "SELECT 1 FROM "+"(SELECT 1 FROM "*5000+"quotes"+") q"*5000)
add('joinparen', "SELECT 1 FROM "+"("*20000+"quotes"+")"*20000)
add('setop', "SELECT 1"+" UNION ALL SELECT 1"*20000)
add('setop_paren', "("*20000+"SELECT 1"+")"*20000)
add('with_nested', "WITH a AS ("*5000+"SELECT 1"+") SELECT 1"*5000)
add('exists_nested', "SELECT "+"EXISTS (SELECT 1 WHERE "*5000+"true"+")"*5000)
add('between', "SELECT "+"1 BETWEEN 0 AND "*20000+"1")
add('like_chain', "SELECT 'a'"+" LIKE 'a'"*20000)
add('collate', "SELECT 'a'"+" COLLATE \"C\""*20000)
add('attz', "SELECT now()"+" AT TIME ZONE 'UTC'"*20000)
add('subscript', "SELECT (ARRAY[1])"+"[1]"*20000)
add('dots', "SELECT a"+".b"*100000)
add('jsonarrow', "SELECT '{}'::jsonb"+" -> 'a'"*20000)
add('jsonpathval', "SELECT '{}'::jsonb #> '{"+"a,"*1000000+"a}'")
add('concatop', "SELECT 'a'"+" || 'a'"*20000)
add('cmp', "SELECT 1"+" = 1"*20000)
add('comment_nested', "/*"*200000+" x "+"*/"*200000+" SELECT 1")
add('dollar', "SELECT $"+"a"*1000000+"$x$"+"a"*1000000+"$")
add('ident', "SELECT 1 AS \""+"a"*10000000+"\"")
add('bitcast', "SELECT arrow_cast(1, 'FixedSizeList(2000000000, Int8)')")
add('bitcast2', "SELECT arrow_cast(make_array(1), 'FixedSizeList(2147483647, Int64)')")
add('bitcast3', "SELECT arrow_cast(NULL, 'FixedSizeBinary(2147483647)') FROM generate_series(1, 100000)")
add('typenested', "SELECT NULL::"+"varchar(10)"+"[]"*1000)
add('arrayfill', "SELECT array_fill(1, ARRAY[100000, 100000])")
add('arrcat', "SELECT array_cat(range(0, 1000000), range(0, 1000000)) FROM generate_series(1, 100000)")
add('arrpos', "SELECT array_position(range(0, 1000000), i) FROM generate_series(1, 100000) t(i)")
add('greatest', "SELECT greatest(repeat('x', 10000000), j::text) FROM generate_series(1, 100000) u(j)")
add('substr', "SELECT substr(repeat('x', 16000000), 1, 16000000) FROM generate_series(1, 100000)")
add('upper', "SELECT upper(repeat('x', 16000000) || j) FROM generate_series(1, 1000) u(j)")
add('translate', "SELECT translate(repeat('x', 16000000), 'x', 'yz') FROM generate_series(1, 100000)")
add('overlay', "SELECT overlay(repeat('x', 16000000) placing 'z' from j::int) FROM generate_series(1, 100000) u(j)")
add('reverse', "SELECT reverse(repeat('x', 16000000 ) || j) FROM generate_series(1, 1000) u(j)")
add('md5', "SELECT md5(repeat('x', 16000000) || j) FROM generate_series(1, 100) u(j)")
add('win_rank', "SELECT sum(i) OVER (ORDER BY i ROWS BETWEEN 1000000 PRECEDING AND 1000000 FOLLOWING) FROM generate_series(1, 3000000) t(i)")
add('ntile', "SELECT ntile(2) OVER (ORDER BY repeat(i::text, 100)) FROM generate_series(1, 3000000) t(i)")
add('groupingsets', "SELECT count(*) FROM generate_series(1, 100000) t(i) GROUP BY GROUPING SETS ("+",".join("(i)" for _ in range(2000))+")")
add('explain', "EXPLAIN SELECT "+" + ".join("1" for _ in range(3000)))
add('likeall', "SELECT count(*) FROM generate_series(1, 100000) t(i) WHERE repeat(i::text, 1000) ILIKE '%' || repeat('a%', 1000)")
add('similar', "SELECT 'a' SIMILAR TO repeat('(a|b)*', 10000)")
add('quote_big', "SELECT quote_literal(repeat('''', 16000000)) FROM generate_series(1, 1000)")
add('lists', "SELECT make_array("+",".join("repeat('x', 1000000)" for _ in range(1000))+")")
add('jsonbuild', "SELECT json_build_object("+",".join(f"'k{i}', repeat('x', 1000000)" for i in range(100))+") FROM generate_series(1, 1000)")
add('copyq', "COPY (SELECT repeat('x', 1000000) FROM generate_series(1, 100000)) TO STDOUT")
add("spaces", "SELECT 1" + " " * 30_000_000)
add("commas", "SELECT 1 WHERE 1 IN (" + "1," * 3_000_000 + "1)")


def ask(victim, sql):
    """How a statement ended; a client that has seen enough rows goes."""
    until, rows = time.monotonic() + TIMEOUT + 1, 0
    try:
        with psycopg.connect(victim.dsn, autocommit=True) as client:
            client.execute(f"SET statement_timeout = '{TIMEOUT}s'")
            if sql.startswith("COPY"):
                with client.cursor().copy(sql) as copy:
                    size = 0
                    for piece in copy:
                        size += len(piece)
                        if size > 100_000_000:
                            client.close()
                            return "enough"
                return "done"
            for _ in client.cursor().stream(sql):
                rows += 1
                if time.monotonic() > until:
                    client.close()
                    return "enough"
            return f"{rows} rows"
    except psycopg.Error as error:
        return error.sqlstate or "closed"


def main():
    victim, faults = Victim(HOST, PORT, PID), []
    for name, sql in STATEMENTS.items():
        if name in NAMES or (not NAMES and (ALL or name in CORE)):
            told = []
            faults += victim.check(name, lambda: told.append(ask(victim, sql)) or told[0])
            if told == ["XX000"]:
                faults.append(f"{name}: an internal error")
    print(f"{len(faults)} faults")
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
