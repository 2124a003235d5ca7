-- A subquery of one value that finds no row.
SELECT count(*) FROM calendar WHERE (SELECT date FROM dividends WHERE symbol = 'NOSUCH') IS NULL;
SELECT s.symbol, (SELECT symbol FROM market_metrics WHERE symbol = s.symbol || '?') IS NOT NULL FROM symbols s WHERE type = 'etf';
SELECT (SELECT fetched_at FROM symbols WHERE symbol = 'NOSUCH'), coalesce((SELECT date FROM calendar WHERE date = '1990-01-01'), '2000-01-01');
SELECT CASE WHEN (SELECT 5 WHERE 1 = 2) IS NULL THEN 'none' ELSE 'some' END;

-- IN and NOT IN where NULL is not false.
SELECT count(*) FROM market_metrics WHERE dividend_pay_date NOT IN (SELECT dividend_next_date FROM market_metrics) OR symbol = 'KO';
SELECT symbol FROM market_metrics WHERE (earnings_expected_date IN (SELECT dividend_ex_date FROM market_metrics)) IS NULL AND symbol < 'AE';
SELECT k FROM (VALUES (1), (2), (NULL)) t(k) WHERE (k NOT IN (SELECT x FROM (VALUES (1), (NULL)) u(x))) IS NOT TRUE;
SELECT count(*) FROM (VALUES (1), (5)) t(k) WHERE coalesce(k IN (SELECT x FROM (VALUES (1), (NULL)) u(x)), true);
SELECT k, k NOT IN (SELECT x FROM (VALUES (1, 1), (2, NULL), (3, 4)) u(y, x) WHERE u.y = t.k) FROM (VALUES (1), (2), (3), (NULL)) t(k);
SELECT k FROM (VALUES (3), (2), (NULL)) t(k) WHERE k NOT IN (SELECT x FROM (VALUES (1, NULL), (2, 7)) u(y, x) WHERE u.y < t.k);

-- EXISTS and IN over an aggregate, or with OFFSET.
SELECT count(*) FROM symbols s WHERE NOT EXISTS (SELECT sum(amount) FROM dividends d WHERE d.symbol = s.symbol);
SELECT symbol FROM symbols s WHERE EXISTS (SELECT 1 FROM dividends d WHERE d.symbol = s.symbol AND d.date > '2026-11-01' OFFSET 1);
SELECT k FROM (VALUES (0), (1), (3)) t(k) WHERE k NOT IN (SELECT count(*) FROM (VALUES (1), (1), (3)) u(x) WHERE u.x = t.k);
SELECT k FROM (VALUES (1), (2)) t(k) WHERE EXISTS (SELECT count(*) FROM (VALUES (2)) u(x) WHERE u.x = t.k HAVING count(*) = 0);

-- LATERAL is done again for each row.
SELECT s.symbol, l.date, l.r FROM (VALUES ('KO'), ('SPY'), ('NOSUCH')) s(symbol) LEFT JOIN LATERAL (SELECT date, row_number() OVER (ORDER BY date DESC) AS r FROM dividends d WHERE d.symbol = s.symbol ORDER BY date DESC LIMIT 2) l ON true;
SELECT t.k, l.s FROM (VALUES (1), (2)) t(k), LATERAL (SELECT sum(x) OVER (ORDER BY x) AS s FROM (VALUES (1), (2), (3)) u(x) WHERE u.x >= t.k) l;
SELECT t.k, l.v FROM (VALUES (1), (2)) t(k) CROSS JOIN LATERAL (VALUES (k * 10), (k * 100)) l(v);
SELECT t.k, l.x FROM (VALUES (1), (2)) t(k) CROSS JOIN LATERAL (SELECT k UNION ALL SELECT -k) l(x);
SELECT k FROM (VALUES (1), (2), (3)) t(k) WHERE k IN (SELECT row_number() OVER (ORDER BY x) FROM (VALUES (1), (2), (5)) u(x) WHERE u.x <= t.k);

