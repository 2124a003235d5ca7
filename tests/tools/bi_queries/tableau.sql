-- Tableau's PostgreSQL connector: probes for temporary tables, metadata, calculated fields, dates, aggregates. From memory.
-- protocol: simple

BEGIN;

SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- probe
CREATE LOCAL TEMPORARY TABLE "#Tableau_1_probe_Connect" ("COL" INTEGER) ON COMMIT PRESERVE ROWS;

-- probe
DROP TABLE "#Tableau_1_probe_Connect";

-- probe of SELECT INTO
SELECT "COL" INTO TEMPORARY TABLE "#Tableau_2_probe_SelectInto" FROM (SELECT 1 AS "COL") AS "CHECKTEMP";

DROP TABLE "#Tableau_2_probe_SelectInto";

-- probe of CREATE TABLE AS
CREATE TEMPORARY TABLE "#Tableau_3_1_Filter" ON COMMIT PRESERVE ROWS AS (SELECT "symbols"."symbol" AS "symbol", COUNT(1) AS "none" FROM "public"."symbols" "symbols" WHERE ("symbols"."symbol" IN ('SPY', 'AAPL')) GROUP BY 1);

-- a join with what was kept
SELECT "eod"."symbol" AS "symbol", COUNT(1) > 10 AS "some" FROM "public"."eod" "eod" INNER JOIN "#Tableau_3_1_Filter" "t0" ON ("eod"."symbol" = "t0"."symbol") GROUP BY 1 ORDER BY 1;

DROP TABLE "#Tableau_3_1_Filter";

COMMIT;

-- columns of a table
SELECT * FROM "public"."symbols" "symbols" LIMIT 0;

-- columns of custom SQL
SELECT * FROM (
  SELECT symbol, date, close FROM eod
) "Custom SQL Query" LIMIT 0;

-- schemas and tables
-- some
SELECT n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c, pg_catalog.pg_namespace n WHERE relkind IN ('r', 'v', 'm', 'f', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'pg_temp_1') AND n.oid = relnamespace AND relname IN ('eod', 'movers') ORDER BY nspname, relname;

-- keys
SELECT ta.attname, ia.attnum, ic.relname, n.nspname, tc.relname FROM pg_catalog.pg_attribute ta, pg_catalog.pg_attribute ia, pg_catalog.pg_class tc, pg_catalog.pg_index i, pg_catalog.pg_namespace n, pg_catalog.pg_class ic WHERE tc.relname = 'eod' AND n.nspname = 'public' AND tc.oid = i.indrelid AND n.oid = tc.relnamespace AND i.indisprimary = 't' AND ia.attrelid = i.indexrelid AND ta.attrelid = i.indrelid AND ta.attnum = i.indkey[ia.attnum-1] AND (NOT ta.attisdropped) AND (NOT ia.attisdropped) AND ic.oid = i.indexrelid ORDER BY ia.attnum;

-- enumerations
SELECT DISTINCT t.typname FROM pg_type t JOIN pg_enum e ON t.oid = e.enumtypid;

-- parts of a date
SELECT CAST(TRUNC(EXTRACT(YEAR FROM "t"."at")) AS INTEGER) AS "yr:at:ok", CAST(TRUNC(EXTRACT(QUARTER FROM "t"."at")) AS INTEGER) AS "qr:at:ok", CAST(TRUNC(EXTRACT(MONTH FROM "t"."at")) AS INTEGER) AS "mn:at:ok", CAST(TRUNC(EXTRACT(WEEK FROM "t"."at")) AS INTEGER) AS "iw", CAST(FLOOR(((7 + EXTRACT(DOY FROM "t"."at") - 1 + EXTRACT(DOW FROM DATE_TRUNC('YEAR', "t"."at"))) / 7)) AS INTEGER) AS "wk:at:ok", CAST(TRUNC(EXTRACT(DAY FROM "t"."at")) AS INTEGER) AS "dy:at:ok", (1 + CAST(EXTRACT(DOW FROM "t"."at") AS INTEGER)) AS "wd:at:ok", CAST(TRUNC(EXTRACT(HOUR FROM "t"."at")) AS INTEGER) AS "hr:at:ok", CAST(TRUNC(EXTRACT(MINUTE FROM "t"."at")) AS INTEGER) AS "mi:at:ok", CAST(TRUNC(EXTRACT(SECOND FROM "t"."at")) AS INTEGER) AS "sc:at:ok" FROM (SELECT TIMESTAMP '2026-11-20 14:31:07.25' AS "at") "t";

