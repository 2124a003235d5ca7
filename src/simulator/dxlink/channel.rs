//! One feed channel: its contract, its format, its subscriptions, and the ticks that wait for its next frame.

use super::candle::History;
use super::frame::{Format, Layout};
use crate::market::symbol::CandleSymbol;
use crate::simulator::event::{CandleEvent, Delivery, EventKind, Tick};
use crate::simulator::exchange::Source;
use crate::simulator::hub::Batch;
use std::collections::{BTreeMap, HashMap};
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
    /// The contract a `CHANNEL_REQUEST` names; `None` for a word the protocol does not have.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "AUTO" => Some(Self::Auto),
            "TICKER" => Some(Self::Ticker),
            "HISTORY" => Some(Self::History),
            "STREAM" => Some(Self::Stream),
            _ => None,
        }
    }

    /// The contract as `CHANNEL_OPENED` and `FEED_CONFIG` spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "AUTO",
            Self::Ticker => "TICKER",
            Self::History => "HISTORY",
            Self::Stream => "STREAM",
        }
    }
}

/// What a subscribed symbol stands for; `None` when the venue does not know it.
pub(crate) type Subscribed = HashMap<Arc<str>, Option<Arc<Source>>>;

/// A subscribed candle and what was sent of it last.
#[derive(Debug)]
pub(crate) struct CandleSubscription {
    pub(crate) symbol: CandleSymbol,
    /// The current candle as it was sent; an update goes out only when it differs.
    pub(crate) last: Option<CandleEvent>,
}

/// One open channel of a connection.
#[derive(Debug)]
pub(crate) struct Channel {
    /// The channel's number, chosen by the client.
    pub(crate) number: u64,
    pub(crate) contract: Contract,
    /// Whether the venue conflates at all.
    conflate: bool,
    pub(crate) format: Format,
    /// Aggregation period: at most one frame of ticks in this time; 0 delivers every event.
    pub(crate) period_seconds: f64,
    /// Fields the client asks for, by event type.
    requested: HashMap<String, Vec<String>>,
    /// Layouts that have been announced.
    layouts: HashMap<EventKind, Layout>,
    /// Subscribed symbols by event type, candles aside.
    pub(crate) subscribed: HashMap<EventKind, Subscribed>,
    /// Candles by canonical symbol.
    pub(crate) candles: HashMap<String, CandleSubscription>,
    /// Ticks for the next frame, by event type.
    waiting: BTreeMap<EventKind, Waiting>,
    /// When the last period began.
    flushed_at: Instant,
}

impl Channel {
    /// A channel as it is opened: FULL format, a tenth of a second, no subscriptions.
    pub(crate) fn new(number: u64, contract: Contract, conflate: bool) -> Self {
        Self {
            number,
            contract,
            conflate,
            format: Format::Full,
            period_seconds: DEFAULT_PERIOD_SECONDS,
            requested: HashMap::new(),
            layouts: HashMap::new(),
            subscribed: HashMap::new(),
            candles: HashMap::new(),
            waiting: BTreeMap::new(),
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
        let layout = Layout::new(kind, self.requested.get(kind.name()).map(Vec::as_slice));
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
        let named = |kind: &EventKind| Some((kind.name(), self.layouts.get(kind)?.names(*kind)));
        kinds.iter().filter_map(named).collect()
    }

    /// Whether every event is delivered rather than the latest of each period.
    fn delivers_all(&self) -> bool {
        !self.conflate || self.contract == Contract::Stream || self.period_seconds == 0.0
    }

    /// Whether subscribing brings the last event at once.
    pub(crate) fn begins_with_last(&self, kind: EventKind) -> bool {
        match kind.delivery() {
            Delivery::Ticker => kind.conflated() && matches!(self.contract, Contract::Auto | Contract::Ticker),
            Delivery::Standing => self.contract != Contract::History,
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
        if self.contract == Contract::History {
            return;
        }
        let all = self.delivers_all();
        for (kind, ticks) in &batch.ticks {
            if let Some(symbols) = self.subscribed.get(kind).filter(|symbols| !symbols.is_empty()) {
                self.waiting.entry(*kind).or_default().take(ticks, symbols, all || !kind.conflated());
            }
        }
    }

    /// Takes every tick that waits, by type.
    pub(crate) fn drain(&mut self) -> Vec<(EventKind, Vec<Tick>)> {
        self.waiting.iter_mut().map(|(kind, waiting)| (*kind, waiting.drain())).collect()
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
#[derive(Debug, Default)]
struct Waiting {
    events: Vec<Tick>,
    /// Where the event of a symbol stands, while only the latest is kept.
    places: HashMap<Arc<str>, usize>,
}

impl Waiting {
    /// Adds the events of subscribed symbols; unless `all` is wanted, a later event takes the place of an earlier one.
    fn take(&mut self, events: &[Tick], symbols: &Subscribed, all: bool) {
        for event in events.iter().filter(|event| symbols.contains_key(event.symbol())) {
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
    fn drain(&mut self) -> Vec<Tick> {
        self.places.clear();
        std::mem::take(&mut self.events)
    }
}
