//! One feed channel: its contract, its format, its subscriptions, and the ticks that wait for its next frame.

use super::candle::History;
use super::frame::{Format, Layout};
use crate::market::symbol::CandleSymbol;
use crate::simulator::event::{
    CandleEvent, FeedEvent, GreeksEvent, ProfileEvent, QuoteEvent, SummaryEvent, TradeEvent,
};
use crate::simulator::exchange::Source;
use crate::simulator::hub::{Batch, TickKind};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::time::{Duration, Instant};

/// Aggregation period of a client that does not ask for one.
const DEFAULT_PERIOD_SECONDS: f64 = 0.1;

/// How a channel delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contract {
    /// The venue chooses by type: candles as history, everything else as ticker.
    Auto,
    /// The latest event per symbol and aggregation period.
    Ticker,
    /// A snapshot, then changes.
    History,
    /// Every event, no snapshot.
    Stream,
}

impl Contract {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "AUTO" => Some(Self::Auto),
            "TICKER" => Some(Self::Ticker),
            "HISTORY" => Some(Self::History),
            "STREAM" => Some(Self::Stream),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "AUTO",
            Self::Ticker => "TICKER",
            Self::History => "HISTORY",
            Self::Stream => "STREAM",
        }
    }
}

/// Event types of the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum EventKind {
    Quote,
    Trade,
    /// Trades while no session is under way.
    TradeExtended,
    Summary,
    Profile,
    Greeks,
    Candle,
}

const EVENT_KINDS: [(&str, EventKind); 7] = [
    ("Quote", EventKind::Quote),
    ("Trade", EventKind::Trade),
    ("TradeETH", EventKind::TradeExtended),
    ("Summary", EventKind::Summary),
    ("Profile", EventKind::Profile),
    ("Greeks", EventKind::Greeks),
    ("Candle", EventKind::Candle),
];

impl EventKind {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        EVENT_KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    pub(crate) fn name(self) -> &'static str {
        EVENT_KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Which ticks feed it, if any.
    pub(crate) fn ticks(self) -> Option<TickKind> {
        match self {
            Self::Quote => Some(TickKind::Quote),
            Self::Trade | Self::TradeExtended => Some(TickKind::Trade),
            Self::Greeks => Some(TickKind::Greeks),
            Self::Summary | Self::Profile | Self::Candle => None,
        }
    }

    fn layout(self, requested: Option<&[String]>) -> Layout {
        match self {
            Self::Quote => Layout::new::<QuoteEvent>(requested),
            Self::Trade | Self::TradeExtended => Layout::new::<TradeEvent>(requested),
            Self::Summary => Layout::new::<SummaryEvent>(requested),
            Self::Profile => Layout::new::<ProfileEvent>(requested),
            Self::Greeks => Layout::new::<GreeksEvent>(requested),
            Self::Candle => Layout::new::<CandleEvent>(requested),
        }
    }

    fn names(self, layout: &Layout) -> Vec<&'static str> {
        match self {
            Self::Quote => layout.names::<QuoteEvent>(),
            Self::Trade | Self::TradeExtended => layout.names::<TradeEvent>(),
            Self::Summary => layout.names::<SummaryEvent>(),
            Self::Profile => layout.names::<ProfileEvent>(),
            Self::Greeks => layout.names::<GreeksEvent>(),
            Self::Candle => layout.names::<CandleEvent>(),
        }
    }
}

/// What a subscribed symbol stands for; `None` when the venue does not know it.
pub(crate) type Subscribed = HashMap<Arc<str>, Option<Arc<Source>>>;

/// A subscribed candle and what was sent of it last.
#[derive(Debug)]
pub(crate) struct CandleSubscription {
    pub(crate) symbol: CandleSymbol,
    pub(crate) last: Option<CandleEvent>,
}

/// One open channel of a connection.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) number: u64,
    pub(crate) contract: Contract,
    pub(crate) format: Format,
    pub(crate) period_seconds: f64,
    requested: HashMap<String, Vec<String>>,
    /// Layouts that have been announced.
    layouts: HashMap<EventKind, Layout>,
    pub(crate) subscribed: HashMap<EventKind, Subscribed>,
    /// Candles by canonical symbol.
    pub(crate) candles: HashMap<String, CandleSubscription>,
    pub(crate) quotes: Waiting<QuoteEvent>,
    pub(crate) trades: Waiting<TradeEvent>,
    pub(crate) extended_trades: Waiting<TradeEvent>,
    pub(crate) greeks: Waiting<GreeksEvent>,
    flushed_at: Instant,
}

impl Channel {
    pub(crate) fn new(number: u64, contract: Contract) -> Self {
        Self {
            number,
            contract,
            format: Format::Full,
            period_seconds: DEFAULT_PERIOD_SECONDS,
            requested: HashMap::new(),
            layouts: HashMap::new(),
            subscribed: HashMap::new(),
            candles: HashMap::new(),
            quotes: Waiting::default(),
            trades: Waiting::default(),
            extended_trades: Waiting::default(),
            greeks: Waiting::default(),
            flushed_at: Instant::now(),
        }
    }