-- Rows as values.
SELECT (1, NULL::int) = (2, NULL), (1, NULL::int) < (2, 0), (NULL::int, 1) = (NULL, 1), (1, 2) IN ((1, NULL), (2, 2));
SELECT count(*) FROM eod e JOIN dividends d ON (e.symbol, e.date) = (d.symbol, d.date) WHERE e.symbol IN ('KO', 'AAPL');
SELECT ROW(NULL, NULL) IS NOT NULL, ROW(1, NULL) IS NULL, ROW(1, NULL) IS NOT NULL, ROW(1, 'a b', NULL);
SELECT count(*) FROM dividends WHERE (symbol, date) IN (SELECT symbol, date FROM eod WHERE symbol = 'KO');
SELECT count(*) FROM dividends WHERE (symbol, date) >= ('XOM', '2026-01-01') AND symbol < 'Y';

-- Duplicates count.
SELECT session FROM calendar WHERE date > '2026-11-20' AND date < '2026-12-01' EXCEPT ALL SELECT session FROM calendar WHERE date IN ('2026-11-23', '2026-11-26');
SELECT k FROM (VALUES (1), (1), (NULL), (NULL)) t(k) INTERSECT ALL SELECT k FROM (VALUES (1), (1), (1), (NULL)) u(k);

-- Places of subqueries.
SELECT max((SELECT count(*) FROM dividends d WHERE d.symbol = s.symbol)) FROM symbols s WHERE s.type = 'etf';
SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM dividends d WHERE d.symbol = s.symbol)) FROM symbols s;
SELECT symbol FROM symbols s WHERE symbol < 'AD' ORDER BY (SELECT count(*) FROM dividends d WHERE d.symbol = s.symbol) DESC, symbol;
SELECT t.k, u.x FROM (VALUES (1), (2)) t(k) LEFT JOIN (VALUES (1), (2)) u(x) ON u.x = t.k AND t.k IN (SELECT 2);
SELECT symbol FROM symbols s WHERE s.symbol < 'AD' AND s.symbol IN (SELECT max(d.symbol) FROM dividends d WHERE d.symbol <= s.symbol);
SELECT s.symbol, (SELECT close FROM eod e WHERE e.symbol = s.symbol AND e.date = '2026-11-24') FROM symbols s WHERE s.symbol < 'ABC';
SELECT k FROM (VALUES (1), (2), (3)) t(k) WHERE k >= ALL (SELECT x FROM (VALUES (1), (2)) u(x) WHERE u.x <> t.k);
SELECT market, CASE WHEN market IN (SELECT listed_market FROM market_metrics) THEN count(*) END FROM symbols GROUP BY market;

-- A WITH query runs once.
WITH drawn AS (SELECT random() AS r) SELECT a.r = b.r FROM drawn a, drawn b;
WITH drawn AS MATERIALIZED (SELECT x, gen_random_uuid() AS id FROM generate_series(1, 3) x) SELECT count(*) FROM drawn a JOIN drawn b USING (x, id);
WITH drawn(r) AS (SELECT clock_timestamp()) SELECT count(DISTINCT r) FROM (SELECT r FROM drawn UNION ALL SELECT r FROM drawn) q;

-- Rows that are joined by arrays with NULL among their elements.
SELECT k, (SELECT array_agg(x ORDER BY x) FROM unnest(t.a) x) FROM (VALUES (1, ARRAY[1]), (2, ARRAY[NULL, 4]), (3, NULL)) t(k, a);
SELECT k, (SELECT string_agg(x::text, ',' ORDER BY x) FROM unnest(t.a) x) FROM (VALUES (1, ARRAY[1]), (2, ARRAY[NULL, 4])) t(k, a);
SELECT count(*) FROM symbols s JOIN (SELECT lists, count(*) FROM symbols GROUP BY lists) g ON g.lists = s.lists;
