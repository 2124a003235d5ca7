-- The latest daily bar of each symbol, with the change against the close before it.
-- Grain: symbol. Prices as in eod; change_ratio 0.01 is 1 %. previous_close looks back 15 days at most.
-- Most symbols trade now: their bars are among the last 30 days. Only for the others is the whole history joined. Bars dated in
-- the future do not count.
-- date: Trading date of the latest bar
-- previous_close: Last close before the latest bar, 15 days back at most; NULL where there is none [currency per share]
-- change: close minus previous_close; NULL where sessions without a bar, or a change of scale from one source to another, lie between [currency per share]
-- change_ratio: change over previous_close, likewise [ratio]
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
quiet AS (
    SELECT symbol, CAST(max(date) - INTERVAL '15 days' AS date) AS since
    FROM eod
    WHERE date <= CAST(now() AT TIME ZONE 'America/New_York' AS date)
    GROUP BY symbol
    HAVING max(date) <= (SELECT date FROM session) - INTERVAL '15 days'
),
recent AS (
    SELECT symbol, date, open, high, low, close, volume, source
    FROM eod
    WHERE date > (SELECT date FROM session) - INTERVAL '30 days'
        AND date <= CAST(now() AT TIME ZONE 'America/New_York' AS date)
    UNION ALL
    SELECT eod.symbol, eod.date, eod.open, eod.high, eod.low, eod.close, eod.volume, eod.source
    FROM eod
    JOIN quiet ON quiet.symbol = eod.symbol
    WHERE eod.date > quiet.since
        AND eod.date <= CAST(now() AT TIME ZONE 'America/New_York' AS date)
),
dated AS (
    SELECT *, max(date) OVER (PARTITION BY symbol) AS latest_date
    FROM recent
),
bars AS (
    SELECT
        symbol,
        max(date) AS date,
        max(open) FILTER (WHERE date = latest_date) AS open,
        max(high) FILTER (WHERE date = latest_date) AS high,
        max(low) FILTER (WHERE date = latest_date) AS low,
        max(close) FILTER (WHERE date = latest_date) AS close,
        max(volume) FILTER (WHERE date = latest_date) AS volume,
        last_value(close ORDER BY date) FILTER (
            WHERE date < latest_date AND date > latest_date - INTERVAL '15 days' AND close IS NOT NULL
        ) AS previous_close,
        last_value(date ORDER BY date) FILTER (
            WHERE date < latest_date AND date > latest_date - INTERVAL '15 days' AND close IS NOT NULL
        ) AS previous_date,
        max(source) FILTER (WHERE date = latest_date) AS source,
        last_value(source ORDER BY date) FILTER (
            WHERE date < latest_date AND date > latest_date - INTERVAL '15 days' AND close IS NOT NULL
        ) AS previous_source
    FROM dated
    GROUP BY symbol
),
changes AS (
    SELECT
        *,
        ((source IS NOT DISTINCT FROM previous_source) OR close BETWEEN previous_close * 0.55 AND previous_close * 1.8)
            AND CASE
                WHEN previous_date < DATE '1990-01-02' OR date > DATE '2030-12-31' THEN date <= previous_date + INTERVAL '5 days'
                ELSE sessions_between(previous_date, date) <= 1
            END AS follows
    FROM bars
)
SELECT
    symbol,
    date,
    open,
    high,
    low,
    close,
    volume,
    previous_close,
    CASE WHEN follows THEN close - previous_close END AS change,
    CASE WHEN follows THEN close / nullif(previous_close, 0) - 1 END AS change_ratio
FROM changes
