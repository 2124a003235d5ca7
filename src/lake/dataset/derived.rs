//! Datasets that are computed from others.

use super::definition::{Definition, Earlier, FreshnessDefaults, date, integer, number, text};

/// Stale when an input has a new version. There is no jitter: the inputs have theirs.
const AFTER_INPUTS: FreshnessDefaults = FreshnessDefaults {
    ttl: "inputs",
    stale_while_revalidate: "10m",
    wait_timeout: "60s",
    stale_if_error: "7d",
    jitter: "0s",
    csv: true,
};

/// In order of name.
pub(super) const DATASETS: &[Definition] = &[
    Definition {
        name: "expirations",
        comment: "One row per underlying, listed expiration and root: type, settlement, sessions left. Derived from option_chains and calendar.",
        columns: &[&[
            text("underlying", "Underlying in tastytrade spelling"),
            date("expiration", "Expiration date"),
            text(
                "root",
                "Root of the options' symbols: SPX and SPXW are listed apart; NULL in rows of earlier releases",
            )
            .added(Earlier::Unknown),
            text("type", "Series: 'monthly', 'weekly', 'quarterly' or 'end of month'"),
            text("settlement", "When it settles: 'AM' or 'PM'"),
            integer(
                "sessions_left",
                "sessions",
                "Regular sessions after the last closed one, the expiration's included",
            ),
            integer("options", "contracts", "Listed options, calls and puts"),
        ]],
        key: &["underlying", "expiration", "root"],
        by_item: true,
        computed_from: &["calendar", "option_chains"],
        freshness: Some(AFTER_INPUTS),
        depends_on: &["calendar", "option_chains"],
        ..Definition::BASE
    },
    Definition {
        name: "returns_stddev",
        comment: "One row per symbol and listed expiration: standard deviation of its log returns over as many sessions. Derived from eod and expirations.",
        columns: &[&[
            text("symbol", "Underlying in tastytrade spelling"),
            date("expiration", "Expiration date"),
            integer("sessions", "sessions", "The horizon: regular sessions until the expiration"),
            number(
                "stddev",
                "ratio",
                "Sample standard deviation of overlapping log returns over the horizon; NULL below two",
            ),
            number("annualised", "ratio per year", "stddev times the root of 252 / sessions"),
            integer("observations", "returns", "Log returns that went into it"),
        ]],
        key: &["symbol", "expiration"],
        by_item: true,
        computed_from: &["eod", "expirations"],
        freshness: Some(AFTER_INPUTS),
        depends_on: &["eod", "expirations"],
        ..Definition::BASE
    },
];
