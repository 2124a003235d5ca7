-- The live quote of each symbol with its change against the last daily close.
-- Grain: symbol, of those that have a live quote. change is mid - close; change_ratio 0.01 is 1 %.
-- close is the last of the 15 days that end with the latest session, NULL where there is none. Where it is not of the latest
-- session, or a later date, sessions lie between, and change is NULL. Bars dated in the future do not count.
-- bid: Best bid of the live quote [currency per share]
-- ask: Best ask of the live quote [currency per share]
-- mid: Midpoint of bid and ask; NULL unless both are known [currency per share]
-- close: Last daily close; NULL where there is none [currency per share]
-- close_date: Trading date of close
-- change: mid minus close; NULL where close is not of the latest session [currency per share]
-- change_ratio: change over close; NULL likewise [ratio]
-- event_at: Time of the quote at the venue; NULL where the venue does not tell
-- received_at: Time of arrival here
SELECT
    symbols.symbol,
    symbols.description,
    quotes.bid,
    quotes.ask,
    quotes.mid,
    closes_latest.close,
    closes_latest.date AS close_date,
    CASE WHEN closes_latest.date >= closes_latest.session_date THEN quotes.mid - closes_latest.close END AS change,
    CASE WHEN closes_latest.date >= closes_latest.session_date THEN quotes.mid / nullif(closes_latest.close, 0) - 1 END
        AS change_ratio,
    quotes.event_at,
    quotes.received_at
FROM symbols
JOIN quotes ON quotes.symbol = coalesce(symbols.streamer_symbol, symbols.symbol)
LEFT JOIN closes_latest ON closes_latest.symbol = symbols.symbol
