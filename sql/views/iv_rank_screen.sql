-- Implied volatility against its own past, with what a screen needs beside it: liquidity, size, next earnings.
-- Grain: symbol. Ranks, percentiles and volatilities are ratios (0.25 is 25 %); market_cap in currency units.
-- fetched_at: When the metrics were fetched
SELECT
    market_metrics.symbol,
    symbols.description,
    symbols.type,
    market_metrics.sector,
    market_metrics.iv_rank,
    market_metrics.iv_percentile,
    market_metrics.iv_index,
    market_metrics.iv_index_5_day_change,
    market_metrics.iv_30_day,
    market_metrics.hv_30_day,
    market_metrics.iv_hv_30_day_difference,
    market_metrics.liquidity_rating,
    market_metrics.liquidity_rank,
    market_metrics.beta,
    market_metrics.market_cap,
    market_metrics.earnings_expected_date,
    market_metrics.earnings_time_of_day,
    market_metrics.updated_at,
    market_metrics.fetched_at
FROM market_metrics
LEFT JOIN symbols ON symbols.symbol = market_metrics.symbol
