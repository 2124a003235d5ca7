-- Realised volatility: the standard deviation of 20 daily log returns, annualised over 252 sessions.
-- Grain: symbol, date. A ratio (0.25 is 25 %); NULL until a symbol has 20 returns.
-- volatility: Standard deviation of the last 20 daily log returns; NULL until there are 20 [ratio, annualised]
WITH closes AS (
    SELECT
        symbol,
        date,
        close,
        lag(close) OVER (PARTITION BY symbol ORDER BY date) AS previous_close
    FROM eod
    WHERE close IS NOT NULL
),
returns AS (
    SELECT
        symbol,
        date,
        close,
        CASE WHEN close > 0 AND previous_close > 0 THEN ln(close / previous_close) END AS log_return
    FROM closes
),
rolling AS (
    SELECT
        symbol,
        date,
        close,
        stddev_samp(log_return) OVER last_20 AS deviation,
        count(log_return) OVER last_20 AS observations
    FROM returns
    WINDOW last_20 AS (PARTITION BY symbol ORDER BY date ROWS BETWEEN 19 PRECEDING AND CURRENT ROW)
)
SELECT
    symbol,
    date,
    close,
    CASE WHEN observations = 20 THEN deviation * sqrt(252) END AS volatility
FROM rolling
