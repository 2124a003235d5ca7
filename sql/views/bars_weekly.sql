-- Weekly bars: the daily bars of each calendar week, put together.
-- Grain: symbol, week (its first day, a Monday). open and close are the first and last known; volume is the sum; sessions counts bars.
-- week: First day of the calendar week, a Monday
-- open: First known open of the week [currency per share]
-- high: Highest price of the week [currency per share]
-- low: Lowest price of the week [currency per share]
-- close: Last known close of the week [currency per share]
-- volume: Shares traded in the week [shares]
-- sessions: Daily bars in the week [sessions]
SELECT
    symbol,
    CAST(date_trunc('week', CAST(date AS timestamp(6))) AS date) AS week,
    first_value(open ORDER BY date) FILTER (WHERE open IS NOT NULL) AS open,
    max(high) AS high,
    min(low) AS low,
    last_value(close ORDER BY date) FILTER (WHERE close IS NOT NULL) AS close,
    CAST(sum(volume) AS bigint) AS volume,
    count(*) AS sessions
FROM eod
GROUP BY symbol, CAST(date_trunc('week', CAST(date AS timestamp(6))) AS date)
