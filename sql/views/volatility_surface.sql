-- Implied volatility at the money and by delta, for each expiration.
-- Grain: underlying, expiration, root. Volatilities are of options out of the money, on the straight line between the two
-- nearest; NULL where there are none on both sides: nothing is assumed beyond the strikes that are quoted. Delta is Black-76's.
-- ttm: Time until settlement, in years of 525,600 minutes [years]
-- forward: Price of the underlying at settlement that the chain implies [currency per share]
-- at_the_money: Volatility at the forward [ratio per year]
-- put_25: Volatility of the put with a delta of -0.25 [ratio per year]
-- call_25: Volatility of the call with a delta of 0.25 [ratio per year]
-- put_10: Volatility of the put with a delta of -0.1 [ratio per year]
-- call_10: Volatility of the call with a delta of 0.1 [ratio per year]
-- risk_reversal_25: call_25 minus put_25 [ratio per year]
-- butterfly_25: Mean of call_25 and put_25, minus at_the_money [ratio per year]
-- options: Options with a volatility, out of the money [options]
-- oldest_quote_age: Age of their oldest quote
WITH smile AS (
    SELECT
        underlying,
        expiration,
        root,
        settles_at,
        ttm,
        forward,
        strike,
        side,
        volatility,
        quote_age,
        black76_greeks(side, forward, strike, ttm, rate, volatility) AS sensitivities
    FROM chain_greeks
    WHERE volatility IS NOT NULL
        AND CASE side WHEN 'put' THEN strike <= forward ELSE strike >= forward END
),
points AS (
    SELECT *, sensitivities['delta'] AS delta
    FROM smile
),
surface AS (
    SELECT
        underlying,
        expiration,
        root,
        max(ttm) AS ttm,
        max(forward) AS forward,
        interp(forward, strike, volatility) AS at_the_money,
        interp(-0.25, delta, volatility) FILTER (WHERE side = 'put') AS put_25,
        interp(0.25, delta, volatility) FILTER (WHERE side = 'call') AS call_25,
        interp(-0.1, delta, volatility) FILTER (WHERE side = 'put') AS put_10,
        interp(0.1, delta, volatility) FILTER (WHERE side = 'call') AS call_10,
        count(*) AS options,
        max(quote_age) AS oldest_quote_age
    FROM points
    GROUP BY underlying, expiration, root
)
SELECT
    underlying,
    expiration,
    root,
    ttm,
    forward,
    at_the_money,
    put_25,
    call_25,
    put_10,
    call_10,
    call_25 - put_25 AS risk_reversal_25,
    (call_25 + put_25) / 2 - at_the_money AS butterfly_25,
    options,
    oldest_quote_age
FROM surface
