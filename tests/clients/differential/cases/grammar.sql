-- Windows that refer to named ones.
SELECT date, sum(volume) OVER (w ROWS 2 PRECEDING) FROM eod WHERE symbol = 'KO' AND date > '2026-11-10' WINDOW w AS (ORDER BY date);
SELECT g, k, rank() OVER w2 FROM (VALUES ('a', 2), ('a', 1), ('b', 3)) t(g, k) WINDOW w AS (PARTITION BY g), w2 AS (w ORDER BY k);
SELECT k, count(*) OVER (w) FROM (VALUES (1), (2)) t(k) WINDOW w AS (ORDER BY k);
SELECT sum(k) OVER (w PARTITION BY k) FROM (VALUES (1)) t(k) WINDOW w AS (ORDER BY k);
SELECT sum(k) OVER (w ORDER BY k) FROM (VALUES (1)) t(k) WINDOW w AS (ORDER BY k);

-- What IS DISTINCT FROM takes.
SELECT symbol FROM market_metrics WHERE earnings_estimated IS NOT DISTINCT FROM NULL AND symbol < 'Q' OR symbol = 'KO';
SELECT 1 IS DISTINCT FROM 2 AND false, NOT 1 IS DISTINCT FROM 1, true IS DISTINCT FROM false OR false;

-- Precedence.
SELECT -2 ^ 2, -x ^ 2, @ -x - 1, ~ 5 + 1, |/ 16.0::float8 + 9 FROM (VALUES (3)) t(x);
SELECT 'ab' ~ 'a' || 'b', 'a' || 1 + 1, 2 * 3 % 4, 2 ^ 3 ^ 2, (1 < 2) = true, NOT 1 = 2;

-- Names that stars and joins give.
WITH q AS (SELECT d.*, e.close FROM dividends d JOIN eod e USING (symbol, date)) SELECT symbol, date, close FROM q WHERE symbol = 'KO';
SELECT max(volume) FROM (SELECT *, close FROM eod WHERE symbol = 'KO') q;
SELECT volume FROM (SELECT e.*, volume AS v FROM eod e WHERE symbol = 'KO' AND date = '2026-11-24') q;
SELECT close FROM (SELECT *, close FROM eod WHERE symbol = 'KO') q;
SELECT symbol, count(amount) FROM symbols LEFT JOIN dividends USING (symbol) WHERE symbol IN ('SPY', 'KO') GROUP BY symbol;
SELECT count(*) FROM eod NATURAL JOIN (SELECT symbol, date, amount FROM dividends) d WHERE date > '2026-10-01' AND symbol > 'K';
SELECT * FROM (VALUES (1, 'l')) a(k, l) JOIN (VALUES ('r', 1)) b(r, k) USING (k);
SELECT * FROM (SELECT close, date FROM eod WHERE symbol = 'KO' AND date > '2026-11-23') e NATURAL JOIN (SELECT session, date FROM calendar) c;
SELECT * FROM (VALUES (1, 2)) a(x, y) FULL JOIN (VALUES (3, 4)) b(z, y) USING (y);

-- Names in ORDER BY, GROUP BY and HAVING.
-- ordered
SELECT -k AS k FROM (VALUES (1), (2), (3)) t(k) ORDER BY k + 0;
-- ordered
SELECT upper(s) AS s FROM (VALUES ('b'), ('A'), ('c')) t(s) ORDER BY lower(s) DESC;
-- ordered
SELECT -k AS k FROM (VALUES (1), (2)) t(k) ORDER BY t.k;
SELECT k % 2 AS k, count(*) FROM (VALUES (1), (2), (3)) t(k) GROUP BY k;
SELECT k AS n, count(*) AS m FROM (VALUES (1)) t(k) GROUP BY n HAVING m > 0;

