//! The list of the types of events that the venue sends, and how each is made and delivered.

use super::candle::CandleEvent;
use super::greeks::GreeksEvent;
use super::profile::ProfileEvent;
use super::quote::QuoteEvent;
use super::summary::SummaryEvent;
use super::time_and_sale::TimeAndSaleEvent;
use super::trade::{TradeEvent, make_extended_trade};
use super::typed::{Tick, TypedEvent};
use crate::simulator::exchange::{Exchange, Source};
use chrono::{DateTime, Utc};
use std::cmp::Ordering;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// How often events of a type are made for those who are subscribed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// So many per quote.
    PerQuote(f64),
    /// Once a second for each symbol, or as many as there are trades if that is less.
    EachSecond,
    /// Now and then, some of them in turn.
    Looks,
    /// Only when they are subscribed.
    Once,
}

/// What a subscription of a type brings on the contracts that leave it to the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The last event, then the latest of each period. A stream begins without the last event.
    Ticker,
    /// The same, and a stream begins with the last event too.
    Standing,
}

/// Makes the event of a symbol at a moment; the last argument is the number of the event.
type Make = fn(&Exchange, &Arc<str>, &Source, DateTime<Utc>, u64) -> Option<Tick>;

/// One type of event.
#[derive(Debug)]
struct EventType {
    /// Name on the wire, such as `TimeAndSale`.
    name: &'static str,
    /// Gives the names of its fields.
    names: fn() -> Vec<&'static str>,
    /// Makes the event of a symbol.
    make: Make,
    /// How often the hub makes events of this type.
    pace: Pace,
    /// What a new subscription is sent at once.
    delivery: Delivery,
    /// Whether the venue's own choice of contract keeps only the latest event of a symbol and period.
    conflated: bool,
}

/// A type whose events are conflated under the contract AUTO.
const fn event_type<E: TypedEvent>(name: &'static str, pace: Pace, delivery: Delivery) -> EventType {
    EventType { name, names: names::<E>, make: make::<E>, pace, delivery, conflated: true }
}

/// The wire names of the fields of a type, in the order of its table.
fn names<E: TypedEvent>() -> Vec<&'static str> {
    E::FIELDS.iter().map(|(name, _)| *name).collect()
}

/// Makes an event of a type and puts it behind an `Arc`, so that every connection sends the same one.
fn make<E: TypedEvent>(
    exchange: &Exchange,
    symbol: &Arc<str>,
    source: &Source,
    now: DateTime<Utc>,
    count: u64,
) -> Option<Tick> {
    E::at(exchange, symbol, source, now, count).map(|event| Arc::new(event) as Tick)
}

/// Trades and greeks per quote.
pub(crate) const SHARE_OF_QUOTES: f64 = 0.2;

/// Candles, which [`crate::simulator::dxlink::candle`] makes as history and the hub does not.
const CANDLE: EventType = event_type::<CandleEvent>("Candle", Pace::Once, Delivery::Standing);

/// Every type of event, sorted by name. A new one is a file of this folder and a line here.
static EVENT_TYPES: &[EventType] = &[
    CANDLE,
    event_type::<GreeksEvent>("Greeks", Pace::EachSecond, Delivery::Standing),
    event_type::<ProfileEvent>("Profile", Pace::Once, Delivery::Standing),
    event_type::<QuoteEvent>("Quote", Pace::PerQuote(1.0), Delivery::Ticker),
    event_type::<SummaryEvent>("Summary", Pace::Looks, Delivery::Standing),
    EventType {
        conflated: false,
        ..event_type::<TimeAndSaleEvent>("TimeAndSale", Pace::PerQuote(SHARE_OF_QUOTES), Delivery::Ticker)
    },
    event_type::<TradeEvent>("Trade", Pace::PerQuote(SHARE_OF_QUOTES), Delivery::Ticker),
    EventType {
        make: make_extended_trade,
        ..event_type::<TradeEvent>("TradeETH", Pace::PerQuote(SHARE_OF_QUOTES), Delivery::Ticker)
    },
];

/// One of the types of events the venue sends, told apart by name.
#[derive(Clone, Copy)]
pub(crate) struct EventKind(&'static EventType);

impl EventKind {
    /// Every type, sorted by name.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        EVENT_TYPES.iter().map(Self)
    }

    /// The type a client names; `None` when the venue does not know it.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        self.0.name
    }

    /// Names of its fields.
    pub(crate) fn names(self) -> Vec<&'static str> {
        (self.0.names)()
    }

    /// How often its events are made.
    pub(crate) fn pace(self) -> Pace {
        self.0.pace
    }

    /// Whether it is made tick by tick.
    pub(crate) fn ticks(self) -> bool {
        matches!(self.0.pace, Pace::PerQuote(_) | Pace::EachSecond)
    }

    /// Whether only the latest event of a symbol and period is sent, unless the client asks for all.
    pub(crate) fn conflated(self) -> bool {
        self.0.conflated
    }

    /// What subscribing to this type brings at once under a contract that leaves it to the venue: nothing, or the last
    /// event.
    pub(crate) fn delivery(self) -> Delivery {
        self.0.delivery
    }

    /// The event of a symbol at `now`.
    pub(crate) fn make(
        self,
        exchange: &Exchange,
        symbol: &Arc<str>,
        source: &Source,
        now: DateTime<Utc>,
        count: u64,
    ) -> Option<Tick> {
        (self.0.make)(exchange, symbol, source, now, count)
    }

    /// Candles, which are subscribed and sent in a way of their own.
    pub(crate) fn candle() -> Self {
        Self(&CANDLE)
    }
}

impl Debug for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for EventKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for EventKind {}

impl PartialOrd for EventKind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EventKind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl Hash for EventKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}
