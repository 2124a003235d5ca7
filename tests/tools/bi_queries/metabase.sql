-- Metabase: date buckets, binning, expressions, fingerprints, field values, privileges, native queries. From memory.
-- protocol: extended

SET SESSION TIMEZONE TO 'UTC';

-- can it be read
SELECT TRUE AS "_" FROM "public"."eod" WHERE 1 <> 1 LIMIT 0;

-- fingerprints
-- Metabase
SELECT COUNT(*) > 0 AS "some", MAX(LENGTH("s"."substring1")) > 0 AS "long" FROM (SELECT SUBSTRING("public"."symbols"."description", 1, 1234) AS "substring1", "public"."symbols"."active" AS "active" FROM "public"."symbols" LIMIT 10000) "s";

-- values of a field
-- some
SELECT "public"."symbols"."type" AS "type" FROM "public"."symbols" GROUP BY "public"."symbols"."type" ORDER BY "public"."symbols"."type" ASC LIMIT 1001;

-- a search among values
-- parameters: ["%spy%"]
SELECT "public"."symbols"."symbol" AS "symbol" FROM "public"."symbols" WHERE (LOWER("public"."symbols"."symbol") LIKE $1) AND "public"."symbols"."symbol" = 'SPY' GROUP BY "public"."symbols"."symbol" ORDER BY "public"."symbols"."symbol" ASC LIMIT 100;

-- buckets of a moment
SELECT DATE_TRUNC('minute', t.at) AS minute, DATE_TRUNC('hour', t.at) AS hour, CAST(t.at AS date) AS day, DATE_TRUNC('day', t.at) AS day2, (CAST(DATE_TRUNC('week', (t.at + INTERVAL '1 day')) AS timestamp) + INTERVAL '-1 day') AS week, DATE_TRUNC('month', t.at) AS month, DATE_TRUNC('quarter', t.at) AS quarter, DATE_TRUNC('year', t.at) AS year FROM (SELECT timestamptz '2026-11-22 14:31:07.25Z' AS at) t;

-- parts of a moment
SELECT CAST(extract(minute from t.at) AS integer) AS minute_of_hour, CAST(extract(hour from t.at) AS integer) AS hour_of_day, CASE WHEN (CAST(extract(dow from t.at) AS integer) + 1) % 7 = 0 THEN 7 ELSE (CAST(extract(dow from t.at) AS integer) + 1) % 7 END AS day_of_week, CAST(extract(day from t.at) AS integer) AS day_of_month, CAST(extract(doy from t.at) AS integer) AS day_of_year, CEIL((CAST(extract(doy from (DATE_TRUNC('week', (t.at + INTERVAL '1 day')) + INTERVAL '-1 day')) AS integer) / 7.0)) AS week_of_year, CAST(extract(week from t.at) AS integer) AS week_iso, CAST(extract(month from t.at) AS integer) AS month_of_year, CAST(extract(quarter from t.at) AS integer) AS quarter_of_year, CAST(extract(year from t.at) AS integer) AS year FROM (SELECT timestamptz '2026-11-22 14:31:07.25Z' AS at) t;

-- zones
SELECT timezone('Asia/Tokyo', timezone('UTC', timestamp '2026-11-22 14:31:00')) AS converted, CAST(t.at AS timestamptz) AT TIME ZONE 'America/New_York' AS there, DATE_TRUNC('day', t.at AT TIME ZONE 'America/New_York') AT TIME ZONE 'America/New_York' AS day_there FROM (SELECT timestamptz '2026-11-22 03:31:00Z' AS at) t;

-- differences of dates
SELECT CAST(EXTRACT(YEAR FROM AGE(DATE_TRUNC('day', b), DATE_TRUNC('day', a))) AS integer) AS years, CAST((EXTRACT(YEAR FROM AGE(DATE_TRUNC('day', b), DATE_TRUNC('day', a))) * 12 + EXTRACT(MONTH FROM AGE(DATE_TRUNC('day', b), DATE_TRUNC('day', a)))) AS integer) AS months, CAST(EXTRACT(day FROM (DATE_TRUNC('day', b) - DATE_TRUNC('day', a))) AS integer) AS days, CAST(FLOOR(EXTRACT(EPOCH FROM (b - a)) / 3600) AS integer) AS hours FROM (SELECT timestamptz '2025-08-31 10:00Z' AS a, timestamptz '2026-11-20 09:00Z' AS b) t;

-- relative dates, as filters have them
SELECT COUNT(*) >= 0 AS ok FROM "public"."eod" WHERE "public"."eod"."date" >= CAST((NOW() + INTERVAL '-30 day') AS date) AND "public"."eod"."date" < CAST(NOW() AS date);

SELECT COUNT(*) >= 0 AS ok FROM "public"."eod" WHERE "public"."eod"."date" >= CAST(DATE_TRUNC('month', (NOW() + INTERVAL '-1 month')) AS date) AND "public"."eod"."date" < CAST(DATE_TRUNC('month', NOW()) AS date);

