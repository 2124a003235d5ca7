-- Returns from close to close, session by session.
-- Grain: symbol, date. return_ratio 0.01 is 1 %; log_return is its natural logarithm. NULL on a symbol's first bar.
-- previous_close: Close of the session before; NULL on the first bar [currency per share]
-- return_ratio: close over previous_close, minus 1 [ratio]
-- log_return: Natural logarithm of close over previous_close [no unit]
WITH closes AS (
    SELECT
        symbol,
        date,
        close,
        lag(close) OVER (PARTITION BY symbol ORDER BY date) AS previous_close
    FROM eod
    WHERE close IS NOT NULL
)
SELECT
    symbol,
    date,
    close,
    previous_close,
    close / nullif(previous_close, 0) - 1 AS return_ratio,
    CASE WHEN close > 0 AND previous_close > 0 THEN ln(close / previous_close) END AS log_return
FROM closes
