"""Temporary tables beside PostgreSQL's: the same scripts, each in a session of its own, over both protocols.

    client.py

Rows in the order in which they come, tags, SQLSTATEs, names and types of columns have to be the same. What is refused
here on purpose stands in REFUSED.
"""

import re
import sys
from pathlib import Path

import psycopg
from psycopg import pq

sys.path.insert(0, str(Path(__file__).parent.parent / "differential"))
from oracle import Oracle  # noqa: E402

# Scripts: statements with `;` at the end of a line between them. After `COPY ... FROM STDIN` come its rows, up to `\.`.
SCRIPTS = {
    "made, filled, read and dropped": """
        CREATE TEMP TABLE t (a int, b text, c double precision, d date DEFAULT '2026-01-02', e timestamptz);
        INSERT INTO t VALUES (1, 'x', 1.5, '2026-11-01', '2026-11-01 10:00Z');
        INSERT INTO t (b, a) VALUES ('y', 2), (NULL, 3), ('z', DEFAULT);
        SELECT a, b, c, d FROM t;
        SELECT * FROM t WHERE a > 1 ORDER BY a DESC;
        SELECT count(*), sum(a), max(b), min(d) FROM t;
        INSERT INTO t DEFAULT VALUES;
        SELECT count(*), count(a) FROM t;
        INSERT INTO t SELECT a + 10, upper(b), c * 2 FROM t WHERE a < 3;
        SELECT * FROM t ORDER BY a NULLS FIRST, b;
        TRUNCATE t;
        SELECT * FROM t;
        DROP TABLE t;
        SELECT * FROM t;
        DROP TABLE IF EXISTS t
    """,
    "made of a query": """
        CREATE TEMP TABLE s AS SELECT i AS n, i * 2 AS twice, 'r' || i AS name FROM generate_series(1, 5) i;
        SELECT * FROM s;
        CREATE TEMPORARY TABLE IF NOT EXISTS s AS SELECT 1 AS other;
        SELECT count(*) FROM s;
        CREATE TEMP TABLE s AS SELECT 1;
        SELECT n, sum(n) OVER (ORDER BY n) FROM s WHERE name <> 'r3';
        SELECT name, n INTO TEMP u FROM s WHERE n > 2 ORDER BY n DESC;
        SELECT * FROM u;
        SELECT n INTO TEMPORARY TABLE u FROM s;
        CREATE TEMP TABLE named (x, y) AS SELECT 1, 'a' UNION ALL SELECT 2, NULL;
        SELECT x + 1, y FROM named;
        CREATE TEMP TABLE fewer (x) AS SELECT 1, 2 AS b WITH NO DATA;
        SELECT * FROM fewer;
        CREATE TEMP TABLE IF NOT EXISTS fewer (x) AS SELECT 1 WITH DATA;
        CREATE LOCAL TEMPORARY TABLE kept ON COMMIT PRESERVE ROWS AS VALUES (1, 'a'), (2, 'b');
        SELECT * FROM kept;
        CREATE TEMP TABLE few (x, y, z) AS SELECT 1, 2;
        CREATE TEMP TABLE twice AS SELECT 1 AS a, 2 AS a;
        CREATE TEMP TABLE empty AS SELECT n FROM s WHERE false;
        SELECT * FROM empty;
        SELECT s.n, u.name FROM s LEFT JOIN u USING (n) ORDER BY n;
        CREATE TEMP TABLE nulls AS SELECT NULL AS a, 1.50 AS b, true AS c, ARRAY[1, 2] AS d;
        SELECT a, c, d FROM nulls;
        INSERT INTO nulls VALUES ('x', 2.25, false, ARRAY[3]);
        SELECT a, b, c, d[1] FROM nulls WHERE NOT c
    """,
    "changed": """
        CREATE TEMP TABLE t (id int, name text, price double precision);
        INSERT INTO t VALUES (1, 'a', 10), (2, 'b', 20), (3, 'c', 30), (4, NULL, 40);
        UPDATE t SET price = price * 2 WHERE id <= 2;
        SELECT * FROM t ORDER BY id;
        SELECT * FROM t;
        UPDATE t SET name = DEFAULT, price = id WHERE name = 'c';
        SELECT * FROM t ORDER BY id;
        UPDATE t AS x SET (name, price) = ('n', x.id + 0.5) WHERE x.id = 4;
        SELECT * FROM t ORDER BY id;
        CREATE TEMP TABLE more AS SELECT 1 AS id, 'one' AS label UNION ALL SELECT 2, 'two';
        UPDATE t SET name = m.label FROM more m WHERE m.id = t.id;
        SELECT * FROM t ORDER BY id;
        UPDATE t SET price = sum(price) OVER ();
        UPDATE t SET price = max(price);
        UPDATE t SET price = (SELECT max(price) FROM t) WHERE id = 1;
        SELECT * FROM t ORDER BY id;
        UPDATE t SET price = 100 / (id - 2) WHERE id <> 2;
        SELECT * FROM t ORDER BY id;
        DELETE FROM t WHERE id IN (SELECT id FROM more) AND name LIKE 'o%';
        SELECT * FROM t ORDER BY id;
        DELETE FROM t USING more m WHERE m.id = t.id;
        SELECT * FROM t ORDER BY id;
        WITH gone AS (SELECT 3 AS id) DELETE FROM t WHERE id IN (SELECT id FROM gone);
        WITH new AS (SELECT 9 AS id, 'w' AS name) INSERT INTO t SELECT * FROM new;
        SELECT * FROM t ORDER BY id;
        DELETE FROM t;
        SELECT count(*) FROM t
    """,
    "types and their casts": """
        CREATE TEMP TABLE t (i smallint, l bigint, n numeric, p numeric(8, 2), r real, v varchar(3), b boolean, ts timestamp, iv interval, j jsonb, u uuid, by bytea, ar text[]);
        INSERT INTO t VALUES (1.6, 2.5, 1.23456789, 1.005, 0.1, 'abc', 'yes', '2026-11-01', '1 day', '{"a": 1}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x01ff', '{a,b}');
        SELECT * FROM t;
        INSERT INTO t (i) VALUES (40000);
        INSERT INTO t (v) VALUES ('abcd');
        INSERT INTO t (v) VALUES ('ab');
        INSERT INTO t (p) VALUES (1234567.5);
        INSERT INTO t (b) VALUES (1);
        INSERT INTO t (i) VALUES (true);
        INSERT INTO t (i) VALUES ('12'), ('x');
        INSERT INTO t (i) SELECT '13';
        INSERT INTO t (i) SELECT v FROM t;
        INSERT INTO t (v) SELECT i FROM t WHERE i IS NOT NULL;
        INSERT INTO t (ts) VALUES (current_date);
        INSERT INTO t (ts) VALUES ('never');
        INSERT INTO t (n) SELECT 1 / 3.0;
        SELECT i, v, p FROM t ORDER BY i, v;
        UPDATE t SET i = v WHERE v = '2';
        UPDATE t SET i = v::int + 1 WHERE v = '2';
        UPDATE t SET v = 'toolong' WHERE i IS NULL;
        SELECT i, v FROM t ORDER BY i, v;
        SELECT pg_typeof(i), pg_typeof(l), pg_typeof(n), pg_typeof(r), pg_typeof(b), pg_typeof(ts), pg_typeof(j), pg_typeof(ar) FROM t LIMIT 1;
        CREATE TEMP TABLE bad (a nosuchtype);
        CREATE TEMP TABLE bad (a int, a text);
        CREATE TEMP TABLE bad (a int DEFAULT 'x')
    """,
    "what may not be in a table": """
        CREATE TEMP TABLE t (id int PRIMARY KEY, name text NOT NULL, code text UNIQUE, UNIQUE (name, code));
        INSERT INTO t VALUES (1, 'a', 'x');
        INSERT INTO t VALUES (1, 'b', 'y');
        INSERT INTO t VALUES (2, NULL, 'y');
        INSERT INTO t (name) VALUES ('c');
        INSERT INTO t VALUES (2, 'b', 'x');
        INSERT INTO t VALUES (2, 'b', NULL), (3, 'b', NULL);
        INSERT INTO t VALUES (4, 'd', 'd'), (4, 'e', 'e');
        SELECT * FROM t ORDER BY id;
        UPDATE t SET id = id + 10;
        SELECT * FROM t ORDER BY id;
        UPDATE t SET id = id - 10;
        UPDATE t SET id = 2;
        UPDATE t SET name = NULL WHERE id = 3;
        SELECT * FROM t ORDER BY id;
        INSERT INTO t (id, nosuch) VALUES (1, 2);
        INSERT INTO t (id, id) VALUES (1, 2);
        INSERT INTO t VALUES (1, 'a', 'b', 'c');
        INSERT INTO t (id, name) VALUES (9);
        INSERT INTO t (id) VALUES (9, 'x');
        UPDATE t SET nosuch = 1;
        UPDATE t SET id = 1, id = 2;
        UPDATE t SET id = nosuch;
        DELETE FROM t WHERE nosuch = 1;
        INSERT INTO nosuch_at_all SELECT 1 FROM nosuch_at_all
    """,
    "transactions": """
        CREATE TEMP TABLE t (a int);
        INSERT INTO t VALUES (1);
        BEGIN;
        INSERT INTO t VALUES (2);
        CREATE TEMP TABLE u AS SELECT * FROM t;
        SELECT count(*) FROM u;
        ROLLBACK;
        SELECT * FROM t;
        SELECT * FROM u;
        BEGIN;
        DELETE FROM t;
        SAVEPOINT s;
        INSERT INTO t VALUES (5);
        DROP TABLE t;
        SELECT * FROM t;
        ROLLBACK TO s;
        SELECT count(*) FROM t;
        INSERT INTO t VALUES (6);
        COMMIT;
        SELECT * FROM t;
        BEGIN;
        SET LOCAL application_name = 'x';
        INSERT INTO t VALUES (7);
        COMMIT;
        SELECT * FROM t ORDER BY a;
        INSERT INTO t VALUES (8)\\; SELECT 1 / 0;
        SELECT * FROM t ORDER BY a;
        CREATE TEMP TABLE w (a int)\\; INSERT INTO w VALUES (1)\\; SELECT * FROM w;
        SELECT * FROM w;
        BEGIN;
        CREATE TEMP TABLE gone (a int) ON COMMIT DROP;
        CREATE TEMP TABLE emptied (a int) ON COMMIT DELETE ROWS;
        INSERT INTO emptied VALUES (1);
        SELECT count(*) FROM emptied;
        COMMIT;
        SELECT count(*) FROM emptied;
        SELECT * FROM gone;
        DISCARD TEMP;
        SELECT * FROM t;
        CREATE TEMP TABLE t (other text);
        SELECT * FROM t
    """,
    "views": """
        CREATE TEMP TABLE t AS SELECT i FROM generate_series(1, 4) i;
        CREATE TEMP VIEW v AS SELECT i, i * i AS square FROM t WHERE i > 1;
        SELECT * FROM v ORDER BY i;
        INSERT INTO t VALUES (10);
        SELECT * FROM v ORDER BY i DESC;
        CREATE TEMP VIEW w (a, b) AS SELECT v.i, t.i FROM v JOIN t ON t.i = v.square;
        SELECT * FROM w;
        CREATE TEMP VIEW v AS SELECT 1;
        CREATE OR REPLACE TEMP VIEW v AS SELECT i, -i AS square FROM t;
        SELECT * FROM v ORDER BY i;
        DROP TABLE t;
        DROP VIEW t;
        DROP TABLE v;
        DROP VIEW v;
        DROP TABLE t CASCADE;
        SELECT * FROM v;
        SELECT * FROM w;
        CREATE TEMP VIEW dup AS SELECT 1 AS a, 2 AS a;
        CREATE TEMP VIEW p AS SELECT 1 AS one;
        CREATE TEMP TABLE p (a int);
        SELECT * FROM p;
        DROP VIEW IF EXISTS p, nosuch;
        DROP VIEW nosuch_view
    """,
    "names": """
        INSERT INTO nosuch VALUES (1);
        DELETE FROM nosuch;
        DROP TABLE nosuch;
        CREATE TEMP TABLE "Odd Name" ("Col" int, "select" text);
        INSERT INTO "Odd Name" VALUES (1, 'x');
        SELECT "Col", "select" FROM "Odd Name";
        UPDATE "Odd Name" SET "Col" = "Col" + 1, "select" = 'y';
        SELECT * FROM "Odd Name";
        SELECT * FROM pg_temp."Odd Name";
        CREATE TABLE pg_temp.here (a int);
        INSERT INTO pg_temp.here VALUES (1);
        SELECT * FROM here;
        DELETE FROM pg_temp.here;
        DROP TABLE pg_temp.here;
        DROP TABLE pg_temp.nosuch;
        CREATE TEMP TABLE public.elsewhere (a int);
        CREATE TEMP TABLE pg_class_too (a int);
        SELECT relname, relkind, relpersistence FROM pg_class WHERE relname = 'pg_class_too';
        SELECT table_name, table_type FROM information_schema.tables WHERE table_name = 'pg_class_too';
        SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'pg_class_too';
        SELECT 'pg_class_too'::regclass, to_regclass('pg_class_too') IS NOT NULL, to_regclass('nosuch') IS NULL;
        SELECT pg_table_is_visible('pg_class_too'::regclass);
        SELECT 'pg_temp . "pg_class_too"'::regclass = 'pg_class_too'::regclass, to_regclass('pg_temp.nosuch');
        SELECT n.oid = pg_my_temp_schema(), n.nspname LIKE 'pg_temp_%' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relname = 'pg_class_too';
        SELECT current_schema();
        CREATE TEMP TABLE required (a int PRIMARY KEY, b text NOT NULL COLLATE "C", c text);
        SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = 'required' ORDER BY ordinal_position;
        SELECT has_table_privilege('required', 'INSERT'), has_database_privilege(current_database(), 'TEMP');
        CREATE TEMP TABLE hides (a int);
        CREATE TEMP TABLE (a int)
    """,
    "values that are computed": """
        CREATE TEMP TABLE t (a int, b text, d date DEFAULT date '2026-01-01' + 1);
        INSERT INTO t VALUES ((SELECT 1), (SELECT 'x'), DEFAULT);
        INSERT INTO t (a) VALUES ((SELECT max(a) + 1 FROM t)), (7), (CASE WHEN EXISTS (SELECT 1 FROM t) THEN 3 END);
        INSERT INTO t (b) VALUES (date '2026-01-01'), (interval '1 day'), ('y'), (1), (1.5), (true);
        INSERT INTO t (b) VALUES (ARRAY[1, 2]), (upper('z') || length('abc'));
        SELECT * FROM t;
        CREATE TEMP TABLE n (o oid, j json, jb jsonb, ia int[], na numeric[]);
        INSERT INTO n VALUES (5, '{"a":1}', '[2]', ARRAY[1, 2], ARRAY[1, 2]);
        UPDATE n SET jb = j, na = ia;
        SELECT * FROM n;
        CREATE TEMP TABLE ag (v int, ar int[], t text);
        INSERT INTO ag VALUES (1, '{1,2}', 'a b'), (2, '{}', ''), (3, NULL, NULL), (4, '{NULL,3}', 'c');
        SELECT v, array_length(ar, 1), cardinality(ar), array_position(ar, 3), array_to_string(ar, ','), array_append(ar, v) FROM ag ORDER BY v;
        SELECT v, concat(t, v), substr(t, 2), strpos(t, 'b'), split_part(t, ' ', 2), lpad(t, 5, '*'), char_length(t), md5(t), left(t, -1) FROM ag ORDER BY v;
        SELECT v, round(v * 1.25, 1), power(v, 2), mod(v, 3), gcd(v, 6), to_char(v, '009') FROM ag ORDER BY v;
        CREATE TEMP TABLE x (a int DEFAULT (SELECT 1));
        CREATE TEMP TABLE x (a int DEFAULT max(1));
        CREATE TEMP TABLE x (a int DEFAULT row_number() OVER ());
        CREATE TEMP TABLE x (a int DEFAULT true);
        CREATE TEMP TABLE x (a int DEFAULT '1'::text);
        CREATE TEMP TABLE x (a int DEFAULT generate_series(1, 2));
        CREATE TEMP TABLE x (ctid int);
        DELETE FROM t USING t;
        UPDATE t SET a = 1 FROM t;
        DELETE FROM t AS u USING t WHERE t.a = u.a + 1;
        UPDATE t SET a = generate_series(1, 2);
        CREATE TEMP VIEW v AS SELECT a, b FROM t;
        CREATE OR REPLACE TEMP VIEW v AS SELECT a FROM t;
        CREATE OR REPLACE TEMP VIEW v AS SELECT a, b AS c FROM t;
        CREATE OR REPLACE TEMP VIEW v AS SELECT a, b, d FROM t;
        CREATE TEMP TABLE z (a double precision PRIMARY KEY);
        INSERT INTO z VALUES (0), ('-0');
        INSERT INTO z VALUES ('NaN'), ('NaN');
        INSERT INTO z VALUES (0), (1)
    """,
    "arrays that are copied": """
        CREATE TEMP TABLE t (a text[], b int[], c numeric[], d date[]);
        ANALYZE t;
        ANALYZE nosuch;
        COPY t FROM STDIN;
        {a,b}	{1,NULL}	{1.5,2}	{2026-11-01}
        {"a b",NULL,"c,d"}	{}	\\N	{NULL}
        \\.
        COPY t (b, a) FROM STDIN WITH (FORMAT csv);
        "{3,4}","{x}"
        \\.
        SELECT *, a[2], cardinality(b) FROM t;
        COPY t (b) FROM STDIN;
        {1,x}
        \\.
        COPY t (b) FROM STDIN;
        1,2
        \\.
        INSERT INTO t (a) SELECT '{' || 'p,q' || '}';
        INSERT INTO t (a) SELECT ('{' || 'p,q' || '}')::text[];
        SELECT count(*), max(cardinality(a)) FROM t
    """,
    "rows that are copied": """
        CREATE TEMP TABLE t (a int, b text, c date);
        COPY t FROM STDIN;
        1	x	2026-11-01
        2	\\N	2026-11-02
        3	a\\tb	\\N
        \\.
        SELECT * FROM t;
        COPY t (b, a) FROM STDIN WITH (FORMAT csv, HEADER);
        b,a
        "q ""x"", y",4
        ,5
        \\.
        SELECT * FROM t ORDER BY a;
        COPY t FROM STDIN;
        nonsense	x	2026-11-01
        \\.
        COPY t FROM STDIN;
        1	x
        \\.
        COPY t (nosuch) FROM STDIN;
        SELECT count(*) FROM t;
        COPY t TO STDOUT;
        COPY (SELECT a, b FROM t WHERE a > 3 ORDER BY a) TO STDOUT CSV HEADER
    """,
    "prepared": """
        CREATE TEMP TABLE t (a int, b text);
        PREPARE put (int, text) AS INSERT INTO t VALUES ($1, $2);
        EXECUTE put(1, 'x');
        EXECUTE put(2, NULL);
        PREPARE got AS SELECT * FROM t ORDER BY a;
        EXECUTE got;
        DROP TABLE t;
        EXECUTE got;
        CREATE TEMP TABLE t (a int, b text);
        EXECUTE put(3, 'z');
        EXECUTE got;
        BEGIN;
        DECLARE c CURSOR FOR SELECT * FROM t;
        DELETE FROM t;
        FETCH ALL FROM c;
        COMMIT;
        SELECT * FROM t
    """,
}