-- numbers in bins
SELECT (FLOOR(((t.v - 5.0) / 12.5)) * 12.5) + 5.0 AS v, COUNT(*) AS count FROM (SELECT generate_series(5, 60)::float8 AS v) t GROUP BY (FLOOR(((t.v - 5.0) / 12.5)) * 12.5) + 5.0 ORDER BY (FLOOR(((t.v - 5.0) / 12.5)) * 12.5) + 5.0 ASC;

-- running sums
SELECT "source"."k" AS "k", SUM(COUNT(*)) OVER (ORDER BY "source"."k" ASC ROWS UNBOUNDED PRECEDING) AS "count", SUM(SUM("source"."v")) OVER (ORDER BY "source"."k" ASC ROWS UNBOUNDED PRECEDING) AS "sum", LAG(COUNT(*), 1) OVER (ORDER BY "source"."k" ASC) AS "before" FROM (VALUES (1, 2), (1, 3), (2, 5)) "source" (k, v) GROUP BY "source"."k" ORDER BY "source"."k" ASC;

-- aggregates with conditions
SELECT SUM(CASE WHEN t.v > 1 THEN 1 ELSE 0.0 END) AS "countif", CAST(SUM(CASE WHEN t.v > 1 THEN 1 ELSE 0.0 END) AS double precision) / NULLIF(CAST(COUNT(*) AS double precision), 0.0) AS "share", PERCENTILE_CONT(0.5) within group (order by t.v) AS "median", STDDEV_POP(t.v) AS "stddev", VAR_POP(t.v) AS "var", COUNT(DISTINCT t.v) AS "distinct", percentile_cont(0.9) within group (order by t.v) AS "p90", COUNT(DISTINCT CASE WHEN t.v > 1 THEN t.v END) AS "di" FROM (VALUES (1), (2), (2), (4)) t (v);

-- expressions of texts
SELECT CONCAT(t.s, '-', 'x') AS c, SUBSTRING(t.s FROM '([a-z]+)') AS re, SUBSTRING(t.s, 2, 3) AS sub, SPLIT_PART(t.s, '1', 1) AS split, LENGTH(t.s) AS len, UPPER(t.s) AS up, TRIM(t.s) AS tr, REPLACE(t.s, 'a', 'b') AS rep, COALESCE(NULL, t.s) AS co, CASE WHEN t.s IS NULL OR t.s = '' THEN 'none' ELSE t.s END AS e, (t.s ILIKE '%BC%') AS like, (NOT (t.s LIKE 'x%') OR t.s IS NULL) AS notlike, CAST('12' AS BIGINT) AS int, CAST('1.5' AS double precision) AS flt, TO_DATE('2026-11-20', 'YYYY-MM-DD') AS d, CAST('2026-11-20' AS date) AS d2, CAST(42 AS text) AS txt FROM (SELECT 'abc123' AS s) t;

-- numbers that are moments
SELECT TO_TIMESTAMP(1700000000) AS seconds, TO_TIMESTAMP(1700000000000 / 1000.0) AS millis, TO_TIMESTAMP((1700000000000000 / 1000) / 1000) AS micros;

-- a pivot
-- parameters: []
SELECT "t"."a" AS "a", "t"."b" AS "b", "pivot-grouping", COUNT(*) AS "count" FROM (SELECT a, b, ABS(0) AS "pivot-grouping" FROM (VALUES ('x', 1), ('x', 2), ('y', 1)) v (a, b)) "t" GROUP BY "t"."a", "t"."b", "pivot-grouping" ORDER BY "pivot-grouping" ASC, "t"."a" ASC, "t"."b" ASC LIMIT 1048576;

-- a question over a question, with a join
SELECT "source"."symbol" AS "symbol", "source"."count" > 10 AS "many", "Symbols"."type" AS "Symbols__type" FROM (SELECT "public"."eod"."symbol" AS "symbol", COUNT(*) AS "count" FROM "public"."eod" WHERE "public"."eod"."symbol" IN ('SPY', 'AAPL') GROUP BY "public"."eod"."symbol" ORDER BY "public"."eod"."symbol" ASC) "source" LEFT JOIN "public"."symbols" AS "Symbols" ON "source"."symbol" = "Symbols"."symbol" ORDER BY "source"."symbol" LIMIT 2000;

-- a native question
-- parameters: ["SPY", "2026-11-16", "2026-11-20"]
-- Metabase:: userID: 1 queryType: native queryHash: 0a
SELECT count(*) AS n FROM eod WHERE symbol = $1 AND date BETWEEN CAST($2 AS date) AND CAST($3 AS date);

-- members of a document, as unfolded fields
SELECT (t.j#>> array['a','b']::text[])::bigint AS ab, (t.j#>> array['c']::text[])::text AS c FROM (SELECT '{"a": {"b": 7}, "c": "x"}'::jsonb AS j) t;

-- columns of documents, sampled
SELECT jsonb_typeof(t.j) AS kind FROM (SELECT '{"a": 1}'::jsonb AS j) t LIMIT 500;

-- uploads and actions ask what may be done
SELECT has_schema_privilege('public', 'CREATE') IS NOT NULL AS asked, current_setting('transaction_read_only') AS ro, pg_catalog.has_table_privilege(current_user, '"public"."eod"', 'select') AS may;
