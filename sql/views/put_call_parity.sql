-- Strikes at which put-call parity is violated by more than bid and ask explain.
-- Grain: underlying, expiration, root, strike. Parity is the discounted forward less the strike, by the line through the chain;
-- an American option in the money may be worth more.
-- call_symbol: OCC symbol of the call
-- put_symbol: OCC symbol of the put
-- call_bid: Best bid of the call [currency per share]
-- call_ask: Best ask of the call [currency per share]
-- put_bid: Best bid of the put [currency per share]
-- put_ask: Best ask of the put [currency per share]
-- forward: Price of the underlying at settlement that the chain implies [currency per share]
-- parity: What the call less the put is worth by parity [currency per share]
-- synthetic_bid: What the call less the put is sold for: its bid less the put's ask [currency per share]
-- synthetic_ask: What it is bought for: its ask less the put's bid [currency per share]
-- violation: How far parity lies outside of both; positive [currency per share]
-- oldest_quote_age: Age of the older quote of the two
WITH strikes AS (
    SELECT
        underlying,
        expiration,
        root,
        strike,
        max(symbol) FILTER (WHERE side = 'call') AS call_symbol,
        max(symbol) FILTER (WHERE side = 'put') AS put_symbol,
        max(bid) FILTER (WHERE side = 'call') AS call_bid,
        max(ask) FILTER (WHERE side = 'call') AS call_ask,
        max(bid) FILTER (WHERE side = 'put') AS put_bid,
        max(ask) FILTER (WHERE side = 'put') AS put_ask,
        min(quoted_at) AS quoted_at
    FROM chain_quotes
    WHERE settles_at > now() AND mid IS NOT NULL
    GROUP BY underlying, expiration, root, strike
),
synthetic AS (
    SELECT
        strikes.*,
        chain_forwards.forward,
        chain_forwards.discount_factor * (chain_forwards.forward - strikes.strike) AS parity,
        strikes.call_bid - strikes.put_ask AS synthetic_bid,
        strikes.call_ask - strikes.put_bid AS synthetic_ask
    FROM strikes
    JOIN chain_forwards ON chain_forwards.underlying = strikes.underlying
        AND chain_forwards.expiration = strikes.expiration
        AND chain_forwards.root IS NOT DISTINCT FROM strikes.root
)
SELECT
    underlying,
    expiration,
    root,
    strike,
    call_symbol,
    put_symbol,
    call_bid,
    call_ask,
    put_bid,
    put_ask,
    forward,
    parity,
    synthetic_bid,
    synthetic_ask,
    greatest(synthetic_bid - parity, parity - synthetic_ask) AS violation,
    CASE WHEN quoted_at > now() THEN INTERVAL '0 seconds' ELSE now() - quoted_at END AS oldest_quote_age
FROM synthetic
WHERE parity < synthetic_bid OR parity > synthetic_ask
