//! Quotes: the best bid and ask of one symbol at one moment.

use super::column::{Column, Read};
use super::definition::{Event, History, Scope};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Best bid and ask of one symbol at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// Symbol in streamer spelling (`AAPL`, `.SPY260116C500`).
    pub symbol: Arc<str>,
    /// Best bid price, in the currency of the instrument; `None` when nobody bids.
    pub bid: Option<f64>,
    /// Size at the bid, in shares or contracts.
    pub bid_size: Option<i64>,
    /// Best ask price, in the currency of the instrument; `None` when nobody asks.
    pub ask: Option<f64>,
    /// Size at the ask, in shares or contracts.
    pub ask_size: Option<i64>,
    /// Venue time of the newer side; `None` when the venue sends none.
    pub event_at: Option<DateTime<Utc>>,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}

impl Event for Quote {
    const NAME: &'static str = "quotes";
    const LATEST: Option<&'static str> = Some("One row per symbol: its latest best bid and ask. Source: dxLink.");
    const LIVE: Option<&'static str> = Some("One row per event from now on: best bid and ask. Runs until cancelled.");
    const HISTORY: Option<History> = Some(History {
        name: "quotes_history",
        comment: "One row per quote received: best bid and ask. Source: dxLink. The newest are still in the spool of the server that collects.",
    });
    const SCOPE: Scope = Scope::Every;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::new("bid", "dollars", "Best bid price", Read::Double(|quote| quote.bid)),
        Column::new("bid_size", "shares or contracts", "Size at the bid", Read::Integer(|quote| quote.bid_size)),
        Column::new("ask", "dollars", "Best ask price", Read::Double(|quote| quote.ask)),
        Column::new("ask_size", "shares or contracts", "Size at the ask", Read::Integer(|quote| quote.ask_size)),
        Column {
            computed: true,
            ..Column::new("mid", "dollars", "Midpoint of bid and ask, where both are known", Read::Double(mid))
        },
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

/// Midpoint of bid and ask, only where both are known.
fn mid(quote: &Quote) -> Option<f64> {
    Some(f64::midpoint(quote.bid?, quote.ask?))
}
