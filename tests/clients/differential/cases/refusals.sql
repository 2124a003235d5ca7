-- Answers that PostgreSQL does not give.
SELECT sum(k) OVER (ORDER BY k RANGE BETWEEN -1 PRECEDING AND CURRENT ROW) FROM (VALUES (1)) t(k);
SELECT nth_value(k, 0) OVER (ORDER BY k) FROM (VALUES (1)) t(k);
SELECT ntile(0) OVER (ORDER BY k) FROM (VALUES (1)) t(k);
SELECT '7.5'::int;
SELECT '1e999'::float8;
SELECT chr(0);
SELECT date '2026-07-05' - 5::bigint;
SELECT date '26-07-05';
SELECT count(DISTINCT k) OVER () FROM (VALUES (1)) t(k);
SELECT k AS n FROM (VALUES (1)) t(k) ORDER BY n + 1;

-- The SQLSTATE of a refusal.
SELECT sqrt(-4::float8);
SELECT '2026-02-30'::date;
SELECT symbol FROM symbols WHERE symbol = (SELECT symbol FROM dividends WHERE symbol < 'B');
SELECT date '2026-07-05' * 2;
SELECT percentile_cont(2) WITHIN GROUP (ORDER BY k) FROM (VALUES (1)) t(k);
SELECT symbol FROM symbols ORDER BY 9;
SELECT '99999999999'::int;
SELECT symbol FROM symbols LIMIT -1;
SELECT sum(k) OVER (ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING) FROM (VALUES (1)) t(k);
SELECT CASE WHEN true THEN 1 ELSE 'a' END;
SELECT 1 UNION SELECT date '2026-07-05';
SELECT nosuch FROM symbols;
SELECT symbol, count(*) FROM symbols;
SELECT upper(1);
SELECT 1 / 0;

-- Parameters whose type nothing tells.
-- parameters: [["a", ""]]
SELECT $1 IS NULL;
-- parameters: [["{1,2}", ""]]
SELECT array_length($1, 1);
-- parameters: [["2026-01-05", ""]]
SELECT date_trunc('month', $1);
-- parameters: [["1", "int4"]]
COPY (SELECT $1) TO STDOUT;

-- Values that become another type only when they are asked to.
-- before: PREPARE q AS SELECT $1 + 1
EXECUTE q(date '2026-01-05');
-- before: PREPARE q AS SELECT $1 + 1
EXECUTE q(true);
SELECT ARRAY[1] = ARRAY[1::bigint];
SELECT ARRAY[1.5::float8] < ARRAY[1.5::real];
