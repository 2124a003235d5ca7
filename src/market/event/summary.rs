//! Summaries: the prices of a symbol's day so far and the close of the day before.

use super::column::{Column, Read};
use super::definition::{Event, History, Scope};
use chrono::{DateTime, NaiveDate, Utc};
use std::sync::Arc;

/// The day of one symbol so far, and the close of its day before.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Symbol in streamer spelling.
    pub symbol: Arc<str>,
    /// The trading day the prices are of.
    pub day: Option<NaiveDate>,
    /// First price of the day.
    pub day_open: Option<f64>,
    /// Highest price of the day so far.
    pub day_high: Option<f64>,
    /// Lowest price of the day so far.
    pub day_low: Option<f64>,
    /// Close of the day; `None` until there is one.
    pub day_close: Option<f64>,
    /// What the close is: `REGULAR`, `INDICATIVE`, `PRELIMINARY` or `FINAL`.
    pub day_close_type: Option<Arc<str>>,
    /// The trading day before.
    pub previous_day: Option<NaiveDate>,
    /// Close of the day before.
    pub previous_close: Option<f64>,
    /// What the close of the day before is, in the same words.
    pub previous_close_type: Option<Arc<str>>,
    /// Volume of the day before, in shares or contracts.
    pub previous_volume: Option<i64>,
    /// Open contracts; zero for what has none.
    pub open_interest: Option<i64>,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}

impl Event for Summary {
    const NAME: &'static str = "summaries";
    const LATEST: Option<&'static str> =
        Some("One row per symbol: its day so far and the close of the day before. Source: dxLink.");
    const LIVE: Option<&'static str> =
        Some("One row per event from now on: the day so far of a symbol. Runs until cancelled.");
    const HISTORY: Option<History> = None;
    const SCOPE: Scope = Scope::Every;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::new("day", "", "Trading day the prices are of", Read::Date(|summary| summary.day)),
        Column::new("day_open", "dollars", "First price of the day", Read::Double(|summary| summary.day_open)),
        Column::new("day_high", "dollars", "Highest price of the day", Read::Double(|summary| summary.day_high)),
        Column::new("day_low", "dollars", "Lowest price of the day", Read::Double(|summary| summary.day_low)),
        Column::new("day_close", "dollars", "Close, once there is one", Read::Double(|summary| summary.day_close)),
        Column::new(
            "day_close_type",
            "",
            "What the close is: REGULAR, INDICATIVE, PRELIMINARY or FINAL",
            Read::Text(|summary| summary.day_close_type.as_deref()),
        ),
        Column::new("previous_day", "", "Trading day before", Read::Date(|summary| summary.previous_day)),
        Column::new(
            "previous_close",
            "dollars",
            "Close of the day before",
            Read::Double(|summary| summary.previous_close),
        ),
        Column::new(
            "previous_close_type",
            "",
            "What the close of the day before is, in the words of day_close_type",
            Read::Text(|summary| summary.previous_close_type.as_deref()),
        ),
        Column::new(
            "previous_volume",
            "shares or contracts",
            "Volume of the day before",
            Read::Integer(|summary| summary.previous_volume),
        ),
        Column::new("open_interest", "contracts", "Open contracts", Read::Integer(|summary| summary.open_interest)),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// The venue sends no time with it.
    fn event_at(&self) -> Option<DateTime<Utc>> {
        None
    }

    fn received_at(&self) -> DateTime<Utc> {
        self.received_at
    }
}
