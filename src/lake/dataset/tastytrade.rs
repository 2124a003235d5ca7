//! What the tastytrade REST service is asked for.

use super::definition::{
    Absence, Column, Definition, Earlier, FreshnessDefaults, WriteMode, date, flag, integer, moment, number, text,
    text_list,
};

const SHARE: &str = "currency per share";
const DIFFERENCE: &str = "ratio difference";
const YEARLY: &str = "ratio, annualised";

/// For what changes once a day.
const DAILY: FreshnessDefaults = FreshnessDefaults {
    ttl: "24h",
    stale_while_revalidate: "12h",
    wait_timeout: "30s",
    stale_if_error: "7d",
    jitter: "5m",
    csv: true,
};

/// Columns of `market_metrics` and of its history.
const MARKET_METRICS: &[Column] = &[
    text("symbol", "Symbol in tastytrade spelling"),
    number("iv_index", YEARLY, "Implied volatility of the symbol's options"),
    number("iv_index_5_day_change", DIFFERENCE, "iv_index now minus five days ago"),
    number("iv_rank", "ratio, 0 to 1", "Where iv_index stands between its lowest and highest of the past year"),
    number("iv_percentile", "ratio, 0 to 1", "Part of the past year's days with a lower iv_index"),
    number("iv_30_day", YEARLY, "Implied volatility of the next 30 days"),
    number("hv_30_day", YEARLY, "Historical volatility of 30 days"),
    number("hv_60_day", YEARLY, "Historical volatility of 60 days"),
    number("hv_90_day", YEARLY, "Historical volatility of 90 days"),
    number("iv_hv_30_day_difference", DIFFERENCE, "Implied minus historical volatility of 30 days"),
    number("liquidity_value", "no unit", "The vendor's measure of the options' liquidity"),
    number("liquidity_rank", "ratio, may exceed 1", "Rank of the options' liquidity"),
    integer("liquidity_rating", "stars, 1 to 5", "Rating of the options' liquidity"),
    number("beta", "no unit", "Beta against the S&P 500"),
    number("corr_spy_3_month", "-1 to 1", "Correlation with SPY over three months"),
    integer("market_cap", "currency", "Market capitalisation"),
    number("price_earnings_ratio", "no unit", "Price over earnings per share"),
    number("earnings_per_share", SHARE, "Earnings per share of the last year"),
    number("dividend_rate_per_share", SHARE, "Last dividend"),
    number("annual_dividend_per_share", SHARE, "Dividends of a year"),
    number("dividend_yield", "ratio", "Dividends of a year over the price"),
    date("dividend_ex_date", "Ex-date of the last or next dividend"),
    date("dividend_next_date", "Date of the next dividend; may lie in the past"),
    date("dividend_pay_date", "Date the dividend is paid"),
    date("earnings_expected_date", "Date of the next report; NULL where it is unknown"),
    text("earnings_time_of_day", "When on that day: 'BTO' before the open, 'AMC' after the close"),
    flag("earnings_estimated", "Whether that date is a guess"),
    number("earnings_consensus_estimate", SHARE, "Earnings per share that analysts expect"),
    number("earnings_actual_eps", SHARE, "Earnings per share of the last report"),
    text("lendability", "'Easy To Borrow', 'Locate Required' or 'Preborrow'"),
    number("borrow_rate", "percent per year", "Cost of borrowing shares"),
    text("listed_market", "MIC of the listing market"),
    text("sector", "Sector in the vendor's words"),
    moment("updated_at", "When the vendor computed the row"),
];

