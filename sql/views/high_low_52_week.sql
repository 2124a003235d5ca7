-- The highest high and lowest low of the year that ends with the latest session, and where the last close stands.
-- Bars dated in the future do not count.
-- Grain: symbol. from_high_ratio is 0 at the high and negative below it; from_low_ratio is 0 at the low. 0.01 is 1 %.
-- date: Latest trading date of the symbol
-- close: Last known close [currency per share]
-- high: Highest price of the year [currency per share]
-- high_date: Latest trading date of that high
-- low: Lowest price of the year [currency per share]
-- low_date: Latest trading date of that low
-- from_high_ratio: close over high, minus 1 [ratio]
-- from_low_ratio: close over low, minus 1 [ratio]
-- sessions: Daily bars of the symbol in the year [sessions]
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
),
bounds AS (
    SELECT
        symbol,
        max(high) AS high,
        first_value(date ORDER BY high DESC, date DESC) FILTER (WHERE high IS NOT NULL) AS high_date,
        min(low) AS low,
        first_value(date ORDER BY low, date DESC) FILTER (WHERE low IS NOT NULL) AS low_date,
        last_value(close ORDER BY date) FILTER (WHERE close IS NOT NULL) AS close,
        max(date) AS date,
        count(*) AS sessions
    FROM eod
    WHERE date > (SELECT date FROM session) - INTERVAL '1 year'
        AND date <= CAST(now() AT TIME ZONE 'America/New_York' AS date)
    GROUP BY symbol
)
SELECT
    symbol,
    date,
    close,
    high,
    high_date,
    low,
    low_date,
    close / nullif(high, 0) - 1 AS from_high_ratio,
    close / nullif(low, 0) - 1 AS from_low_ratio,
    sessions
FROM bounds
