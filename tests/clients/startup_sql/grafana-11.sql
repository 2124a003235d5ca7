-- Grafana 11 (grafana-postgresql-datasource/postgresMetaQuery.ts): what the query builder asks, then a panel's query after
-- its macros ($__timeFilter, $__timeGroup) are replaced.
-- protocol: extended

-- version
SELECT current_setting('server_version_num')::int/100 as version;

-- extension
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb';

-- schemas
SELECT schema_name AS "name"
    FROM information_schema.schemata
    WHERE schema_name NOT IN ('information_schema',
                              'pg_catalog',
                              'pg_toast',
                              '_timescaledb_cache',
                              '_timescaledb_catalog',
                              '_timescaledb_internal',
                              '_timescaledb_config',
                              'timescaledb_information',
                              'timescaledb_experimental')
    ORDER BY schema_name;

-- tables
-- some
SELECT
    CASE WHEN
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          )
      THEN quote_ident(table_name)
      ELSE quote_ident(table_schema) || '.' || quote_ident(table_name)
    END AS "table"
    FROM information_schema.tables
    WHERE quote_ident(table_schema) NOT IN ('information_schema',
                             'pg_catalog',
                             '_timescaledb_cache',
                             '_timescaledb_catalog',
                             '_timescaledb_internal',
                             '_timescaledb_config',
                             'timescaledb_information',
                             'timescaledb_experimental')
    ORDER BY CASE WHEN
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          ) THEN 0 ELSE 1 END, 1;

-- tables of a schema
SELECT quote_ident(table_name) AS "table"
      FROM information_schema.tables
      WHERE quote_ident(table_schema) = 'live'
      ORDER BY 1;

-- columns
SELECT quote_ident(column_name) AS "column", data_type AS "type"
    FROM information_schema.columns
    WHERE
      CASE WHEN array_length(parse_ident('live.quotes'),1) = 2
        THEN quote_ident(table_schema) = (parse_ident('live.quotes'))[1]
          AND quote_ident(table_name) = (parse_ident('live.quotes'))[2]
        ELSE quote_ident(table_name) = 'live.quotes'
          AND
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          )
      END;

-- panel: $__timeGroupAlias and $__timeFilter
SELECT
  floor(extract(epoch from t.at)/300)*300 AS "time",
  t.symbol AS metric,
  avg(t.price) AS "price"
FROM (VALUES
  (timestamptz '2026-11-20 14:31:00Z', 'SPY', 600.0),
  (timestamptz '2026-11-20 14:33:00Z', 'SPY', 602.0),
  (timestamptz '2026-11-20 14:36:00Z', 'SPY', 604.0)) AS t (at, symbol, price)
WHERE
  t.at BETWEEN '2026-11-20T14:30:00Z' AND '2026-11-20T14:40:00Z'
GROUP BY 1, 2
ORDER BY 1, 2;

-- panel: $__timeGroup with a day, on a date column
SELECT
  floor(extract(epoch from date)/86400)*86400 AS "time",
  symbol AS metric,
  max(high) > 0 AS value
FROM eod
WHERE date BETWEEN '2026-11-16T00:00:00Z' AND '2026-11-18T00:00:00Z' AND symbol IN ('SPY')
GROUP BY 1, 2
ORDER BY 1;
