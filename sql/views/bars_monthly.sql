-- Monthly bars: the daily bars of each calendar month, put together.
-- Grain: symbol, month (its first day). open and close are the first and last known; volume is the sum; sessions counts bars.
-- month: First day of the calendar month
-- open: First known open of the month [currency per share]
-- high: Highest price of the month [currency per share]
-- low: Lowest price of the month [currency per share]
-- close: Last known close of the month [currency per share]
-- volume: Shares traded in the month [shares]
-- sessions: Daily bars in the month [sessions]
SELECT
    symbol,
    CAST(date_trunc('month', CAST(date AS timestamp(6))) AS date) AS month,
    first_value(open ORDER BY date) FILTER (WHERE open IS NOT NULL) AS open,
    max(high) AS high,
    min(low) AS low,
    last_value(close ORDER BY date) FILTER (WHERE close IS NOT NULL) AS close,
    CAST(sum(volume) AS bigint) AS volume,
    count(*) AS sessions
FROM eod
GROUP BY symbol, CAST(date_trunc('month', CAST(date AS timestamp(6))) AS date)
