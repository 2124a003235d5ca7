-- The strike nearest to the underlying's price, with its call and put.
-- Grain: underlying, expiration, root (an index has several roots on one expiration).
-- price is the live midpoint, or else the last daily close; price_source says which: 'quote' or 'close'.
-- price: The underlying's live midpoint, or else its last daily close [currency per share]
-- price_source: What price is: 'quote' or 'close'
-- strike: Strike nearest to price [currency per share]
-- call_symbol: OCC symbol of the call; NULL where there is none
-- put_symbol: OCC symbol of the put; NULL where there is none
-- call_streamer_symbol: The call in streamer spelling
-- put_streamer_symbol: The put in streamer spelling
WITH underlyings AS (
    SELECT DISTINCT underlying
    FROM option_chains
),
closes AS (
    SELECT eod.symbol, last_value(eod.close ORDER BY eod.date) AS close
    FROM eod
    JOIN underlyings ON underlyings.underlying = eod.symbol
    WHERE eod.close IS NOT NULL
    GROUP BY eod.symbol
),
prices AS (
    SELECT
        underlyings.underlying,
        coalesce(quotes.mid, closes.close) AS price,
        CASE WHEN quotes.mid IS NOT NULL THEN 'quote' WHEN closes.close IS NOT NULL THEN 'close' END AS price_source
    FROM underlyings
    LEFT JOIN symbols ON symbols.symbol = underlyings.underlying
    LEFT JOIN quotes ON quotes.symbol = coalesce(symbols.streamer_symbol, underlyings.underlying)
    LEFT JOIN closes ON closes.symbol = underlyings.underlying
),
strikes AS (
    SELECT
        underlying,
        expiration,
        root,
        strike,
        max(symbol) FILTER (WHERE side = 'call') AS call_symbol,
        max(symbol) FILTER (WHERE side = 'put') AS put_symbol,
        max(streamer_symbol) FILTER (WHERE side = 'call') AS call_streamer_symbol,
        max(streamer_symbol) FILTER (WHERE side = 'put') AS put_streamer_symbol
    FROM option_chains
    GROUP BY underlying, expiration, root, strike
),
nearest AS (
    SELECT
        strikes.underlying,
        strikes.expiration,
        strikes.root,
        max(prices.price) AS price,
        max(prices.price_source) AS price_source,
        first_value(strikes.strike ORDER BY abs(strikes.strike - prices.price), strikes.strike) AS strike
    FROM strikes
    JOIN prices ON prices.underlying = strikes.underlying
    WHERE prices.price IS NOT NULL
    GROUP BY strikes.underlying, strikes.expiration, strikes.root
)
SELECT
    nearest.underlying,
    nearest.expiration,
    nearest.root,
    nearest.price,
    nearest.price_source,
    nearest.strike,
    strikes.call_symbol,
    strikes.put_symbol,
    strikes.call_streamer_symbol,
    strikes.put_streamer_symbol
FROM nearest
JOIN strikes ON strikes.underlying = nearest.underlying
    AND strikes.expiration = nearest.expiration
    AND strikes.strike = nearest.strike
    AND strikes.root IS NOT DISTINCT FROM nearest.root
