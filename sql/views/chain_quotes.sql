-- Each listed option beside its latest quote and the venue's sensitivities.
-- Grain: option. An option that is not followed live has no quote. Sizes are contracts, prices are per share.
-- settles_at: When it settles: with the opening of the session (AM) or with its close (PM)
-- bid: Best bid price [currency per share]
-- bid_size: Size at the bid [contracts]
-- ask: Best ask price [currency per share]
-- ask_size: Size at the ask [contracts]
-- mid: Middle of bid and ask; NULL unless somebody bids and the ask is not below the bid [currency per share]
-- quoted_at: When this server received the quote
-- venue_price: Price by the venue's model [currency per share]
-- venue_volatility: Implied volatility by the venue's model [ratio per year]
-- venue_delta: Change of the price with the underlying, by the venue
-- venue_gamma: Change of delta with the underlying, by the venue
-- venue_theta: Change of the price per calendar day, by the venue
-- venue_vega: Change of the price per 1 % of volatility, by the venue
-- venue_rho: Change of the price per 1 % of the rate, by the venue
-- venue_at: When this server received the venue's sensitivities
-- listed_at: When the chain was fetched
SELECT
    option_chains.underlying,
    option_chains.expiration,
    option_chains.root,
    option_chains.strike,
    option_chains.side,
    option_chains.symbol,
    option_chains.streamer_symbol,
    option_chains.settlement,
    option_chains.shares_per_contract,
    coalesce(
        CASE
            WHEN option_chains.expiration NOT BETWEEN DATE '1990-01-02' AND DATE '2030-12-31' THEN NULL
            WHEN option_chains.settlement = 'AM' THEN session_open(option_chains.expiration)
            ELSE session_close(option_chains.expiration)
        END,
        (
            CAST(option_chains.expiration AS timestamp(6))
            + CASE WHEN option_chains.settlement = 'AM' THEN INTERVAL '9 hours 30 minutes' ELSE INTERVAL '16 hours' END
        ) AT TIME ZONE 'America/New_York'
    ) AS settles_at,
    quotes.bid,
    quotes.bid_size,
    quotes.ask,
    quotes.ask_size,
    CASE WHEN quotes.bid > 0 AND quotes.ask >= quotes.bid THEN quotes.mid END AS mid,
    quotes.received_at AS quoted_at,
    greeks.price AS venue_price,
    greeks.volatility AS venue_volatility,
    greeks.delta AS venue_delta,
    greeks.gamma AS venue_gamma,
    greeks.theta AS venue_theta,
    greeks.vega AS venue_vega,
    greeks.rho AS venue_rho,
    greeks.received_at AS venue_at,
    option_chains.fetched_at AS listed_at
FROM option_chains
LEFT JOIN quotes ON quotes.symbol = option_chains.streamer_symbol
LEFT JOIN greeks ON greeks.symbol = option_chains.streamer_symbol
