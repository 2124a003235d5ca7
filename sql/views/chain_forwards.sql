-- The forward of the underlying and the rate that the options of each expiration imply, by put-call parity.
-- Grain: underlying, expiration, root, of those not settled yet with quotes of calls and puts at two strikes or more.
-- The line of parity goes through the ten strikes whose call and put are nearest in price; American options lie off it by
-- what early exercise is worth. Nothing is assumed of rates and dividends.
-- settles_at: When the options settle
-- ttm: Time until then, in years of 525,600 minutes [years]
-- spot: The underlying's live midpoint; NULL where it has no quote [currency per share]
-- spot_at: When this server received that quote
-- forward: Price of the underlying at settlement that the options imply [currency per share]
-- discount_factor: What one unit of money at settlement is worth now
-- rate: The same as a continuous rate; of little weight for options that settle within days [ratio per year]
-- dividend_yield: What the underlying pays until then, as a continuous yield, by spot, forward and rate [ratio per year]
-- pairs: Strikes that the line goes through [strikes]
-- rmse: Their mean distance from it, as the root of the mean square [currency per share]
-- quoted_at: When the oldest of the quotes was received
WITH strikes AS (
    SELECT
        underlying,
        expiration,
        root,
        strike,
        max(settles_at) AS settles_at,
        max(mid) FILTER (WHERE side = 'call') AS call_mid,
        max(mid) FILTER (WHERE side = 'put') AS put_mid,
        min(quoted_at) AS quoted_at
    FROM chain_quotes
    WHERE settles_at > now() AND mid IS NOT NULL
    GROUP BY underlying, expiration, root, strike
),
nearest AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY underlying, expiration, root ORDER BY abs(call_mid - put_mid), strike
        ) AS place
    FROM strikes
    WHERE call_mid IS NOT NULL AND put_mid IS NOT NULL
),
lines AS (
    SELECT
        underlying,
        expiration,
        root,
        max(settles_at) AS settles_at,
        parity_forward(strike, call_mid, put_mid) AS line,
        min(quoted_at) AS quoted_at
    FROM nearest
    WHERE place <= 10
    GROUP BY underlying, expiration, root
),
spots AS (
    SELECT
        lines.*,
        year_fraction(now(), lines.settles_at, 'minutes') AS ttm,
        CASE WHEN quotes.bid > 0 AND quotes.ask >= quotes.bid THEN quotes.mid END AS spot,
        quotes.received_at AS spot_at,
        lines.line['forward'] AS forward,
        lines.line['discount_factor'] AS discount_factor
    FROM lines
    LEFT JOIN symbols ON symbols.symbol = lines.underlying
    LEFT JOIN quotes ON quotes.symbol = coalesce(symbols.streamer_symbol, lines.underlying)
)
SELECT
    underlying,
    expiration,
    root,
    settles_at,
    ttm,
    spot,
    spot_at,
    forward,
    discount_factor,
    -ln(discount_factor) / ttm AS rate,
    CASE WHEN spot > 0 THEN -ln(discount_factor) / ttm - ln(forward / spot) / ttm END AS dividend_yield,
    line['n'] AS pairs,
    line['rmse'] AS rmse,
    quoted_at
FROM spots
WHERE forward > 0
