-- Sums of bigint.
SELECT symbol, sum(volume) / count(*), round(sum(volume) / sum(sum(volume)) OVER (), 6) FROM eod WHERE symbol IN ('KO', 'IBM') GROUP BY symbol;
SELECT sum(k) FROM (VALUES (9223372036854775807), (9223372036854775807)) t(k);
SELECT pg_typeof(sum(volume)), pg_typeof(avg(volume)), pg_typeof(sum(volume::int)), sum(volume) / 7 FROM eod WHERE symbol = 'KO' AND date > '2026-11-20';

-- Moving frames of doubles.
SELECT k, sum(v) OVER w, avg(v) OVER w, stddev_pop(v) OVER w FROM (VALUES (1, 1e16::float8), (2, 3), (3, 3), (4, 3)) t(k, v) WINDOW w AS (ORDER BY k ROWS 1 PRECEDING);
SELECT k, sum(v) OVER (ORDER BY k RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES (1, 'NaN'::float8), (2, 1), (3, 2)) t(k, v);
SELECT k, bool_or(b) OVER w, string_agg(s, '+') OVER w, bit_or(k) OVER w FROM (VALUES (1, true, 'a'), (2, false, 'b'), (3, false, NULL)) t(k, b, s) WINDOW w AS (ORDER BY k ROWS 1 PRECEDING);
SELECT k, sum(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM (VALUES (1), (2), (3)) t(k);

-- Domains.
SELECT ln(beta - beta) FROM market_metrics WHERE symbol = 'KO';
SELECT log(-2::float8);
SELECT power(-2::float8, 0.5);
SELECT exp(1000::float8);
SELECT 1e300::float8 * 1e300::float8;
SELECT 1e-300::float8 * 1e-300::float8;
SELECT acos(2::float8);
SELECT (1e39::float8)::real;
SELECT sum(v) FROM (VALUES (1.5e308::float8), (1.5e308)) t(v);
SELECT sin('Infinity'::float8);

-- numeric.
SELECT avg(v), stddev(v), variance(v) FROM (VALUES (1.1::numeric), (2.2), (2.3)) t(v);
SELECT 2::numeric / 3, 100::numeric / 7, 1.000::numeric(10, 3) / 3, 12345678901234567890.5::numeric * 2, 'NaN'::numeric, '1e-3'::numeric;
-- parameters: [["1.00000000000000000001", "numeric"]]
SELECT $1 + 1;
-- parameters: [["123456789012345678901234567890.5", "numeric"]]
SELECT $1 * 2;
SELECT round(-2.5::numeric), round(2.5::float8), round(3.5::float8), 2.5::float8::int, 2.5::numeric::int, trunc(-1.999, 1);

-- Percentiles.
SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY volume), percentile_disc(0.3) WITHIN GROUP (ORDER BY volume) FROM eod WHERE symbol = 'KO';
SELECT percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY amount), mode() WITHIN GROUP (ORDER BY amount) FROM dividends WHERE symbol = 'KO';
SELECT percentile_cont(1e-9) WITHIN GROUP (ORDER BY v) FROM (VALUES (0::float8), (1e6)) t(v);

-- Statistics of hard values.
SELECT corr(y, x), regr_r2(y, x), regr_slope(y, x) FROM (VALUES (1::float8, 2::float8), (2, 2), (3, 2)) t(x, y);
SELECT stddev_pop(v), var_pop(v), corr(v, v) FROM (VALUES ('NaN'::float8)) t(v);
SELECT bit_xor(k), bool_and(k > 1), max(k), count(k) FROM (VALUES (1)) t(k) WHERE k > 5;

-- Zeros with a sign.
SELECT '-0'::float8 IN (0, 1), 0::float8 = ANY (ARRAY['-0'::float8]), count(*) FROM (VALUES ('-0'::float8), (0)) t(v) WHERE v IN ('-0', 3);

-- to_char of numbers.
SELECT to_char(0, '99'), to_char(-7, '00S'), to_char(1234.5::numeric, '9,999.99'), to_char(1999, 'RN'), to_char(3, '9th'), to_char(-12.5::float8, '99.9PR'), to_char(1.5::numeric, '9V99'), to_char(0.5::numeric, 'FM990.00');
SELECT to_number('1,234.50-', '9,999.99S'), to_char(volume, '999,999,999') FROM eod WHERE symbol = 'KO' AND date = '2026-11-24';

-- Functions.
SELECT width_bucket(7.5, 0, 10, 4), div(17, 5), ceiling(1.2), scale(1.230), trim_scale(1.230), num_nulls(1, NULL, NULL), gcd(12, 18), factorial(5), cbrt(27::float8), sind(30);
