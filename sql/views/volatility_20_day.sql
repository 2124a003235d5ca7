-- Realised volatility: the standard deviation of 20 daily log returns, annualised over 252 sessions.
-- Grain: symbol, date. A ratio (0.25 is 25 %); NULL until a symbol has 20 returns. Behind sessions without a bar, and where
-- bars of another source begin in another scale, there is no return, so that it begins anew.
-- volatility: Standard deviation of the last 20 daily log returns; NULL until there are 20 [ratio, annualised]
WITH closes AS (
    SELECT
        symbol,
        date,
        close,
        source,
        lag(close) OVER (PARTITION BY symbol ORDER BY date) AS last_close,
        lag(date) OVER (PARTITION BY symbol ORDER BY date) AS last_date,
        lag(source) OVER (PARTITION BY symbol ORDER BY date) AS last_source
    FROM eod
    WHERE close IS NOT NULL
),
steps AS (
    SELECT
        symbol,
        date,
        close,
        CASE
            WHEN ((source IS NOT DISTINCT FROM last_source) OR close BETWEEN last_close * 0.55 AND last_close * 1.8)
                AND CASE
                    WHEN last_date < DATE '1990-01-02' OR date > DATE '2030-12-31' THEN date <= last_date + INTERVAL '5 days'
                    ELSE sessions_between(last_date, date) <= 1
                END
            THEN last_close
        END AS previous_close
    FROM closes
),
returns AS (
    SELECT
        symbol,
        date,
        close,
        CASE WHEN close > 0 AND previous_close > 0 THEN ln(close / previous_close) END AS log_return
    FROM steps
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