# With parameters, by the extended protocol: statements and their values, as texts.
WITH_PARAMETERS = [
    ("CREATE TEMP TABLE t (a int, b text, c timestamptz, d numeric)", []),
    ("INSERT INTO t VALUES ($1, $2, $3, $4)", ["1", "x", "2026-11-01 10:00+00", "1.25"]),
    ("INSERT INTO t (b, a) VALUES ($1, $2), ($3, $4)", ["y", "2", None, "3"]),
    ("SELECT a, b, d FROM t WHERE a >= $1 ORDER BY a", ["1"]),
    ("UPDATE t SET b = $1, d = d + $2 WHERE a = $3", ["z", "2", "1"]),
    ("SELECT a, b, d FROM t ORDER BY a", []),
    ("INSERT INTO t (a) SELECT n + $1 FROM generate_series(1, 3) n", ["100"]),
    ("DELETE FROM t WHERE a > $1", ["101"]),
    ("SELECT a FROM t ORDER BY a", []),
    ("INSERT INTO t (a) VALUES ($1)", ["x"]),
    ("CREATE TEMP TABLE u AS SELECT a FROM t WHERE a < $1", ["3"]),
    ("SELECT count(*) FROM u", []),
    ("DROP TABLE u", []),
]

# Asked of this server alone: statement, and the SQLSTATE that it ends with.
REFUSED = [
    ("CREATE TABLE t (a int)", "25006"),
    ("CREATE VIEW v AS SELECT 1", "25006"),
    ("INSERT INTO eod SELECT * FROM eod", "25006"),
    ("DELETE FROM eod", "25006"),
    ("UPDATE symbols SET symbol = 'x'", "25006"),
    ("DROP TABLE eod", "25006"),
    ("DROP TABLE IF EXISTS eod", "25006"),
    ("TRUNCATE eod", "25006"),
    ("COPY eod FROM STDIN", "25006"),
    ("CREATE TEMP TABLE t (a int CHECK (a > 0))", "0A000"),
    ("CREATE TEMP TABLE t (a int REFERENCES eod)", "0A000"),
    ("CREATE TEMP TABLE t (a int GENERATED ALWAYS AS IDENTITY)", "0A000"),
    ("CREATE TEMP TABLE t (a serial)", "0A000"),
    ("CREATE TEMP TABLE t (a char(3))", "0A000"),
    ("CREATE TEMP TABLE t (LIKE eod)", "0A000"),
    ("CREATE TEMP TABLE t PARTITION OF eod DEFAULT", "0A000"),
    ("CREATE TEMP TABLE t (a int) WITH (fillfactor = 70)", "0A000"),
    ("CREATE TEMP TABLE t AS SELECT * FROM live.quotes", "0A000"),
    ("EXPLAIN CREATE TEMP TABLE t AS SELECT 1", "0A000"),
    ("CREATE TEMP TABLE pg_type (a int)", "0A000"),
    ("CREATE TEMP TABLE t (a interval UNIQUE)", "0A000"),
    ("CREATE TEMP TABLE t (a jsonb PRIMARY KEY)", "0A000"),
    ("CREATE TEMP TABLE t (a text DEFAULT '" + "x" * 2000 + "')", "54000"),
    ("CREATE TEMP VIEW v AS SELECT 1" + " UNION ALL SELECT 1" * 500, "0A000"),
]
REFUSED_OF_A_TABLE = [
    ("INSERT INTO mine VALUES (1) RETURNING a", "0A000"),
    ("INSERT INTO mine VALUES (1) ON CONFLICT DO NOTHING", "0A000"),
    ("DELETE FROM mine RETURNING *", "0A000"),
    ("UPDATE mine SET a = 2 RETURNING a", "0A000"),
    ("EXPLAIN ANALYZE INSERT INTO mine VALUES (1)", "0A000"),
    ("INSERT INTO mine OVERRIDING SYSTEM VALUE VALUES (1)", None),
    ("DELETE FROM mine WHERE CURRENT OF c", None),
    ("MERGE INTO mine USING eod ON false WHEN MATCHED THEN DELETE", "25006"),
    ("ALTER TABLE mine ADD COLUMN b int", "25006"),
    ("CREATE INDEX ON mine (a)", "25006"),
]