-- truncated dates
SELECT DATE_TRUNC('YEAR', CAST("t"."d" AS TIMESTAMP WITHOUT TIME ZONE)) AS "tyr", DATE_TRUNC('QUARTER', CAST("t"."d" AS TIMESTAMP WITHOUT TIME ZONE)) AS "tqr", DATE_TRUNC('MONTH', CAST("t"."d" AS TIMESTAMP WITHOUT TIME ZONE)) AS "tmn", (DATE_TRUNC('DAY', CAST("t"."d" AS TIMESTAMP WITHOUT TIME ZONE)) + (-EXTRACT(DOW FROM CAST("t"."d" AS TIMESTAMP WITHOUT TIME ZONE)) * INTERVAL '1 DAY')) AS "twk", DATE_TRUNC('DAY', CAST("t"."d" AS DATE)) AS "tdy", CAST("t"."d" AS DATE) AS "md" FROM (SELECT DATE '2026-11-20' AS d) "t";

-- dates: differences, sums, from numbers and texts
SELECT CAST((CAST("t"."b" AS DATE) - CAST("t"."a" AS DATE)) AS INTEGER) AS "days", (EXTRACT(YEAR FROM "t"."b") - EXTRACT(YEAR FROM "t"."a")) * 12 + (EXTRACT(MONTH FROM "t"."b") - EXTRACT(MONTH FROM "t"."a")) AS "months", (CAST("t"."a" AS TIMESTAMP) + 3 * INTERVAL '1 MONTH') AS "added", (CAST("t"."a" AS DATE) + TRUNC(2.7) * INTERVAL '1 DAY') AS "days added", TO_TIMESTAMP('2026-11-20', 'YYYY-MM-DD')::date AS "parsed", CAST('2026-11-20 10:00:00' AS TIMESTAMP) AS "cast", (TIMESTAMP 'epoch' + 1700000000 * INTERVAL '1 second') AS "epoch", TO_CHAR("t"."a", 'FMMonth') AS "month", TO_CHAR("t"."a", 'FMDay') AS "weekday" FROM (SELECT DATE '2025-08-31' AS a, DATE '2026-11-20' AS b) "t";

-- texts
SELECT (CASE WHEN 2 >= 0 THEN LEFT("t"."s", CAST(2 AS INTEGER)) ELSE NULL END) AS "left", RIGHT("t"."s", 2) AS "right", SUBSTR("t"."s", 2, 2) AS "mid", STRPOS("t"."s", 'c') AS "find", REPLACE("t"."s", 'a', 'z') AS "replace", SPLIT_PART('a-b-c', '-', 2) AS "split", UPPER("t"."s"), LTRIM(RTRIM(' x ')) AS "trim", CHAR_LENGTH("t"."s"), ASCII("t"."s"), CHR(65), (POSITION('bc' IN "t"."s") > 0) AS "contains", ("t"."s" LIKE 'ab%') AS "starts", REGEXP_REPLACE("t"."s", '[bc]', 'X', 'g') AS "re", ((REGEXP_MATCHES("t"."s", '(b.)'))[1]) AS "match", ("t"."s" ~ '^a') AS "is", REPEAT(' ', 2) || 'x' AS "space" FROM (SELECT 'abcd'::text AS s) "t";

