//! A daily bar: what one symbol did in one regular session. Collectors parse their bars into it before they are written
//! to the dataset `eod`.

use chrono::NaiveDate;

/// One symbol's session. Grain: (symbol, date). Prices in the listing currency, as the source adjusts them.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Symbol in tastytrade spelling (`AAPL`, `BRK/B`).
    pub symbol: String,
    /// Trading date in the exchange's zone.
    pub date: NaiveDate,
    /// First price; `None` when the source has none.
    pub open: Option<f64>,
    /// Highest price of the session.
    pub high: Option<f64>,
    /// Lowest price of the session.
    pub low: Option<f64>,
    /// Last price, which is the session's close.
    pub close: Option<f64>,
    /// Shares or contracts traded.
    pub volume: Option<i64>,
    /// Open contracts; `None` for equities.
    pub open_interest: Option<i64>,
}
