-- A row of a value of every column type, and a row of NULLs of the same types. Every client reads it in its own words.
SELECT
    CASE WHEN n = 1 THEN true END AS boolean,
    CASE WHEN n = 1 THEN '-32768'::smallint END AS int2,
    CASE WHEN n = 1 THEN '-2147483648'::int END AS int4,
    CASE WHEN n = 1 THEN '9223372036854775807'::bigint END AS int8,
    CASE WHEN n = 1 THEN '1.5'::real END AS float4,
    CASE WHEN n = 1 THEN '0.1'::float8 END AS float8,
    CASE WHEN n = 1 THEN 'NaN'::float8 END AS not_a_number,
    CASE WHEN n = 1 THEN '-Infinity'::float8 END AS infinite,
    CASE WHEN n = 1 THEN '12345.6789'::numeric(20, 4) END AS decimal,
    CASE WHEN n = 1 THEN '-12345678901234567890123456789012345678901234567890.1234567890'::numeric(60, 10) END AS wide_decimal,
    CASE WHEN n = 1 THEN 'é "x" ''y'''::text END AS words,
    CASE WHEN n = 1 THEN ''::text END AS no_words,
    CASE WHEN n = 1 THEN '\x00ff10'::bytea END AS bytes,
    CASE WHEN n = 1 THEN date '2024-02-29' END AS day,
    CASE WHEN n = 1 THEN time '13:14:15.123456' END AS clock,
    CASE WHEN n = 1 THEN timestamp '2023-12-31 23:59:59.999999' END AS local,
    CASE WHEN n = 1 THEN timestamptz '2024-02-29 13:14:15.123456+00' END AS instant,
    CASE WHEN n = 1 THEN interval '1 month 2 days 03:04:05.678' END AS span,
    CASE WHEN n = 1 THEN ARRAY[1, 2, NULL]::int[] END AS integers,
    CASE WHEN n = 1 THEN ARRAY['a', 'b"c', NULL, '']::text[] END AS texts,
    CASE WHEN n = 1 THEN ARRAY['2024-02-29', NULL]::date[] END AS days
FROM generate_series(1, 2) AS n
ORDER BY n
