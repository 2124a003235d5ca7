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
        SELECT column_name, data_type, is_nullable::text FROM information_schema.columns WHERE table_name = 'pg_class_too';
        SELECT 'pg_class_too'::regclass, to_regclass('pg_class_too') IS NOT NULL, to_regclass('nosuch') IS NULL;
        SELECT pg_table_is_visible('pg_class_too'::regclass);
        SELECT 'pg_temp . "pg_class_too"'::regclass = 'pg_class_too'::regclass, to_regclass('pg_temp.nosuch');
        SELECT n.oid = pg_my_temp_schema(), n.nspname LIKE 'pg_temp_%' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relname = 'pg_class_too';
        SELECT current_schema();
        CREATE TEMP TABLE required (a int PRIMARY KEY, b text NOT NULL COLLATE "C", c text);
        SELECT column_name, is_nullable::text FROM information_schema.columns WHERE table_name = 'required' ORDER BY ordinal_position;
        SELECT has_table_privilege('required', 'INSERT'), has_database_privilege(current_database(), 'TEMP');
        CREATE TEMP TABLE hides (a int);
        CREATE TEMP TABLE (a int)
    """,
    "what changes give": """
        CREATE TEMP TABLE t (a int PRIMARY KEY, b text DEFAULT 'd', c numeric);
        INSERT INTO t VALUES (1, 'x', 1.5), (2, DEFAULT, NULL) RETURNING *;
        INSERT INTO t (a) SELECT n FROM generate_series(3, 5) n RETURNING a, b AS name, a * 2, t.c;
        INSERT INTO t AS u VALUES (6) RETURNING u.a, upper(u.b);
        INSERT INTO t AS u VALUES (7) RETURNING t.a;
        INSERT INTO t DEFAULT VALUES RETURNING a;
        INSERT INTO t VALUES (1) RETURNING a;
        UPDATE t SET c = a * 10 WHERE a > 3 RETURNING a, c;
        UPDATE t AS u SET b = NULL WHERE u.a = 5 RETURNING u.*;
        UPDATE t SET b = 'none' WHERE a > 99 RETURNING *;
        DELETE FROM t WHERE a = 5 RETURNING a, b, c;
        DELETE FROM t WHERE a = 6 RETURNING a, b, c;
        DELETE FROM t WHERE a > 99 RETURNING a;
        WITH n AS (SELECT 20 AS a) INSERT INTO t (a) SELECT a FROM n RETURNING a;
        INSERT INTO t VALUES (30) RETURNING a IN (SELECT 30);
        INSERT INTO t VALUES (40) RETURNING count(*);
        INSERT INTO t VALUES (40) RETURNING row_number() OVER ();
        INSERT INTO t VALUES (40) RETURNING generate_series(1, 2);
        INSERT INTO t VALUES (40) RETURNING nosuch;
        INSERT INTO t VALUES (40) RETURNING 1 / (a - 40);
        SELECT * FROM t ORDER BY a;
        BEGIN;
        INSERT INTO t VALUES (50) RETURNING a;
        ROLLBACK;
        SELECT count(*) FROM t WHERE a = 50;
        PREPARE put (int) AS INSERT INTO t (a) VALUES ($1) RETURNING a, b;
        EXECUTE put(60);
        EXECUTE put(61)
    """,
    "rows that are there already": """
        CREATE TEMP TABLE t (a int PRIMARY KEY, b text UNIQUE, c int NOT NULL DEFAULT 0, CONSTRAINT both_ UNIQUE (a, c));
        INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3);
        INSERT INTO t VALUES (1, 'new', 5), (4, 'w', 4) ON CONFLICT DO NOTHING;
        INSERT INTO t VALUES (5, 'x', 5), (6, 'v', 6) ON CONFLICT DO NOTHING RETURNING a;
        INSERT INTO t VALUES (7, 'x', 5) ON CONFLICT (a) DO NOTHING;
        INSERT INTO t VALUES (7, 'u', 5), (7, 'u', 6), (8, NULL, 6) ON CONFLICT (a) DO NOTHING;
        SELECT * FROM t ORDER BY a;
        INSERT INTO t VALUES (1, 'xx', 10), (9, 'nine', 9), (2, 'yy', 20) ON CONFLICT (a) DO UPDATE SET b = excluded.b, c = t.c + excluded.c;
        SELECT * FROM t ORDER BY a;
        SELECT * FROM t;
        INSERT INTO t AS u VALUES (1, 'q', 1) ON CONFLICT (a) DO UPDATE SET c = u.c + 1 WHERE u.c > 100;
        INSERT INTO t AS u VALUES (1, 'q', 1) ON CONFLICT (a) DO UPDATE SET c = u.c + 1 WHERE u.c > 1 RETURNING *;
        INSERT INTO t VALUES (11, 'e', 1), (1, 'f', 2), (12, 'g', 3), (2, 'h', 4) ON CONFLICT (a) DO UPDATE SET (b, c) = (excluded.b, DEFAULT) RETURNING a, b, c;
        INSERT INTO t VALUES (1, 'q', 1), (1, 'r', 2) ON CONFLICT (a) DO UPDATE SET b = excluded.b;
        INSERT INTO t VALUES (90, 'q', 1), (90, 'r', 2) ON CONFLICT (a) DO UPDATE SET b = excluded.b;
        INSERT INTO t VALUES (1, 'q', 1) ON CONFLICT (a) DO UPDATE SET b = b;
        INSERT INTO t VALUES (1, 'q', 1) ON CONFLICT DO UPDATE SET b = 'b';
        INSERT INTO t VALUES (1, 'q', 1) ON CONFLICT (c) DO NOTHING;
        INSERT INTO t VALUES (1, 'q', 1) ON CONFLICT (nosuch) DO NOTHING;
        INSERT INTO t VALUES (1, 'q', 1) ON CONFLICT ON CONSTRAINT nosuch DO NOTHING;
        INSERT INTO t VALUES (2, 'q', 0) ON CONFLICT ON CONSTRAINT both_ DO UPDATE SET c = 77;
        INSERT INTO t VALUES (2, 'q', 4) ON CONFLICT ON CONSTRAINT t_pkey DO UPDATE SET c = 77 RETURNING c;
        INSERT INTO t VALUES (3, 'q', 3) ON CONFLICT (c, a) DO UPDATE SET c = 33 RETURNING c;
        INSERT INTO t VALUES (3, 'q', NULL) ON CONFLICT DO NOTHING;
        INSERT INTO t VALUES (3, 'q', 5) ON CONFLICT (a) DO UPDATE SET c = NULL;
        INSERT INTO t VALUES (3, 'q', 5) ON CONFLICT (a) DO UPDATE SET b = 'w';
        INSERT INTO t VALUES (3, 'q', 5) ON CONFLICT (a) DO UPDATE SET nosuch = 'w';
        INSERT INTO t VALUES (3, 'q', 5) ON CONFLICT (a) DO UPDATE SET c = 'w';
        INSERT INTO t (a) SELECT n FROM generate_series(1, 20) n ON CONFLICT (a) DO UPDATE SET c = excluded.a;
        SELECT a, b, c FROM t ORDER BY a;
        CREATE TEMP TABLE n (a int);
        INSERT INTO n VALUES (1) ON CONFLICT DO NOTHING;
        INSERT INTO n VALUES (1) ON CONFLICT (a) DO NOTHING
    """,
    "what is checked": """
        CREATE TEMP TABLE t (a int CHECK (a > 0), b text CHECK (b IN ('x', 'y')), c numeric, CHECK (c < a), CONSTRAINT named CHECK (b <> 'y' OR c IS NOT NULL));
        INSERT INTO t VALUES (1, 'x', 0.5), (2, NULL, NULL), (NULL, 'x', 7);
        INSERT INTO t VALUES (0, 'x', 0);
        INSERT INTO t VALUES (5, 'z', 0);
        INSERT INTO t VALUES (5, 'x', 5);
        INSERT INTO t VALUES (5, 'y', NULL);
        INSERT INTO t VALUES (5, 'x', 1), (0, 'x', -1), (6, 'q', 1);
        INSERT INTO t VALUES (0, 'long long long long long long long long long long long long long long text', -1);
        UPDATE t SET a = a - 1;
        UPDATE t SET a = a + 1;
        UPDATE t SET c = 100 WHERE a = 2;
        SELECT * FROM t ORDER BY a;
        CREATE TEMP TABLE bad (a int CHECK (a));
        CREATE TEMP TABLE bad (a int CHECK (a > (SELECT 1)));
        CREATE TEMP TABLE bad (a int CHECK (sum(a) > 1));
        CREATE TEMP TABLE bad (a int CHECK (nosuch > 1));
        CREATE TEMP TABLE bad (a int CHECK (row_number() OVER () > 1));
        CREATE TEMP TABLE k (id int PRIMARY KEY, t text NOT NULL, d date, UNIQUE (t, d));
        INSERT INTO k VALUES (1, 'a', '2026-11-01');
        INSERT INTO k VALUES (1, 'b', NULL);
        INSERT INTO k VALUES (2, 'a', '2026-11-01');
        INSERT INTO k VALUES (2, NULL, '2026-11-01');
        INSERT INTO k VALUES (NULL, 'x', NULL);
        INSERT INTO k VALUES (3, 'c', NULL), (1, 'd', NULL), (4, NULL, NULL);
        UPDATE k SET id = NULL
    """,
    "altered": """
        CREATE TEMP TABLE t (a int, b text);
        INSERT INTO t VALUES (1, 'x'), (2, 'y');
        ALTER TABLE t RENAME TO u;
        SELECT * FROM t;
        SELECT * FROM u;
        ALTER TABLE u RENAME COLUMN b TO name;
        ALTER TABLE u RENAME a TO id;
        SELECT * FROM u;
        ALTER TABLE u RENAME id TO name;
        ALTER TABLE u RENAME nosuch TO other;
        ALTER TABLE u ADD COLUMN c numeric DEFAULT 1.5, ADD d date;
        SELECT * FROM u;
        ALTER TABLE u ADD COLUMN c int;
        ALTER TABLE u ADD COLUMN IF NOT EXISTS c int;
        ALTER TABLE u ADD COLUMN e int NOT NULL;
        ALTER TABLE u ADD COLUMN e int NOT NULL DEFAULT 5;
        ALTER TABLE u ADD COLUMN f text CHECK (f <> 'no');
        INSERT INTO u (id, f) VALUES (3, 'no');
        INSERT INTO u (id, f) VALUES (3, 'yes') RETURNING *;
        ALTER TABLE u DROP COLUMN d;
        ALTER TABLE u DROP COLUMN nosuch;
        ALTER TABLE u DROP COLUMN IF EXISTS nosuch;
        ALTER TABLE u DROP c, DROP COLUMN f;
        SELECT * FROM u;
        ALTER TABLE u ALTER COLUMN id TYPE bigint;
        ALTER TABLE u ALTER COLUMN id TYPE text;
        ALTER TABLE u ALTER COLUMN id TYPE int;
        ALTER TABLE u ALTER COLUMN id TYPE int USING id::int + 10;
        SELECT id, pg_typeof(id) FROM u;
        ALTER TABLE u ADD PRIMARY KEY (id);
        ALTER TABLE u ADD PRIMARY KEY (id);
        INSERT INTO u (id) VALUES (11);
        INSERT INTO u (id) VALUES (NULL);
        ALTER TABLE u ADD CONSTRAINT few CHECK (id < 13);
        ALTER TABLE u ADD CONSTRAINT few CHECK (id < 14), ADD UNIQUE (e);
        ALTER TABLE u ADD CONSTRAINT few CHECK (id < 14);
        INSERT INTO u (id) VALUES (14);
        ALTER TABLE u DROP CONSTRAINT few;
        ALTER TABLE u DROP CONSTRAINT few;
        ALTER TABLE u DROP CONSTRAINT IF EXISTS few;
        INSERT INTO u (id) VALUES (14);
        ALTER TABLE u ALTER name SET NOT NULL;
        ALTER TABLE u ALTER name SET DEFAULT 'd', ALTER e DROP DEFAULT, ALTER e DROP NOT NULL;
        INSERT INTO u (id) VALUES (15) RETURNING *;
        ALTER TABLE u ALTER id DROP NOT NULL;
        ALTER TABLE nosuch RENAME TO other;
        ALTER TABLE IF EXISTS nosuch RENAME TO other;
        ALTER TABLE nosuch ADD a int;
        CREATE TEMP TABLE v (a int);
        ALTER TABLE u RENAME TO v;
        BEGIN;
        ALTER TABLE v RENAME TO w;
        ALTER TABLE w ADD b int;
        ROLLBACK;
        SELECT * FROM v;
        CREATE TEMP TABLE checked (a int CHECK (a > 0), b int, CHECK (a > b));
        ALTER TABLE checked RENAME a TO first;
        INSERT INTO checked VALUES (0, -1);
        INSERT INTO checked VALUES (1, 1);
        ALTER TABLE checked DROP b;
        INSERT INTO checked VALUES (5) RETURNING *;
        CREATE TEMP TABLE alike (LIKE u);
        INSERT INTO alike (id, e) VALUES (1, 2) RETURNING *;
        INSERT INTO alike (id, name) VALUES (1, 'x') RETURNING *;
        CREATE TEMP TABLE alike_too (LIKE u INCLUDING DEFAULTS);
        INSERT INTO alike_too (id) VALUES (1) RETURNING *;
        CREATE TEMP TABLE alike_too (LIKE nosuch);
        CREATE TEMP TABLE IF NOT EXISTS alike_too (LIKE u);
        PREPARE got AS SELECT * FROM checked;
        ALTER TABLE checked ADD c int;
        EXECUTE got
    """,
    "spans in each style": """
        CREATE TEMP TABLE t (i interval, l interval[]);
        INSERT INTO t VALUES ('1 year 2 mons 3 days 04:05:06.789', ARRAY[interval '-1 day', interval '90 min']), ('-1 day 02:00', '{}'), ('0', NULL), ('-1 year -2 mons +3 days', '{NULL,1 sec}');
        SELECT * FROM t;
        SET intervalstyle = iso_8601;
        SELECT * FROM t;
        SELECT i::text, l::text, to_json(i) FROM t;
        COPY t TO STDOUT;
        COPY (SELECT i FROM t) TO STDOUT CSV;
        INSERT INTO t (i) VALUES ('P1Y2M3DT4H5M6.5S'), ('PT36H'), ('P-1Y3D') RETURNING i;
        SHOW intervalstyle;
        SET intervalstyle = postgres_verbose;
        SELECT * FROM t;
        COPY t TO STDOUT WITH (DELIMITER '@');
        INSERT INTO t (i) VALUES ('@ 1 day 2 hours ago') RETURNING i;
        SET intervalstyle = SQL_STANDARD;
        SELECT * FROM t;
        COPY t (i) FROM STDIN;
        -1 2:03:04
        1-2
        \\.
        SELECT i FROM t WHERE i < '0' ORDER BY i;
        SELECT interval '-1 2:03:04', '-1 2:03:04'::interval, interval '-1 +2:03:04', CAST('-1-2 3' AS interval);
        SET intervalstyle = nonsense;
        RESET intervalstyle;
        SELECT i FROM t ORDER BY i
    """,
    "cursors that scroll": """
        CREATE TEMP TABLE t AS SELECT n, 'r' || n AS name FROM generate_series(1, 5) n;
        BEGIN;
        DECLARE c SCROLL CURSOR FOR SELECT * FROM t ORDER BY n;
        SELECT name, is_scrollable, is_holdable FROM pg_cursors;
        FETCH PRIOR FROM c;
        FETCH 2 FROM c;
        FETCH 0 FROM c;
        FETCH BACKWARD 1 FROM c;
        FETCH BACKWARD ALL FROM c;
        FETCH ABSOLUTE 4 FROM c;
        FETCH ABSOLUTE -2 FROM c;
        FETCH ABSOLUTE 0 FROM c;
        FETCH NEXT FROM c;
        FETCH LAST FROM c;
        FETCH NEXT FROM c;
        FETCH PRIOR FROM c;
        FETCH FIRST FROM c;
        FETCH RELATIVE 2 FROM c;
        FETCH RELATIVE -9 FROM c;
        FETCH FORWARD ALL FROM c;
        FETCH BACKWARD 2 FROM c;
        MOVE ABSOLUTE 3 IN c;
        FETCH c;
        MOVE BACKWARD ALL IN c;
        MOVE 99 IN c;
        MOVE LAST IN c;
        FETCH -2 FROM c;
        CLOSE c;
        DECLARE c NO SCROLL CURSOR FOR SELECT n FROM t ORDER BY n;
        FETCH FIRST FROM c;
        FETCH RELATIVE 1 FROM c;
        FETCH RELATIVE 2 FROM c;
        FETCH ABSOLUTE 5 FROM c;
        FETCH NEXT FROM c;
        FETCH PRIOR FROM c;
        ROLLBACK;
        BEGIN;
        DECLARE c SCROLL NO SCROLL CURSOR FOR SELECT 1;
        ROLLBACK;
        DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT n FROM t ORDER BY n DESC;
        FETCH LAST FROM h;
        FETCH PRIOR FROM h;
        CLOSE h;
        BEGIN;
        DECLARE c CURSOR FOR SELECT * FROM t;
        DROP TABLE t;
        ROLLBACK;
        BEGIN;
        DECLARE c CURSOR FOR SELECT * FROM t;
        FETCH ALL FROM c;
        TRUNCATE t;
        ROLLBACK;
        BEGIN;
        DECLARE c CURSOR FOR SELECT * FROM t;
        ALTER TABLE t ADD x int;
        ROLLBACK;
        BEGIN;
        DECLARE c CURSOR FOR SELECT n FROM t ORDER BY n;
        ALTER TABLE t RENAME TO u;
        DELETE FROM u;
        FETCH 2 FROM c;
        CLOSE c;
        DROP TABLE u;
        ROLLBACK;
        SELECT count(*) FROM t;
        PREPARE TRANSACTION 'x';
        BEGIN;
        PREPARE TRANSACTION 'x';
        ROLLBACK
    """,
    "how the catalog tells of constraints": """
        CREATE TEMP TABLE t (id int PRIMARY KEY, a text NOT NULL DEFAULT 'd', b int DEFAULT 5, CONSTRAINT pair UNIQUE (a, b), UNIQUE (b), CHECK (b > 0));
        SELECT conname, contype, conkey, conindid = 0 FROM pg_constraint WHERE conrelid = 't'::regclass ORDER BY conname;
        SELECT c.relname, i.indisunique, i.indisprimary, i.indkey FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 't'::regclass ORDER BY 1;
        SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype <> 'c' ORDER BY conname;
        SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY 1;
        SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_name = 't' AND constraint_name NOT LIKE '%not_null' ORDER BY 1;
        SELECT constraint_name, column_name, ordinal_position FROM information_schema.key_column_usage WHERE table_name = 't' ORDER BY 1, 3;
        SELECT relhasindex, relchecks FROM pg_class WHERE oid = 't'::regclass;
        SELECT column_name, column_default IS NULL, is_nullable::text FROM information_schema.columns WHERE table_name = 't' ORDER BY ordinal_position;
        SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = 't'::regclass AND i.indisprimary;
        ALTER TABLE t DROP CONSTRAINT pair;
        SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass ORDER BY 1
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
    ("INSERT INTO t (a, b) VALUES ($1, $2) RETURNING a, b, a + $3", ["200", "r", "5"]),
    ("UPDATE t SET b = $1 WHERE a = $2 RETURNING b, $3::text", ["s", "200", "t"]),
    ("DELETE FROM t WHERE a = $1 RETURNING a", ["200"]),
    ("CREATE TEMP TABLE k (a int PRIMARY KEY, b text)", []),
    ("INSERT INTO k VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = k.b || $3 RETURNING b", ["1", "x", "y"]),
    ("INSERT INTO k VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = k.b || $3 RETURNING b", ["1", "x", "y"]),
    ("INSERT INTO k VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE k.b = $3", ["1", "z", "xy"]),
    ("SELECT * FROM k", []),
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
    ("CREATE TEMP TABLE t (a int REFERENCES eod)", "0A000"),
    ("CREATE TEMP TABLE t (a int GENERATED ALWAYS AS IDENTITY)", "0A000"),
    ("CREATE TEMP TABLE t (a serial)", "0A000"),
    ("CREATE TEMP TABLE t (a char(3))", "0A000"),
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
    ("DELETE FROM mine USING eod RETURNING a", "0A000"),
    ("ALTER TABLE eod ADD COLUMN b int", "25006"),
    ("ALTER TABLE mine OWNER TO ada", "0A000"),
    ("ALTER TABLE mine ADD FOREIGN KEY (a) REFERENCES eod (symbol)", "0A000"),
    ("COPY (INSERT INTO mine VALUES (1) RETURNING a) TO STDOUT", None),
    ("EXPLAIN ANALYZE INSERT INTO mine VALUES (1)", "0A000"),
    ("INSERT INTO mine OVERRIDING SYSTEM VALUE VALUES (1)", None),
    ("DELETE FROM mine WHERE CURRENT OF c", None),
    ("MERGE INTO mine USING eod ON false WHEN MATCHED THEN DELETE", "25006"),
    ("CREATE INDEX ON mine (a)", "25006"),
]

FIELDS = [
    pq.DiagnosticField.MESSAGE_PRIMARY,
    pq.DiagnosticField.MESSAGE_DETAIL,
    pq.DiagnosticField.TABLE_NAME,
    pq.DiagnosticField.COLUMN_NAME,
    pq.DiagnosticField.CONSTRAINT_NAME,
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
        code = result.error_field(pq.DiagnosticField.SQLSTATE).decode()
        # What is wrong with a row is told in fields of their own.
        fields = [result.error_field(field) for field in FIELDS] if code.startswith("23") else []
        return ("error", code, *fields)
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
