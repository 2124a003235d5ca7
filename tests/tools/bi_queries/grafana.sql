-- Grafana: macros filled in, alerts, variables, annotations, the builder. From memory.
-- protocol: simple

SELECT 1;

-- $__timeGroup with 5m, and with gaps filled by the caller
SELECT floor(extract(epoch from t.at)/300)*300 AS "time", avg(t.v) AS v FROM (VALUES (timestamptz '2026-11-20 14:31:00Z', 1.0), (timestamptz '2026-11-20 14:36:00Z', 3.0)) t (at, v) WHERE t.at BETWEEN '2026-11-20T14:00:00Z' AND '2026-11-20T15:00:00Z' GROUP BY 1 ORDER BY 1;

-- $__timeGroupAlias of 1d over a date
SELECT floor(extract(epoch from date)/86400)*86400 AS "time", count(*) AS n FROM eod WHERE symbol = 'SPY' AND date BETWEEN '2026-11-16T00:00:00Z' AND '2026-11-20T00:00:00Z' GROUP BY time ORDER BY time;

-- $__unixEpochFilter, $__unixEpochGroup, $__unixEpochNanoFilter
SELECT floor((t.e)/300)*300 AS "time", sum(t.v) AS value FROM (VALUES (1763649060, 1), (1763649400, 2)) t (e, v) WHERE t.e >= 1763640000 AND t.e <= 1763650000 GROUP BY 1 ORDER BY 1;

SELECT count(*) AS n FROM (VALUES (1763649060000000000)) t (e) WHERE t.e >= 1763640000000000000 AND t.e <= 1763650000000000000;

-- $__timeFrom() and $__timeTo(), $__timeEpoch
SELECT extract(epoch from t.at) as "time", t.v FROM (VALUES (timestamptz '2026-11-20 14:31:00Z', 1.5)) t (at, v) WHERE t.at >= '2026-11-20T14:00:00Z' AND t.at < '2026-11-20T15:00:00Z';

-- $__time and $__interval
SELECT t.at AS "time", t.v, 'a' AS metric FROM (VALUES (timestamptz '2026-11-20 14:31:00.123456Z', 1.5::float8)) t (at, v) ORDER BY 1 ASC;

SELECT date_bin('15m'::interval, t.at, timestamptz '2000-01-01 00:00Z') AS time, max(v) FROM (VALUES (timestamptz '2026-11-20 14:31:00Z', 1)) t (at, v) GROUP BY 1;

-- variables
-- some
SELECT symbol AS __text, type AS __value FROM symbols WHERE symbol IN ('SPY', 'AAPL') ORDER BY 1;

SELECT DISTINCT(type) IS NOT NULL AS typed FROM symbols WHERE symbol ~* '^(SPY|AAPL)$' AND type ILIKE '%' ORDER BY 1 LIMIT 1;

-- several values of a variable
SELECT symbol, count(*) > 0 AS some FROM eod WHERE symbol IN ('SPY','AAPL') AND '$__all' <> 'SPY' GROUP BY symbol ORDER BY symbol;

-- annotations
SELECT extract(epoch from date)::bigint AS time, extract(epoch from date + 1)::bigint AS timeend, symbol AS text, concat_ws(',', symbol, 'eod') AS tags FROM eod WHERE symbol = 'SPY' AND date = '2026-11-18' LIMIT 100;

-- the builder
SELECT AVG(close) > 0 AS "aliased", symbol FROM eod WHERE (date >= '2026-11-01' AND symbol = 'SPY') GROUP BY symbol LIMIT 50;

SELECT COUNT(*) > 0 AS many FROM (SELECT close, MAX(close) OVER (PARTITION BY symbol ORDER BY date ROWS 2 PRECEDING) FROM public.eod WHERE date >= '2026-11-01' LIMIT 50) q;

-- the old builder: the columns of a kind of a table, the time column that is likely
SELECT quote_ident(column_name) AS "column" FROM information_schema.columns WHERE quote_ident(table_schema) || '.' || quote_ident(table_name) = 'public.eod' AND data_type IN ('timestamp without time zone','timestamp with time zone','bigint','integer','double precision','real') ORDER BY ordinal_position;

SELECT quote_ident(table_name) AS table_name, ( SELECT quote_ident(column_name) as column_name FROM information_schema.columns c WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name AND udt_name IN ('timestamptz','timestamp','date') ORDER BY ordinal_position LIMIT 1 ) AS time_column, ( SELECT quote_ident(column_name) AS column_name FROM information_schema.columns c WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name AND udt_name='float8' ORDER BY ordinal_position LIMIT 1 ) AS value_column FROM information_schema.tables t WHERE EXISTS ( SELECT 1 FROM information_schema.columns c WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name AND udt_name IN ('timestamptz','timestamp','date') ) AND t.table_name = 'eod' ORDER BY 1 LIMIT 1;

-- parts of a name
SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'timescaledb') THEN 1 ELSE 0 END AS bucket;

SELECT udt_name FROM information_schema.columns WHERE table_schema IN (SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), array_upper(string_to_array(current_setting('search_path'),','),1)) as i, string_to_array(current_setting('search_path'),',') s) AND table_name = 'eod' AND column_name = 'date';

SELECT column_name, count(*) OVER () > 5 AS several FROM information_schema.columns WHERE table_name = 'eod' ORDER BY ordinal_position LIMIT 2;

-- dashboards of a PostgreSQL server
SELECT count(*) FROM pg_stat_activity WHERE state = 'nothing';

SELECT datname, numbackends >= 0 AS n, xact_commit >= 0 AS c, blks_hit >= 0 AS h, deadlocks, conflicts, temp_files, temp_bytes FROM pg_stat_database WHERE datname = current_database();

SELECT count(*) >= 0 AS n FROM pg_stat_bgwriter;

SELECT sum(pg_database_size(datname)) >= 0 AS size FROM pg_database;

SELECT relname, n_live_tup >= 0 AS live, seq_scan >= 0 AS scans, last_vacuum FROM pg_stat_user_tables WHERE relname = 'eod';

SELECT name, setting::bigint > 0 AS set FROM pg_settings WHERE name IN ('max_connections', 'server_version_num', 'block_size') ORDER BY 1;

SELECT mode, count(*) >= 0 AS n FROM pg_locks WHERE database = 0 GROUP BY mode;
