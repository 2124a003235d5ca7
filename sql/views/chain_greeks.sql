-- Each listed option that is not settled, with the volatility and the sensitivities that its own quote implies, and how old
-- everything is that went into them.
-- Grain: option. Volatility by Black-76 on the forward of put-call parity, sensitivities by Black-Scholes-Merton with the rate
-- and the yield that parity implies: of an American option out of the money that is close, of one deep in the money it is not.
-- NULL where the option, its expiration's forward, or for sensitivities the underlying has no quote.
-- settles_at: When it settles
-- ttm: Time until then, in years of 525,600 minutes [years]
-- bid: Best bid price [currency per share]
-- ask: Best ask price [currency per share]
-- mid: Middle of bid and ask; NULL unless somebody bids and the ask is not below the bid [currency per share]
-- spot: The underlying's live midpoint [currency per share]
-- forward: Price of the underlying at settlement that the chain implies [currency per share]
-- rate: Continuous rate that the chain implies [ratio per year]
-- dividend_yield: Continuous yield that spot, forward and rate imply [ratio per year]
-- volatility: Implied volatility of mid [ratio per year]
-- delta: Change of the price with the underlying
-- gamma: Change of delta with the underlying
-- theta: Change of the price per calendar day
-- vega: Change of the price per 1 % of volatility
-- rho: Change of the price per 1 % of the rate
-- quote_age: Age of the option's quote
-- spot_age: Age of the underlying's quote
-- forward_age: Age of the oldest quote behind the forward
-- chain_age: Age of the list of options
WITH options AS (
    SELECT
        chain_quotes.underlying,
        chain_quotes.expiration,
        chain_quotes.root,
        chain_quotes.strike,
        chain_quotes.side,
        chain_quotes.symbol,
        chain_quotes.streamer_symbol,
        chain_quotes.settles_at,
        year_fraction(now(), chain_quotes.settles_at, 'minutes') AS ttm,
        chain_quotes.bid,
        chain_quotes.ask,
        chain_quotes.mid,
        chain_forwards.spot,
        chain_forwards.forward,
        chain_forwards.rate,
        chain_forwards.dividend_yield,
        black76_implied_vol(
            chain_quotes.side,
            chain_quotes.mid,
            chain_forwards.forward,
            chain_quotes.strike,
            chain_forwards.ttm,
            chain_forwards.rate
        ) AS volatility,
        CASE WHEN chain_quotes.quoted_at > now() THEN INTERVAL '0 seconds' ELSE now() - chain_quotes.quoted_at END AS quote_age,
        CASE WHEN chain_forwards.spot_at > now() THEN INTERVAL '0 seconds' ELSE now() - chain_forwards.spot_at END AS spot_age,
        CASE WHEN chain_forwards.quoted_at > now() THEN INTERVAL '0 seconds' ELSE now() - chain_forwards.quoted_at END AS forward_age,
        CASE WHEN chain_quotes.listed_at > now() THEN INTERVAL '0 seconds' ELSE now() - chain_quotes.listed_at END AS chain_age
    FROM chain_quotes
    LEFT JOIN chain_forwards ON chain_forwards.underlying = chain_quotes.underlying
        AND chain_forwards.expiration = chain_quotes.expiration
        AND chain_forwards.root IS NOT DISTINCT FROM chain_quotes.root
    WHERE chain_quotes.settles_at > now()
),
sensitive AS (
    SELECT *, bsm_greeks(side, spot, strike, ttm, rate, volatility, dividend_yield) AS sensitivities
    FROM options
)
SELECT
    underlying,
    expiration,
    root,
    strike,
    side,
    symbol,
    streamer_symbol,
    settles_at,
    ttm,
    bid,
    ask,
    mid,
    spot,
    forward,
    rate,
    dividend_yield,
    volatility,
    sensitivities['delta'] AS delta,
    sensitivities['gamma'] AS gamma,
    sensitivities['theta'] AS theta,
    sensitivities['vega'] AS vega,
    sensitivities['rho'] AS rho,
    quote_age,
    spot_age,
    forward_age,
    chain_age
FROM sensitive
