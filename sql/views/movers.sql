-- The latest session of the market: each symbol's change against its session before. Gainers: ORDER BY rank.
-- Grain: symbol, of those with a bar on the latest date. change_ratio 0.01 is 1 %; rank 1 is the largest gain.
-- previous_close looks back 15 days at most.
WITH session AS (
    SELECT max(date) AS date
    FROM eod
),
recent AS (
    SELECT
        eod.symbol,
        max(session.date) AS date,
        max(eod.close) FILTER (WHERE eod.date = session.date) AS close,
        max(eod.volume) FILTER (WHERE eod.date = session.date) AS volume,
        last_value(eod.close ORDER BY eod.date)
            FILTER (WHERE eod.date < session.date AND eod.close IS NOT NULL) AS previous_close
    FROM eod
    CROSS JOIN session
    WHERE eod.date > (SELECT max(date) FROM eod) - INTERVAL '15 days'
    GROUP BY eod.symbol
)
SELECT
    symbol,
    date,
    close,
    previous_close,
    close - previous_close AS change,
    close / nullif(previous_close, 0) - 1 AS change_ratio,
    volume,
    rank() OVER (ORDER BY close / nullif(previous_close, 0) DESC NULLS LAST) AS rank
FROM recent
WHERE close IS NOT NULL