def statements(script):
    """The statements of a script, each with the rows that follow a COPY."""
    found, lines = [], [line.strip() for line in script.strip().split("\n")]
    while lines:
        sql = lines.pop(0)
        while not sql.endswith(";") and lines:
            sql += "\n" + lines.pop(0)
        sql, rows = sql.rstrip(";").replace("\\;", ";"), None
        if re.match(r"COPY .* FROM STDIN", sql) and lines and "\\." in lines:
            end = lines.index("\\.")
            rows = "".join(line + "\n" for line in lines[:end]).encode()
            lines = lines[end + 1 :]
        found.append((sql, rows))
    return found


def told(result):
    """What a client sees of a result."""
    if result.status == pq.ExecStatus.FATAL_ERROR:
        return ("error", result.error_field(pq.DiagnosticField.SQLSTATE).decode())
    columns = [(result.fname(i).decode(), result.ftype(i), result.fmod(i)) for i in range(result.nfields)]
    rows = [tuple(result.get_value(row, i) for i in range(result.nfields)) for row in range(result.ntuples)]
    return (result.command_status, columns, rows)


def run(connection, sql, rows=None):
    """All results of a simple query; of several statements as many."""
    pgconn, results = connection.pgconn, []
    pgconn.send_query(sql.encode())
    while (result := pgconn.get_result()) is not None:
        if result.status == pq.ExecStatus.COPY_IN:
            if rows:
                pgconn.put_copy_data(rows)
            pgconn.put_copy_end()
        elif result.status == pq.ExecStatus.COPY_OUT:
            while (size_data := pgconn.get_copy_data(0))[0] > 0:
                results.append(bytes(size_data[1]))
        else:
            results.append(told(result))
    return results


