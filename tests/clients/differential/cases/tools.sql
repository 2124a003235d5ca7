-- Settings in one list.
SELECT set_config('desk.name', 'east', true), current_setting('desk.name', true);
SELECT current_setting('desk.nosuch', true) IS NULL, set_config('desk.name', 'a', false) || set_config('desk.name', 'b', false);

-- EXPLAIN.
-- outcome
EXPLAIN (FORMAT JSON) SELECT count(*) FROM dividends;
-- outcome
EXPLAIN (FORMAT YAML, COSTS off) SELECT 1;
-- outcome
-- before: PREPARE bars(text) AS SELECT close FROM eod WHERE symbol = $1
EXPLAIN (VERBOSE) EXECUTE bars('KO');
EXPLAIN (NOSUCH) SELECT 1;

-- System columns, snapshots, locks, cursors.
SELECT tableoid::regclass, count(ctid) > 0 FROM symbols GROUP BY tableoid;
-- before: BEGIN ISOLATION LEVEL REPEATABLE READ
SELECT pg_export_snapshot() IS NOT NULL;
-- before: BEGIN
LOCK TABLE dividends IN ACCESS SHARE MODE;
-- before: BEGIN
-- before: DECLARE c SCROLL CURSOR FOR SELECT x FROM generate_series(1, 4) x
-- before: FETCH 3 FROM c
FETCH PRIOR FROM c;
-- before: BEGIN
-- before: DECLARE c CURSOR FOR SELECT 1
SELECT name, is_holdable, is_binary FROM pg_cursors;
-- before: PREPARE p(int) AS SELECT $1
SELECT name, parameter_types, from_sql FROM pg_prepared_statements;

-- The catalog.
SELECT typname, typinput, typoutput, typelem, typcategory FROM pg_type WHERE typname IN ('_int4', 'text', 'float8');
SELECT count(*) > 1 FROM pg_type WHERE typinput = 'array_in'::regproc AND typname IN ('_int4', '_text');
SELECT pg_typeof(relname), pg_typeof(relkind), pg_typeof(reltype) FROM pg_class LIMIT 1;
SELECT 'eod'::regclass, 'int4'::regtype, pg_relation_size('eod') > 0, reltuples > 0 FROM pg_class WHERE relname = 'eod';
SELECT indkey, pg_typeof(indkey) FROM pg_index WHERE indrelid = 'eod'::regclass;
SELECT pg_typeof(pg_sleep(0)), pg_typeof(current_user), pg_typeof(current_schemas(true));
