-- The volatility of the next 30 days that the options of an underlying imply, by the method of Cboe's VIX, at any moment.
-- Grain: underlying, of those with an expiration within 30 days and one beyond. The rate is the one that the chain implies.
-- value: 100 times the volatility per year, between the two expirations [percent per year]
-- complete: Whether both strips end as the method has it; where not, strikes are not quoted, and a part of the variance is missing
-- near_expiration: The last expiration within 30 days
-- near_root: Root of its options
-- near_variance: Variance per year that they imply
-- near_strikes: Options in their strip [options]
-- next_expiration: The first expiration beyond 30 days
-- next_root: Root of its options
-- next_variance: Variance per year that they imply
-- next_strikes: Options in their strip [options]
-- oldest_quote_age: Age of the oldest quote
WITH strikes AS (
    SELECT
        underlying,
        expiration,
        root,
        strike,
        max(bid) FILTER (WHERE side = 'call') AS call_bid,
        max(ask) FILTER (WHERE side = 'call') AS call_ask,
        max(bid) FILTER (WHERE side = 'put') AS put_bid,
        max(ask) FILTER (WHERE side = 'put') AS put_ask,
        min(quoted_at) AS quoted_at
    FROM chain_quotes
    WHERE settles_at > now()
    GROUP BY underlying, expiration, root, strike
),
strips AS (
    SELECT
        strikes.underlying,
        strikes.expiration,
        strikes.root,
        chain_forwards.ttm,
        vix_variance(
            strikes.strike,
            strikes.call_bid,
            strikes.call_ask,
            strikes.put_bid,
            strikes.put_ask,
            chain_forwards.ttm,
            chain_forwards.rate
        ) AS strip,
        min(strikes.quoted_at) AS quoted_at
    FROM strikes
    JOIN chain_forwards ON chain_forwards.underlying = strikes.underlying
        AND chain_forwards.expiration = strikes.expiration
        AND chain_forwards.root IS NOT DISTINCT FROM strikes.root
    GROUP BY strikes.underlying, strikes.expiration, strikes.root, chain_forwards.ttm
),
terms AS (
    SELECT
        *,
        ttm * 525600 AS minutes,
        strip['variance'] AS variance,
        row_number() OVER (
            PARTITION BY underlying, ttm * 525600 > 43200
            ORDER BY abs(ttm * 525600 - 43200), root
        ) AS place
    FROM strips
    WHERE strip['variance'] IS NOT NULL
),
weighted AS (
    SELECT
        near_term.underlying,
        (
            near_term.ttm * near_term.variance * (next_term.minutes - 43200)
            + next_term.ttm * next_term.variance * (43200 - near_term.minutes)
        ) / (next_term.minutes - near_term.minutes) * 525600 / 43200 AS variance,
        near_term.strip['complete'] AND next_term.strip['complete'] AS complete,
        near_term.expiration AS near_expiration,
        near_term.root AS near_root,
        near_term.variance AS near_variance,
        near_term.strip['n'] AS near_strikes,
        next_term.expiration AS next_expiration,
        next_term.root AS next_root,
        next_term.variance AS next_variance,
        next_term.strip['n'] AS next_strikes,
        CASE WHEN least(near_term.quoted_at, next_term.quoted_at) > now() THEN INTERVAL '0 seconds' ELSE now() - least(near_term.quoted_at, next_term.quoted_at) END AS oldest_quote_age
    FROM terms AS near_term
    JOIN terms AS next_term ON next_term.underlying = near_term.underlying
    WHERE near_term.place = 1
        AND next_term.place = 1
        AND near_term.minutes <= 43200
        AND next_term.minutes > 43200
)
SELECT
    underlying,
    CASE WHEN variance >= 0 THEN 100 * sqrt(variance) END AS value,
    complete,
    near_expiration,
    near_root,
    near_variance,
    near_strikes,
    next_expiration,
    next_root,
    next_variance,
    next_strikes,
    oldest_quote_age
FROM weighted
