//! Trades: the last trade of one symbol.

use super::column::{Column, Read};
use super::definition::{Event, History, Scope};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Last trade of one symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade {
    /// Symbol in streamer spelling.
    pub symbol: Arc<str>,
    /// Trade price.
    pub price: Option<f64>,
    /// Trade size in shares or contracts.
    pub size: Option<i64>,
    /// Change against the previous session's close, in price units.
    pub change: Option<f64>,
    /// Volume of the session so far.
    pub day_volume: Option<i64>,
    /// Venue time of the trade.
    pub event_at: Option<DateTime<Utc>>,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}

impl Event for Trade {
    const NAME: &'static str = "trades";
    const LATEST: Option<&'static str> = Some("One row per symbol: its latest trade. Source: dxLink.");
    const LIVE: Option<&'static str> = Some("One row per event from now on: trades. Runs until cancelled.");
    const HISTORY: Option<History> = Some(History {
        name: "trades_history",
        comment: "One row per trade received. Source: dxLink. The newest are still in the spool of the server that collects.",
    });
    const SCOPE: Scope = Scope::Listed;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::new("price", "dollars", "Price of the trade", Read::Double(|trade| trade.price)),
        Column::new("size", "shares or contracts", "Size of the trade", Read::Integer(|trade| trade.size)),
        Column::new(
            "change",
            "dollars",
            "Change against the close of the session before",
            Read::Double(|trade| trade.change),
        ),
        Column::new(
            "day_volume",
            "shares or contracts",
            "Volume of the session so far",
            Read::Integer(|trade| trade.day_volume),
        ),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    fn event_at(&self) -> Option<DateTime<Utc>> {
        self.event_at
    }

    fn received_at(&self) -> DateTime<Utc> {
        self.received_at
    }
}
