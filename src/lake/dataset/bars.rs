//! Daily bars, which several sources bring, and the splits that they tell of.

use super::definition::{
    Definition, FreshnessDefaults, Layout, Precedence, WriteMode, date, flag, integer, moment, number, text,
};

/// Name of the dataset of daily bars.
pub const EOD: &str = "eod";

/// Name of the dataset of splits.
pub const SPLITS: &str = "splits";

const SHARE: &str = "currency per share";

/// In order of name.
pub(super) const DATASETS: &[Definition] = &[
    Definition {
        name: EOD,
        comment: "One row per symbol and trading date: the daily bar, as its source adjusts it: dxLink candles and Stooq for splits, not for dividends (splits.adjusted tells what was seen of it); files as they are. eod_adjusted adjusts the rest. Sources: dxLink daily candles, MetaStock files, Stooq.",
        columns: &[&[
            text("symbol", "Symbol in tastytrade spelling"),
            date("date", "Trading date in New York"),
            number("open", SHARE, "First price of the session, as the source adjusts it"),
            number("high", SHARE, "Highest price of the session, as the source adjusts it"),
            number("low", SHARE, "Lowest price of the session, as the source adjusts it"),
            number("close", SHARE, "Last price of the session, as the source adjusts it"),
            integer("volume", "shares", "Shares traded in the session, as the source adjusts them"),
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
    },
    Definition {
        name: SPLITS,
        comment: "One row per symbol and split: new shares per old, seen in the bars of eod. No vendor's route tells splits: a refresh sees them where a source restates its history, and looks at the bars around well-known ones.",
        columns: &[&[
            text("symbol", "Symbol in tastytrade spelling"),
            date(
                "effective_date",
                "First session in new shares; where it was observed, the session after the last bar that was held in old ones",
            ),
            number(
                "ratio",
                "new shares per old share",
                "10 for ten new shares for an old one, 0.1 for one new share for ten",
            ),
            text(
                "origin",
                "'observed' in a history that was restated, or 'listed' among well-known splits that the bars were compared with",
            ),
            text("source", "Source of the bars it was seen in, as in eod"),
            flag(
                "adjusted",
                "Whether that source's bars before effective_date are in new shares; where false, eod_adjusted adjusts them",
            ),
            moment("observed_at", "When a refresh saw it"),
        ]],
        key: &["symbol", "effective_date"],
        mode: WriteMode::Merge,
        depends_on: &[EOD],
        ..Definition::BASE
    },
];