    /// Takes over what a `FEED_SETUP` asks for. Types whose fields change are announced again.
    pub(crate) fn set_up(
        &mut self,
        period_seconds: Option<f64>,
        format: Option<&str>,
        fields: Option<HashMap<String, Vec<String>>>,
    ) {
        if let Some(seconds) = period_seconds.filter(|seconds| (0.0..=3_600.0).contains(seconds)) {
            self.period_seconds = seconds;
        }
        match format {
            Some("COMPACT") => self.format = Format::Compact,
            Some("FULL") => self.format = Format::Full,
            _ => {}
        }
        for (name, names) in fields.unwrap_or_default() {
            if let Some(kind) = EventKind::from_name(&name) {
                self.layouts.remove(&kind);
            }
            self.requested.insert(name, names);
        }
    }

    /// The layout of a type, and whether it is used for the first time and has to be announced.
    pub(crate) fn layout(&mut self, kind: EventKind) -> (Layout, bool) {
        if let Some(layout) = self.layouts.get(&kind) {
            return (layout.clone(), false);
        }
        let layout = kind.layout(self.requested.get(kind.name()).map(Vec::as_slice));
        self.layouts.insert(kind, layout.clone());
        (layout, true)
    }

    /// From here on the fields of a type come the other way round.
    pub(crate) fn reverse_fields(&mut self, kind: EventKind) {
        self.layout(kind);
        if let Some(layout) = self.layouts.get_mut(&kind) {
            layout.reverse();
        }
    }

    /// Names of the announced fields of some types.
    pub(crate) fn fields(&self, kinds: &[EventKind]) -> Vec<(&'static str, Vec<&'static str>)> {
        let named = |kind: &EventKind| Some((kind.name(), kind.names(self.layouts.get(kind)?)));
        kinds.iter().filter_map(named).collect()
    }

    /// Whether every event is delivered rather than the latest of each period.
    fn delivers_all(&self) -> bool {
        self.contract == Contract::Stream || self.period_seconds == 0.0
    }

    /// Whether subscribing brings the last event at once.
    pub(crate) fn begins_with_last(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::Quote | EventKind::Trade | EventKind::TradeExtended => {
                matches!(self.contract, Contract::Auto | Contract::Ticker)
            }
            _ => self.contract != Contract::History,
        }
    }

    /// Cuts a candle's history down to what the contract delivers at first.
    pub(crate) fn limit_history(&self, mut history: History) -> History {
        match self.contract {
            Contract::Auto | Contract::History => history,
            Contract::Ticker => {
                history.candles.truncate(1);
                History { cut_off: false, ..history }
            }
            Contract::Stream => History::default(),
        }
    }

    /// Number of subscribed pairs.
    pub(crate) fn size(&self) -> usize {
        self.subscribed.values().map(HashMap::len).sum::<usize>() + self.candles.len()
    }

    /// Keeps the ticks of a batch that are subscribed here.
    pub(crate) fn take(&mut self, batch: &Batch) {
        let all = self.delivers_all();
        let is_tick = matches!(self.contract, Contract::Auto | Contract::Ticker | Contract::Stream);
        let subscribed = |kind| self.subscribed.get(&kind).filter(|symbols| is_tick && !symbols.is_empty());
        if let Some(symbols) = subscribed(EventKind::Quote) {
            self.quotes.take(batch.quotes.iter(), symbols, all);
        }
        if let Some(symbols) = subscribed(EventKind::Trade) {
            self.trades.take(batch.trades.iter(), symbols, all);
        }
        if let Some(symbols) = subscribed(EventKind::TradeExtended) {
            let extended = batch.trades.iter().filter(|trade| trade.extended_hours);
            self.extended_trades.take(extended, symbols, all);
        }
        if let Some(symbols) = subscribed(EventKind::Greeks) {
            self.greeks.take(batch.greeks.iter(), symbols, all);
        }
    }

    /// Whether the waiting ticks are due; if so the next period begins.
    pub(crate) fn due(&mut self) -> bool {
        let period = Duration::from_secs_f64(self.period_seconds);
        let due = self.delivers_all() || self.flushed_at.elapsed() >= period;
        if due {
            self.flushed_at = Instant::now();
        }
        due
    }
}

/// Ticks of one type that wait for the next frame.
#[derive(Debug)]
pub(crate) struct Waiting<E> {
    events: Vec<E>,
    /// Where the event of a symbol stands, while only the latest is kept.
    places: HashMap<Arc<str>, usize>,
}

impl<E> Default for Waiting<E> {
    fn default() -> Self {
        Self { events: Vec::new(), places: HashMap::new() }
    }
}

impl<E: FeedEvent + Clone> Waiting<E> {
    fn take<'a>(&mut self, events: impl Iterator<Item = &'a E>, symbols: &Subscribed, all: bool) {
        for event in events.filter(|event| symbols.contains_key(event.symbol())) {
            if all {
                self.events.push(event.clone());
                continue;
            }
            match self.places.get(event.symbol()).and_then(|place| self.events.get_mut(*place)) {
                Some(waiting) => *waiting = event.clone(),
                None => {
                    self.places.insert(event.symbol().clone(), self.events.len());
                    self.events.push(event.clone());
                }
            }
        }
    }

    /// Takes everything that waits.
    pub(crate) fn drain(&mut self) -> Vec<E> {
        self.places.clear();
        std::mem::take(&mut self.events)
    }
}