-- Guards.
SELECT symbol, volume / open_interest FROM eod WHERE symbol = 'KO' AND open_interest <> 0 AND volume / open_interest > 1;
SELECT k FROM (VALUES (0), (4), (5)) t(k) WHERE k <> 0 AND 20 / k = 5;
SELECT CASE WHEN k <> 0 AND 20 / k > 4 THEN 'more' ELSE 'less' END FROM (VALUES (0), (4)) t(k);
SELECT q.k, 1 / q.k FROM (SELECT k FROM (VALUES (0), (2)) t(k) WHERE k > 0) q;
SELECT count(*) FROM (VALUES ('7'), ('x')) t(s) WHERE s ~ '^[0-9]$' AND s::int > 3;
SELECT k > 0 AND sqrt(k) > 1, k <= 0 OR ln(k) > 0 FROM (VALUES (-1), (4)) t(k);

-- The same aggregate over a column and its cast.
SELECT max(volume), max(volume::numeric), avg(volume), avg(volume::float8) FROM eod WHERE symbol = 'KO';
SELECT date, date::text, count(*) FROM dividends WHERE symbol = 'KO' AND date > '2026-01-01' GROUP BY date, date::text;

-- DISTINCT over tests of truth.
SELECT DISTINCT (price_earnings_ratio > 20) IS NOT TRUE FROM market_metrics;
SELECT (amount > 1) IS TRUE FROM dividends UNION SELECT (amount > 100) IS FALSE FROM dividends;

-- Constants as text.
SELECT 'first '
    'second';
SELECT k ISNULL, k NOTNULL FROM (VALUES (1), (NULL)) t(k);
SELECT U&'\0061b', E'\x41\u00e9', $q$it's$q$, B'101', X'1F';
SELECT 1 WHERE NULL ISNULL;
SELECT 'a' 'b';

-- Samples.
SELECT count(*) FROM dividends TABLESAMPLE BERNOULLI (0);
SELECT count(*) BETWEEN 1 AND 8000 FROM dividends TABLESAMPLE BERNOULLI (40);
SELECT count(*) < 260000 FROM eod TABLESAMPLE SYSTEM (10) REPEATABLE (3);
SELECT count(*) FROM dividends TABLESAMPLE SYSTEM (200);

-- Forms.
WITH q AS (SELECT 1 AS k) SELECT q.k, r.k FROM q, (WITH q AS (SELECT 2 AS k) SELECT k FROM q) r;
SELECT d FROM dividends d WHERE symbol = 'KO' AND date > '2026-09-01' AND false;
SELECT (t).k, t, count(t) OVER () FROM (VALUES (1, 'x y')) t(k, s);
SELECT k, v FROM (VALUES (1, 5), (2, 5), (3, 9)) t(k, v) ORDER BY v FETCH FIRST 1 ROW WITH TIES;
SELECT 'KO' LIKE ANY (ARRAY['A%', 'K%']), 'KO' NOT LIKE ALL (ARRAY['A%', 'B%']), 'KO' ~ ANY (ARRAY['^k', 'O$']);
SELECT 3 BETWEEN SYMMETRIC 5 AND 1, 3 NOT BETWEEN SYMMETRIC 1 AND 2;
SELECT count(*) FROM ONLY symbols, calendar * WHERE date = '2026-11-27';
SELECT s.symbol, s.description, count(*) FROM symbols s JOIN dividends d ON d.symbol = s.symbol WHERE s.type = 'etf' GROUP BY s.symbol;
-- ordered
SELECT DISTINCT ON (market) market, symbol FROM symbols ORDER BY market, symbol DESC;
SELECT symbol FROM symbols ORDER BY symbol LIMIT (SELECT 2);
SELECT FROM symbols WHERE type = 'etf';
SELECT market, type, count(*) FROM symbols GROUP BY ROLLUP (market, type);
SELECT *, k AS k FROM (VALUES (1)) t(k);
TABLE calendar EXCEPT SELECT * FROM calendar;
SELECT trim(LEADING 'x' FROM 'xax'), overlay('abcd' PLACING 'ZZ' FROM 2 FOR 1), format('%2$s/%1$s|%-4s|', 'a', 'b');
