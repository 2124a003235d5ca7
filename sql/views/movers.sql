-- The latest session of the market: each symbol's change against its session before. Gainers: ORDER BY rank.
-- Grain: symbol, of those with a bar of the latest session. change_ratio 0.01 is 1 %; rank 1 is the largest gain.
-- previous_close looks back 15 days at most. The latest session is of the New York Stock Exchange: neither a bar dated in the
-- future nor one of a weekend makes another.
-- date: Latest trading date of the market
-- close: Close of the latest session [currency per share]
-- previous_close: Last close before it, 15 days back at most [currency per share]
-- change: close minus previous_close [currency per share]
-- change_ratio: change over previous_close [ratio]
-- rank: 1 is the largest gain [rank]
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
    WHERE eod.date > session.date - INTERVAL '15 days'
        AND eod.date <= session.date
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
