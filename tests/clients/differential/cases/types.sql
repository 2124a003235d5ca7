-- The type of a column whose parts are of several types.
SELECT symbol, CASE WHEN price_earnings_ratio IS NULL THEN 0 ELSE price_earnings_ratio END AS ratio FROM market_metrics WHERE symbol < 'AE';
SELECT CASE WHEN symbol = 'KO' THEN liquidity_rating ELSE beta END FROM market_metrics WHERE symbol IN ('KO', 'IBM');
SELECT 'rows' AS what, count(*) AS n FROM dividends WHERE symbol = 'KO' UNION ALL SELECT 'mean', avg(amount) FROM dividends WHERE symbol = 'KO';
SELECT 7 AS x UNION SELECT 7.25::numeric UNION SELECT 7.5::float8;
SELECT date AS d FROM calendar WHERE date = '2026-11-27' UNION ALL SELECT open_at FROM calendar WHERE date = '2026-11-27';
SELECT k, lag(v, 1, 0.5) OVER (ORDER BY k) FROM (VALUES (1, 10), (2, 20)) t(k, v);
SELECT sum(CASE WHEN close > open THEN 1 ELSE -0.25 END) FROM eod WHERE symbol = 'IBM' AND date > '2026-11-10';
SELECT CASE WHEN x > 1 THEN x ELSE 5000000000 END FROM (VALUES (1), (2)) t(x);
SELECT coalesce(open_interest, volume / 2.0) FROM eod WHERE symbol = 'A' AND date > '2026-11-23';

-- Declared types of parameters.
-- parameters: [["0.5", "float8"]]
SELECT volume * $1 FROM eod WHERE symbol = 'KO' AND date = '2026-11-24';
-- parameters: [["2.5", "numeric"]]
SELECT 3 UNION SELECT $1;
-- parameters: [["1.25", "float8"]]
SELECT CASE WHEN active THEN 1 ELSE $1 END FROM symbols WHERE symbol = 'SPY';
-- parameters: [["7", "int4"]]
SELECT date - $1, date + $1 FROM calendar WHERE date = '2026-11-27';
-- parameters: [["2", ""]]
SELECT liquidity_rating + $1 FROM market_metrics WHERE symbol = 'KO';
-- parameters: [["{SPY,KO}", "text[]"]]
SELECT symbol FROM symbols WHERE symbol = ANY ($1);
-- parameters: [["{1,NULL,3}", "int4[]"]]
SELECT $1, array_length($1, 1);
-- parameters: [["2", ""]]
SELECT round(beta::numeric, $1) FROM market_metrics WHERE symbol = 'IBM';
-- parameters: [["4", ""]]
SELECT x FROM generate_series(2, $1) AS t(x);
-- parameters: [["1", ""], ["2", ""]]
SELECT $1 + $2;
-- parameters: [["1.5", "float8"]]
SELECT interval '2 hours' * $1;
-- parameters: [["x", "text"], ["y", "text"]]
SELECT $1 || $2;
-- parameters: [["3", ""]]
SELECT (ARRAY['a', 'b', 'c'])[$1];
-- before: PREPARE share(float8) AS SELECT volume * $1 FROM eod WHERE symbol = 'KO' AND date = '2026-11-24'
EXECUTE share(0.1);

-- NULL without a type, and quoted constants beside typed ones.
SELECT NULL AS x UNION ALL SELECT amount FROM dividends WHERE symbol = 'KO' AND date > '2026-06-01';
SELECT NULL, 'a' UNION SELECT open_at, session FROM calendar WHERE date = '2026-11-27';
SELECT NULL UNION SELECT NULL UNION SELECT interval '1 day';
SELECT * FROM (VALUES (1, NULL), (2, time '09:30'), (3, '16:00')) t(k, at);
SELECT * FROM (VALUES ('2026-01-05', 1), (date '2026-02-05', 2)) t(d, k);
SELECT coalesce(dividend_ex_date, '2026-12-31') FROM market_metrics WHERE symbol IN ('SPY', 'ABBV');
SELECT ARRAY[date '2026-01-05', '2026-02-05'], interval '90 minutes' > '1 hour', '7' + 1, date '2026-01-05' - '2025-12-31';

-- Constants.
SELECT pg_typeof(1), pg_typeof(3000000000), pg_typeof(1.5), pg_typeof(1e3), pg_typeof(10000000000000000000), pg_typeof('a'), pg_typeof(NULL);
SELECT 7 / 2, 7 / 2.0, 1.10 * 1.10, 2 ^ 10, 10 % 4, 0.1 + 0.2, 1.0 / 3;
-- postgres 16: [["255", "8", "5", "1000"]]
SELECT 0xff, 0o10, 0b101, 1_000;
-- postgres 16: [["31", "1000", "5"]]
SELECT '0x1F'::int, '1_000'::bigint, '0b101'::numeric;

-- Types of functions of dates.
-- zone: America/New_York
SELECT date_trunc('month', date), pg_typeof(date_trunc('month', date)) FROM dividends WHERE symbol = 'KO' AND date > '2026-06-01';
-- zone: Asia/Tokyo
SELECT pg_typeof(x), x FROM generate_series(date '2026-01-31', date '2026-03-31', interval '1 month') AS t(x);
SELECT pg_typeof(date - date '2026-01-01'), date - date '2026-01-01' FROM calendar WHERE date = '2026-11-27';
-- zone: Europe/Berlin
SELECT date_trunc('day', open_at) = date, date = date_trunc('day', close_at) FROM calendar WHERE date = '2026-11-27';
