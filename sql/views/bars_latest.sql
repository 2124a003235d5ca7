-- The latest daily bar of each symbol, with the change against the close before it.
-- Grain: symbol. Prices as in eod; change_ratio 0.01 is 1 %. previous_close looks back 15 days at most.
WITH latest AS (
    SELECT symbol, max(date) AS date, CAST(max(date) - INTERVAL '15 days' AS date) AS since
    FROM eod
    GROUP BY symbol
),
recent AS (
    SELECT eod.*, latest.date AS latest_date
    FROM eod
    JOIN latest ON latest.symbol = eod.symbol
    WHERE eod.date > latest.since
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
        last_value(close ORDER BY date) FILTER (WHERE date < latest_date AND close IS NOT NULL) AS previous_close
    FROM recent
    GROUP BY symbol
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
    close - previous_close AS change,
    close / nullif(previous_close, 0) - 1 AS change_ratio
FROM bars
