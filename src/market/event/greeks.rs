//! Greeks: the model price and sensitivities of one option.

use super::column::{Column, Read};
use super::definition::{Event, History, Scope};
use crate::market::symbol::{OptionSymbol, Side};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Model sensitivities of one option.
#[derive(Debug, Clone, PartialEq)]
pub struct Greeks {
    /// Option in streamer spelling.
    pub symbol: Arc<str>,
    /// Price of the option by the venue's model, in the currency of its underlying.
    pub price: Option<f64>,
    /// Implied volatility, annualised ratio (0.25 = 25 %).
    pub volatility: Option<f64>,
    /// Price change per unit of the underlying.
    pub delta: Option<f64>,
    /// Delta change per unit of the underlying.
    pub gamma: Option<f64>,
    /// Price change per calendar day.
    pub theta: Option<f64>,
    /// Price change per 1 % of interest rate.
    pub rho: Option<f64>,
    /// Price change per 1 % of volatility.
    pub vega: Option<f64>,
    /// Venue time of the computation.
    pub event_at: Option<DateTime<Utc>>,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}

impl Greeks {
    /// The option that the symbol names; `None` where it is spelled otherwise.
    fn option(&self) -> Option<OptionSymbol> {
        OptionSymbol::parse_streamer(&self.symbol)
    }

    fn side(&self) -> Option<&'static str> {
        Some(match self.option()?.side {
            Side::Call => "call",
            Side::Put => "put",
        })
    }
}

impl Event for Greeks {
    const NAME: &'static str = "greeks";
    const LATEST: Option<&'static str> =
        Some("One row per option near the money: its latest sensitivities. Source: dxLink.");
    const LIVE: Option<&'static str> =
        Some("One row per event from now on: option sensitivities. Runs until cancelled.");
    const HISTORY: Option<History> = None;
    const SCOPE: Scope = Scope::Options;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::new("price", "dollars", "Model price", Read::Double(|greeks| greeks.price)),
        Column::new(
            "volatility",
            "annualised ratio; 0.25 is 25 %",
            "Implied volatility",
            Read::Double(|greeks| greeks.volatility),
        ),
        Column::new(
            "delta",
            "dollars per dollar",
            "Change of the price with the underlying",
            Read::Double(|greeks| greeks.delta),
        ),
        Column::new("gamma", "per dollar", "Change of delta with the underlying", Read::Double(|greeks| greeks.gamma)),
        Column::new(
            "theta",
            "dollars per calendar day",
            "Change of the price with time",
            Read::Double(|greeks| greeks.theta),
        ),
        Column::new(
            "rho",
            "dollars per 1 %",
            "Change of the price with the interest rate",
            Read::Double(|greeks| greeks.rho),
        ),
        Column::new(
            "vega",
            "dollars per 1 %",
            "Change of the price with volatility",
            Read::Double(|greeks| greeks.vega),
        ),
        Column {
            computed: true,
            ..Column::new(
                "expiration",
                "",
                "Expiration date, by the symbol",
                Read::Date(|greeks| Some(greeks.option()?.expiration)),
            )
        },
        Column {
            computed: true,
            ..Column::new(
                "strike",
                "dollars",
                "Strike price, by the symbol",
                Read::Double(|greeks| Some(greeks.option()?.strike())),
            )
        },
        Column {
            computed: true,
            ..Column::new("side", "", "'call' or 'put', by the symbol", Read::Text(Greeks::side))
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
