-- The last daily close of each symbol, of the 15 days that end with the latest session of the market.
-- Grain: symbol, of those with a close in these days. Bars dated in the future do not count.
-- date: Trading date of close
-- close: Last daily close [currency per share]
-- session_date: Trading date of the latest session of the market
WITH latest AS (
    SELECT max(date) AS date
    FROM eod
    WHERE date <= CAST(now() AT TIME ZONE 'America/New_York' AS date)
    GROUP BY symbol
),
session AS (
    SELECT
        coalesce(
            max(date) FILTER (
                WHERE CASE
                    WHEN date BETWEEN DATE '1990-01-02' AND DATE '2030-12-31' THEN is_session(date)
                    ELSE date_part('dow', date) BETWEEN 1 AND 5
                END
            ),
            max(date)
        ) AS date
    FROM (
        SELECT date
        FROM eod
        WHERE date <= CAST(now() AT TIME ZONE 'America/New_York' AS date)
            AND date > (SELECT max(date) FROM latest) - INTERVAL '40 days'
        GROUP BY date
    ) AS dates
)
SELECT
    symbol,
    max(date) AS date,
    last_value(close ORDER BY date) AS close,
    (SELECT date FROM session) AS session_date
FROM eod
WHERE close IS NOT NULL
    AND date > (SELECT date FROM session) - INTERVAL '15 days'
    AND date <= CAST(now() AT TIME ZONE 'America/New_York' AS date)
GROUP BY symbol