def connect(conninfo):
    connection = psycopg.connect(conninfo, autocommit=True)
    connection.pgconn.exec_(b"SET TimeZone = 'UTC'")
    return connection


def main():
    faults, asked = [], 0
    ours = ""
    with Oracle() as oracle:
        for name, script in SCRIPTS.items():
            with connect(ours) as mine, connect(oracle.owner) as theirs:
                for sql, rows in statements(script):
                    asked += 1
                    got, wanted = run(mine, sql, rows), run(theirs, sql, rows)
                    if got != wanted:
                        faults.append(f"{name}: {sql}\n    tt          {got}\n    PostgreSQL  {wanted}")
        with connect(ours) as mine, connect(oracle.owner) as theirs:
            for sql, values in WITH_PARAMETERS:
                asked += 1
                values = [value if value is None else value.encode() for value in values]
                got, wanted = (told(c.pgconn.exec_params(sql.encode(), values)) for c in (mine, theirs))
                if got != wanted:
                    faults.append(f"with parameters: {sql}\n    tt          {got}\n    PostgreSQL  {wanted}")
    with connect(ours) as mine:
        run(mine, "CREATE TEMP TABLE mine (a int)")
        for sql, code in REFUSED + REFUSED_OF_A_TABLE:
            asked += 1
            (got,) = run(mine, sql)
            if got[0] != "error" or (code and got[1] != code):
                faults.append(f"refused: {sql}: {got}, not {code}")
        # Long chains end with an answer or a refusal, and the server lives.
        run(mine, "INSERT INTO mine VALUES (5)")
        for sql in (
            "DELETE FROM mine WHERE a = 0" + "".join(f" OR a = {n + 10}" for n in range(600)),
            "UPDATE mine SET a = 5 WHERE a <> 0" + "".join(f" AND a <> {n + 10}" for n in range(600)),
            "INSERT INTO mine SELECT * FROM mine WHERE a = 0" + "".join(f" OR a = {n + 10}" for n in range(600)),
        ):
            asked += 1
            run(mine, "SET statement_timeout = '10s'")
            (got,) = run(mine, sql)
            if got[0] == "error" and got[1] not in ("57014", "0A000", "54000", "54001"):
                faults.append(f"a long chain: {sql[:60]}: {got}")
        run(mine, "SET statement_timeout = 0")
        # Views over views are refused before they are too deep or too many.
        for name, over in (("deep", "SELECT a FROM {0}"), ("wide", "SELECT x.a FROM {0} x JOIN {0} y USING (a)")):
            run(mine, f"CREATE TEMP VIEW {name}0 AS SELECT a FROM mine")
            for level in range(1, 120):
                (got,) = run(mine, f"CREATE TEMP VIEW {name}{level} AS " + over.format(f"{name}{level - 1}"))
                if got[0] == "error":
                    break
            if got != ("error", "0A000"):
                faults.append(f"views over views, {name}: {got}")
            asked += level
        # Small tables take little of what a session may have.
        for number in range(300):
            run(mine, f"CREATE TEMP TABLE small{number} (a int, b text)")
            (got,) = run(mine, f"INSERT INTO small{number} VALUES (1, 'x')")
            if got[0] == "error":
                faults.append(f"small table {number}: {got}")
                break
        if run(mine, "CREATE TEMP TABLE tape AS SELECT symbol FROM live.quotes LIMIT 2")[0][0] != b"SELECT 2":
            faults.append("rows of a live table that are limited")
        # What one session makes, no other sees.
        with connect(ours) as other:
            if run(other, "SELECT * FROM mine")[0][0] != "error":
                faults.append("a temporary table is seen by another session")
        # Cached tables are read beside them, and hidden by those of their names.
        run(mine, "CREATE TEMP TABLE picked AS SELECT DISTINCT symbol FROM eod ORDER BY symbol LIMIT 3")
        joined = run(mine, "SELECT count(*) FROM eod JOIN picked USING (symbol)")[0][2]
        apart = run(mine, "SELECT count(*) FROM eod WHERE symbol IN (SELECT symbol FROM picked)")[0][2]
        if joined != apart or joined == [(b"0",)]:
            faults.append(f"a join with a cached table: {joined}, {apart}")
        run(mine, "CREATE TEMP TABLE eod (a int)")
        if run(mine, "SELECT count(*) FROM eod")[0][2] != [(b"0",)]:
            faults.append("a temporary table does not hide the one of its name")
        if run(mine, "SELECT count(*) > 0 FROM public.eod")[0][2] != [(b"t",)]:
            faults.append("the table that is hidden is not found under its schema")
    print(f"{asked} statements")
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
