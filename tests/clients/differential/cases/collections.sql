-- Arrays.
SELECT lists[1], lists[-1], lists[2:], lists[:1], array_length(lists, 1), array_upper(lists, 2) FROM symbols WHERE symbol IN ('AAPL', 'SPY');
SELECT array_length('{}'::text[], 1), array_ndims('{}'::int[]), cardinality('{}'::int[]), (ARRAY[1, 2, 3])[0:2], (ARRAY[1, 2, 3])[-2:-1];
SELECT array_remove(ARRAY[1, NULL, 1], NULL), array_remove(ARRAY[1, 2, 1], 1), array_replace(ARRAY[2, 1, 2], 2, NULL), array_positions(ARRAY[1, 2, 1], 1), ARRAY[0.5, 1.5, 2.5]::int[];
SELECT ARRAY[1, NULL] = ARRAY[1, NULL], ARRAY[NULL]::int[] < ARRAY[1], ARRAY[1, NULL] @> ARRAY[NULL]::int[], ARRAY[[1, 2], [3, 4]], (ARRAY[[1, 2], [3, 4]])[2][1], array_dims(ARRAY[[1], [2]]);
SELECT x FROM unnest(ARRAY[[1, 2], [3, NULL]]) t(x);
SELECT array_fill(0, ARRAY[3]), trim_array(ARRAY[1, 2, 3], 1), array_to_string(ARRAY[1, NULL, 3], '-', '?');

-- json.
SELECT '{"b": 1, "a": [1, null]}'::jsonb, '{"b": 1,  "a": 2}'::json, '[1.0]'::jsonb = '[1.00]'::jsonb, '{"a":1}'::jsonb @> '{}', '{"a":1}'::jsonb - 'a';
SELECT '{"a": {"b": [10, 20]}}'::jsonb #> '{a,b,1}', '{"a": "x"}'::json ->> 'a', '[1, 2]'::jsonb -> -1, jsonb_typeof('null'::jsonb), '{"a":1}'::jsonb ? 'a';
SELECT '{"a": }'::jsonb;
SELECT row_to_json(q), to_jsonb(q) FROM (SELECT symbol, date, close, open_interest FROM eod WHERE symbol = 'KO' AND date = '2026-11-24') q;
SELECT json_agg(symbol ORDER BY symbol), jsonb_object_agg(symbol, active) FROM symbols WHERE type = 'etf';
SELECT key, value FROM jsonb_each('{"x": 1, "y": null}') ORDER BY key;
SELECT jsonb_build_object('day', date, 'at', open_at, 'short', early_close) FROM calendar WHERE date = '2026-11-27';
SELECT count(DISTINCT j), max(jsonb_array_length(j)) FROM (VALUES ('[1]'::jsonb), ('[1.0]'), ('[]')) t(j);
