//! Daily bars, which several sources bring.

use super::definition::{Definition, FreshnessDefaults, Layout, Precedence, WriteMode, date, integer, number, text};

/// Name of the dataset of daily bars.
pub const EOD: &str = "eod";

const SHARE: &str = "currency per share";

/// In order of name.
pub(super) const DATASETS: &[Definition] = &[Definition {
    name: EOD,
    comment: "One row per symbol and trading date: the daily bar. Sources: dxLink daily candles, MetaStock files, Stooq.",
    columns: &[&[
        text("symbol", "Symbol in tastytrade spelling"),
        date("date", "Trading date in New York"),
        number("open", SHARE, "First price of the session"),
        number("high", SHARE, "Highest price of the session"),
        number("low", SHARE, "Lowest price of the session"),
        number("close", SHARE, "Last price of the session"),
        integer("volume", "shares", "Shares traded in the session"),
        integer("open_interest", "contracts", "Contracts open at the end of the session; NULL for what has none"),
        text("source", "Where the bar is from: 'dxlink', 'metastock' or 'stooq'"),
    ]],
    key: &["symbol", "date"],
    mode: WriteMode::Merge,
    layout: Layout::ByYear("date"),
    // Files are complemented with candles where they end.
    precedence: Some(Precedence { column: "source", sources: &["metastock", "dxlink"] }),
    by_item: true,
    freshness: Some(FreshnessDefaults {
        ttl: "session close + 30m",
        stale_while_revalidate: "6h",
        wait_timeout: "60s",
        stale_if_error: "7d",
        jitter: "1m",
        csv: false,
    }),
    depends_on: &["symbols", "calendar"],
    ..Definition::BASE
}];
