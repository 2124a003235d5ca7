//! Time and sales: every single trade as the tape reports it, with the quote it met.

use super::column::{Column, Read};
use super::definition::{Event, History, Scope};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// One report of the tape.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeAndSale {
    /// Symbol in streamer spelling.
    pub symbol: Arc<str>,
    /// The venue's number of the report among those of one moment.
    pub venue_sequence: Option<i64>,
    /// One-letter code of the exchange.
    pub exchange_code: Option<Arc<str>>,
    /// Price of the trade.
    pub price: Option<f64>,
    /// Size of the trade, in shares or contracts.
    pub size: Option<i64>,
    /// Best bid at the trade.
    pub bid: Option<f64>,
    /// Best ask at the trade.
    pub ask: Option<f64>,
    /// The exchange's conditions of the sale, as it writes them.
    pub sale_conditions: Option<Arc<str>>,
    /// Who came to the market: `BUY` or `SELL`; `None` when that is not known.
    pub aggressor_side: Option<Arc<str>>,
    /// Whether it was traded outside the regular session.
    pub extended_hours: Option<bool>,
    /// Whether it is one leg of a spread.
    pub spread_leg: Option<bool>,
    /// Whether it may move the last price.
    pub valid_tick: Option<bool>,
    /// `NEW`, `CORRECTION` or `CANCEL`.
    pub report_type: Option<Arc<str>>,
    /// Venue time of the trade.
    pub event_at: Option<DateTime<Utc>>,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}

impl Event for TimeAndSale {
    const NAME: &'static str = "time_and_sales";
    const LATEST: Option<&'static str> =
        Some("One row per symbol: the latest trade of its tape, with the quote it met. Source: dxLink.");
    const LIVE: Option<&'static str> =
        Some("One row per event from now on: every trade of the tape. Runs until cancelled.");
    const HISTORY: Option<History> = Some(History {
        name: "time_and_sales_history",
        comment: "One row per trade of the tape received, corrections and cancels included. Source: dxLink. The newest are still in the spool of the server that collects.",
    });
    const SCOPE: Scope = Scope::Listed;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::new(
            "venue_sequence",
            "",
            "The venue's number of the report among those of one moment",
            Read::Integer(|sale| sale.venue_sequence),
        ),
        Column::new(
            "exchange_code",
            "",
            "Code of the exchange, one letter",
            Read::Text(|sale| sale.exchange_code.as_deref()),
        ),
        Column::new("price", "dollars", "Price of the trade", Read::Double(|sale| sale.price)),
        Column::new("size", "shares or contracts", "Size of the trade", Read::Integer(|sale| sale.size)),
        Column::new("bid", "dollars", "Best bid at the trade", Read::Double(|sale| sale.bid)),
        Column::new("ask", "dollars", "Best ask at the trade", Read::Double(|sale| sale.ask)),
        Column::new(
            "sale_conditions",
            "",
            "Conditions of the sale as the exchange writes them",
            Read::Text(|sale| sale.sale_conditions.as_deref()),
        ),
        Column::new(
            "aggressor_side",
            "",
            "Who came to the market: BUY or SELL; NULL when that is not known",
            Read::Text(|sale| sale.aggressor_side.as_deref()),
        ),
        Column::new(
            "extended_hours",
            "",
            "Whether it was traded outside the regular session",
            Read::Boolean(|sale| sale.extended_hours),
        ),
        Column::new("spread_leg", "", "Whether it is one leg of a spread", Read::Boolean(|sale| sale.spread_leg)),
        Column::new("valid_tick", "", "Whether it may move the last price", Read::Boolean(|sale| sale.valid_tick)),
        Column::new(
            "type",
            "",
            "NEW, or the CORRECTION or CANCEL of an earlier report",
            Read::Text(|sale| sale.report_type.as_deref()),
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
