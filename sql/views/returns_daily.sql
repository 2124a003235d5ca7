-- Returns from close to close, session by session.
-- Grain: symbol, date. return_ratio 0.01 is 1 %; log_return is its natural logarithm. No dividend is added.
-- NULL on a symbol's first bar, behind sessions without a bar, and where bars of another source begin in another scale.
-- previous_close: Close of the session before; NULL where it is not known [currency per share]
-- return_ratio: close over previous_close, minus 1 [ratio]
-- log_return: Natural logarithm of close over previous_close [no unit]
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
)
SELECT
    symbol,
    date,
    close,
    previous_close,
    close / nullif(previous_close, 0) - 1 AS return_ratio,
    CASE WHEN close > 0 AND previous_close > 0 THEN ln(close / previous_close) END AS log_return
FROM steps