-- numbers
SELECT ABS(-1.5), CEILING(1.2), FLOOR(-1.2), ROUND(CAST(2.345 AS NUMERIC), 2), SIGN(-3), SQRT(2), POWER(2, 3), LN(10), (LN(100)/LN(10)) AS "log", EXP(1), PI(), DEGREES(1), RADIANS(180), SIN(1), COT(1), ATAN2(1, 2), MOD(7, 3), CAST(TRUNC(7 / 2) AS INTEGER) AS "div", GREATEST(1, 2), CAST('12.5' AS DOUBLE PRECISION) AS "float", CAST(TRUNC(CAST('12.5' AS DOUBLE PRECISION)) AS BIGINT) AS "int", CAST(12.5 AS TEXT), COALESCE(NULL, 0) AS "zn";

-- aggregates
SELECT "t"."k" AS "k", SUM("t"."v") AS "sum:v:ok", AVG(CAST("t"."v" AS DOUBLE PRECISION)) AS "avg:v:ok", COUNT(DISTINCT "t"."v") AS "ctd:v:ok", MIN("t"."v") AS "min", MAX("t"."v") AS "max", PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY "t"."v") AS "med:v:ok", STDDEV_SAMP("t"."v") AS "std", STDDEV_POP("t"."v") AS "stp", VAR_SAMP("t"."v") AS "vrs", VAR_POP("t"."v") AS "vrp", CORR("t"."v", "t"."w") AS "corr", COVAR_SAMP("t"."v", "t"."w") AS "cov", (CASE WHEN MIN("t"."k") = MAX("t"."k") THEN MIN("t"."k") ELSE NULL END) AS "attr:k:nk", PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY "t"."v") AS "pct" FROM (VALUES ('a', 1::float8, 2::float8), ('a', 3, 5), ('b', 2, 2), ('b', NULL, 1)) AS "t" ("k", "v", "w") GROUP BY 1 HAVING (COUNT(1) > 0) ORDER BY 1;

-- a top-n filter
SELECT "eod"."symbol" AS "symbol", SUM("eod"."volume") > 0 AS "sum:volume:ok" FROM "public"."eod" "eod" INNER JOIN (SELECT "eod"."symbol" AS "symbol", COUNT(1) AS "$__alias__0" FROM "public"."eod" "eod" WHERE "eod"."symbol" IN ('SPY', 'AAPL', 'MSFT') GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1 ASC LIMIT 2) "t0" ON ("eod"."symbol" = "t0"."symbol") WHERE (("eod"."date" >= DATE '2026-01-01') AND ("eod"."date" <= DATE '2026-11-20')) GROUP BY 1 ORDER BY 1;

-- a level of detail
SELECT "eod"."symbol" AS "symbol", MAX("t0"."__measure__0") = MAX("t0"."__measure__0") AS "lod" FROM "public"."eod" "eod" LEFT JOIN (SELECT "eod"."symbol" AS "symbol", AVG("eod"."close") AS "__measure__0" FROM "public"."eod" "eod" GROUP BY 1) "t0" ON ("eod"."symbol" IS NOT DISTINCT FROM "t0"."symbol") WHERE "eod"."symbol" IN ('SPY') GROUP BY 1;

-- a filter's values and ranges
SELECT MIN("eod"."date") < MAX("eod"."date") AS "range" FROM "public"."eod" "eod" HAVING (COUNT(1) > 0);

-- bins
SELECT (FLOOR("t"."v" / 10) * 10) AS "bin", SUM(1) AS "n" FROM (SELECT generate_series(1, 25)::float8 AS v) "t" GROUP BY 1 ORDER BY 1;

-- an order by groups
SELECT "t"."s" AS "s", (CASE WHEN ("t"."s" IN ('a', 'b')) THEN 'one' WHEN ("t"."s" = 'c') THEN 'two' ELSE "t"."s" END) AS "s (group)" FROM (VALUES ('a'), ('c'), ('d'), (NULL)) "t" (s) GROUP BY 1, 2 ORDER BY 1 ASC NULLS FIRST;

-- an extract's cursor
SELECT "symbols"."symbol" AS "symbol", "symbols"."active" AS "active" FROM "public"."symbols" "symbols" WHERE (("symbols"."symbol" >= 'SPY') AND ("symbols"."symbol" <= 'SPY'));
