-- The latest session of the market: each symbol's change against its session before. Gainers: ORDER BY rank.
-- Grain: symbol, of those with a bar of the latest session. change_ratio 0.01 is 1 %; rank 1 is the largest gain.
-- previous_close looks back 15 days at most. The latest session is of the New York Stock Exchange: neither a bar dated in the
-- future nor one of a weekend makes another.
-- date: Latest trading date of the market
-- close: Close of the latest session [currency per share]
-- previous_close: Last close before it, 15 days back at most [currency per share]
-- change: close minus previous_close; NULL where sessions without a bar, or a change of scale from one source to another, lie between [currency per share]
-- change_ratio: change over previous_close, likewise [ratio]
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
            FILTER (WHERE eod.date < session.date AND eod.close IS NOT NULL) AS previous_close,
        last_value(eod.date ORDER BY eod.date)
            FILTER (WHERE eod.date < session.date AND eod.close IS NOT NULL) AS previous_date,
        max(eod.source) FILTER (WHERE eod.date = session.date) AS source,
        last_value(eod.source ORDER BY eod.date)
            FILTER (WHERE eod.date < session.date AND eod.close IS NOT NULL) AS previous_source
    FROM eod
    CROSS JOIN session
    WHERE eod.date > session.date - INTERVAL '15 days'
        AND eod.date <= session.date
    GROUP BY eod.symbol
),
changes AS (
    SELECT
        *,
        ((source IS NOT DISTINCT FROM previous_source) OR close BETWEEN previous_close * 0.55 AND previous_close * 1.8)
            AND CASE
                WHEN previous_date < DATE '1990-01-02' OR date > DATE '2030-12-31' THEN date <= previous_date + INTERVAL '5 days'
                ELSE sessions_between(previous_date, date) <= 1
            END AS follows
    FROM recent
)
SELECT
    symbol,
    date,
    close,
    previous_close,
    CASE WHEN follows THEN close - previous_close END AS change,
    CASE WHEN follows THEN close / nullif(previous_close, 0) - 1 END AS change_ratio,
    volume,
    rank() OVER (ORDER BY CASE WHEN follows THEN close / nullif(previous_close, 0) END DESC NULLS LAST) AS rank
FROM changes
WHERE close IS NOT NULL