/// In order of name.
pub(super) const DATASETS: &[Definition] = &[
    Definition {
        name: "calendar",
        comment: "One row per exchange date: the regular session's open and close. Source: tastytrade market-time.",
        columns: &[&[
            date("date", "Weekday in New York; weekends have no row"),
            moment("open_at", "Open of the regular session; NULL on a closed day"),
            moment("close_at", "Close of the regular session; NULL on a closed day"),
            flag("early_close", "Whether the session ends at 13:00 Eastern"),
            text("session", "'regular', 'early' or 'holiday'"),
        ]],
        key: &["date"],
        mode: WriteMode::Merge,
        freshness: Some(FreshnessDefaults { ttl: "7d", stale_while_revalidate: "1d", stale_if_error: "30d", ..DAILY }),
        ..Definition::BASE
    },
    Definition {
        name: "dividends",
        comment: "One row per symbol and dividend: cash amount per share; several of one date are numbered. Source: tastytrade corporate events.",
        columns: &[&[
            text("symbol", "Symbol in tastytrade spelling"),
            date("date", "Date of the dividend"),
            integer("number", "", "Which of the dividends of that date it is: 1 is the greatest").added(Earlier::One),
            number("amount", SHARE, "Cash amount"),
        ]],
        key: &["symbol", "date", "number"],
        mode: WriteMode::Merge,
        by_item: true,
        freshness: Some(DAILY),
        depends_on: &["symbols"],
        absence: Absence::Incomplete,
        ..Definition::BASE
    },
    Definition {
        name: "earnings",
        comment: "One row per symbol and reported quarter: earnings per share. Source: tastytrade corporate events.",
        columns: &[&[
            text("symbol", "Symbol in tastytrade spelling"),
            date("date", "Date of the reported quarter"),
            number("eps", SHARE, "Earnings per share"),
        ]],
        key: &["symbol", "date"],
        mode: WriteMode::Merge,
        by_item: true,
        freshness: Some(DAILY),
        depends_on: &["symbols"],
        absence: Absence::Incomplete,
        ..Definition::BASE
    },
    Definition {
        name: "market_data",
        comment: "One row per symbol: the vendor's snapshot of the day, with last price, best bid and ask, and halts. Source: tastytrade market-data.",
        columns: &[&[
            text("symbol", "Symbol in tastytrade spelling"),
            number("last", SHARE, "Last price"),
            number("open", SHARE, "First price of the day"),
            number("high", SHARE, "Highest price of the day"),
            number("low", SHARE, "Lowest price of the day"),
            number("close", SHARE, "Close of the day; NULL while the session is open"),
            number("prev_close", SHARE, "Close of the session before"),
            number("bid", SHARE, "Best bid"),
            integer("bid_size", "shares", "Size at the best bid"),
            number("ask", SHARE, "Best ask"),
            integer("ask_size", "shares", "Size at the best ask"),
            integer("volume", "shares", "Shares traded on the day"),
            integer("open_interest", "contracts", "Contracts open; NULL for what has none"),
            flag("trading_halted", "Whether trading is halted"),
            moment("halt_start_at", "When the last halt began; NULL where there was none"),
            moment("halt_end_at", "When it ended; NULL where there was none or it goes on"),
            moment("updated_at", "When the vendor made the snapshot"),
        ]],
        key: &["symbol"],
        by_item: true,
        freshness: Some(FreshnessDefaults {
            ttl: "15m",
            stale_while_revalidate: "15m",
            stale_if_error: "1d",
            jitter: "20s",
            ..DAILY
        }),
        depends_on: &["symbols"],
        absence: Absence::Unknown,
        ..Definition::BASE
    },
    Definition {
        name: "market_metrics",
        comment: "One row per symbol: implied and historical volatility, rank, liquidity, beta, dividend, earnings. Source: tastytrade market-metrics.",
        columns: &[MARKET_METRICS],
        key: &["symbol"],
        by_item: true,
        history: Some("market_metrics_history"),
        freshness: Some(FreshnessDefaults {
            ttl: "15m",
            stale_while_revalidate: "15m",
            stale_if_error: "1d",
            jitter: "20s",
            ..DAILY
        }),
        depends_on: &["symbols"],
        absence: Absence::Unknown,
        ..Definition::BASE
    },
    Definition {
        name: "market_metrics_history",
        comment: "One row per symbol and fetch of market_metrics.",
        columns: &[MARKET_METRICS],
        key: &["symbol", "fetched_at"],
        mode: WriteMode::Append,
        depends_on: &["market_metrics"],
        ..Definition::BASE
    },
    Definition {
        name: "option_chains",
        comment: "One row per listed option of the configured underlyings. Source: tastytrade option-chains.",
        columns: &[&[
            text("underlying", "Underlying in tastytrade spelling"),
            date("expiration", "Expiration date"),
            number("strike", SHARE, "Strike price"),
            text("side", "'call' or 'put'"),
            text("symbol", "OCC symbol, 21 characters"),
            text("root", "Root of the option's symbol"),
            text("expiration_type", "'Regular', 'Weekly', 'Quarterly' or 'End-Of-Month'"),
            text("settlement", "When it settles: 'AM' or 'PM'"),
            integer("shares_per_contract", "shares", "Contract size"),
            text("streamer_symbol", "Symbol in streamer spelling"),
        ]],
        key: &["underlying", "expiration", "strike", "side", "symbol"],
        by_item: true,
        freshness: Some(FreshnessDefaults { stale_if_error: "3d", csv: false, ..DAILY }),
        depends_on: &["symbols"],
        absence: Absence::Unknown,
        leaves_after: Some("expiration"),
        ..Definition::BASE
    },
    Definition {
        name: "symbols",
        comment: "One row per active equity, ETF or index, and per future or cryptocurrency that is collected. Source: tastytrade instruments.",
        columns: &[&[
            text("symbol", "Symbol in tastytrade spelling"),
            text("type", "'equity', 'etf', 'index', 'future' or 'cryptocurrency'"),
            text("description", "Long name"),
            text("market", "MIC of the listing market; 'OTC' for indices"),
            text_list("lists", "Symbol lists it is on"),
            flag("active", "Whether it trades"),
            text("streamer_symbol", "Symbol in streamer spelling"),
        ]],
        key: &["symbol"],
        freshness: Some(FreshnessDefaults { stale_while_revalidate: "24h", stale_if_error: "30d", ..DAILY }),
        absence: Absence::Incomplete,
        ..Definition::BASE
    },
];
